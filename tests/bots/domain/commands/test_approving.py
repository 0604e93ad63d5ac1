"""Four eyes: Dora asks, Alice approves or declines; nobody else, never Dora herself, and not for ever."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.access import Role
from accounts.models import Team, User
from bots.domain import commands, safety
from bots.domain.audit import AuditUnavailable
from bots.models import AuditEntry, Bot, Command, Event, FourEyes, Trade
from tests.bots.domain.audit_acts import audit_full
from tests.bots.domain.commands.conftest import actor, asked, exit_of
from tests.builders import a_bot, a_trade, member, person

pytestmark = pytest.mark.django_db
ABLE = {"capabilities": ["start", "stop", "pause", "force_exit", "force_exit_all"]}


@pytest.fixture
def rule(alpha: Team) -> FourEyes:
    return FourEyes.objects.create(team=alpha, actions=["force_exit", "force_exit_all"], wait_minutes=10)


@pytest.fixture
def live(alpha: Team) -> Bot:
    return a_bot(alpha, "trend", status=ABLE)


@pytest.fixture
def trade(live: Bot) -> Trade:
    return a_trade(live)


@pytest.fixture
def waiting(rule: FourEyes, dora: User, live: Bot, trade: Trade, handed: list[int]) -> Command:
    command = asked(dora, live, "force_exit", exit_of(trade))
    assert (command.state, handed) == (Command.WAITING, [])
    return command


def last_entry() -> AuditEntry:
    return AuditEntry.objects.order_by("-id")[0]


def test_alice_approves_and_it_is_an_intent_with_a_fresh_minute(
    waiting: Command, alice: User, handed: list[int], django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        command = commands.approve(actor(alice, "manager"), alice, waiting)
    assert handed == [command.pk]
    assert (command.state, command.approved_by, command.approved_by_name) == (Command.INTENT, alice, "alice")
    assert command.expires_at - command.approved_at == timedelta(seconds=60)
    entry = last_entry()
    assert (entry.action, entry.actor, entry.role, entry.details["command"]) == (
        "command_approved",
        "alice",
        "manager",
        command.pk,
    )
    assert entry.details["asked_by"] == "dora"
    assert Event.objects.get(kind="command_approved").text.endswith("by alice (asked by dora)")


def test_dora_cannot_approve_or_decline_her_own(waiting: Command, dora: User) -> None:
    for act in (commands.approve, commands.decline):
        with pytest.raises(commands.SecondPersonNeeded):
            act(actor(dora), dora, waiting)
    assert Command.objects.get().state == Command.WAITING


def test_a_second_person_of_too_low_a_role_decides_nothing(waiting: Command, otto: User) -> None:
    for act in (commands.approve, commands.decline):
        with pytest.raises(commands.RoleTooLow):
            act(actor(otto), otto, waiting)
    assert not commands.may_decide(otto, waiting)


def test_two_who_approve_at_once_send_it_once(waiting: Command, alice: User, alpha: Team) -> None:
    twin = Command.objects.get(pk=waiting.pk)
    emil = person("emil")
    member(emil, alpha, Role.TRADER)
    commands.approve(actor(alice), alice, waiting)
    with pytest.raises(commands.WrongState, match="is intent"):
        commands.approve(actor(emil), emil, twin)
    assert AuditEntry.objects.filter(action="command_approved").count() == 1


def test_declined_is_cancelled_and_says_by_whom_and_why(waiting: Command, alice: User, handed: list[int]) -> None:
    command = commands.decline(actor(alice), alice, waiting, "  not at this price ")
    assert (command.state, command.code, command.remark) == (Command.CANCELLED, "declined", "not at this price")
    assert command.outcome["sentence"] == "Declined by alice: not at this price"
    entry = last_entry()
    assert (entry.action, entry.details["declined"], entry.details["remark"]) == (
        "command_cancelled",
        True,
        "not at this price",
    )
    assert handed == []


def test_too_late_is_too_late(waiting: Command, alice: User) -> None:
    Command.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(commands.WrongState, match="waited too long"):
        commands.approve(actor(alice), alice, waiting)
    assert commands.sweep().expired == 1
    assert Command.objects.get().state == Command.EXPIRED


def test_who_asked_must_still_be_allowed_to(waiting: Command, alice: User, dora: User) -> None:
    dora.memberships.update(role=Role.VIEWER)
    with pytest.raises(commands.AskerMayNot, match="dora, who asked, may no longer do this"):
        commands.approve(actor(alice), alice, waiting)
    assert Command.objects.get().state == Command.WAITING
    commands.decline(actor(alice), alice, waiting)


def test_a_bot_paused_meanwhile_is_not_approved(waiting: Command, alice: User, live: Bot) -> None:
    Bot.objects.filter(pk=live.pk).update(enabled=False)
    with pytest.raises(commands.BotNotReady):
        commands.approve(actor(alice), alice, waiting)


def test_a_restored_portal_approves_nothing(waiting: Command, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> None:
        raise safety.SafeMode("a copy")

    monkeypatch.setattr(safety, "require_may_send", silent)
    with pytest.raises(commands.NothingIsSent):
        commands.approve(actor(alice), alice, waiting)


def test_what_cannot_be_audited_is_not_approved(waiting: Command, alice: User, handed: list[int]) -> None:
    with audit_full(), pytest.raises(AuditUnavailable), transaction.atomic():
        commands.approve(actor(alice), alice, waiting)
    assert (Command.objects.get().state, handed) == (Command.WAITING, [])


def test_on_a_dry_bot_nothing_waits(rule: FourEyes, dora: User, alpha: Team, handed: list[int]) -> None:
    dry = a_bot(alpha, "dry", status={**ABLE, "mode": "dry"})
    assert asked(dora, dry, "force_exit", exit_of(a_trade(dry))).state == Command.INTENT


def test_who_waits_for_whom(waiting: Command, alice: User, dora: User, otto: User, bob: User, charlie: User) -> None:
    assert list(commands.awaiting(alice)) == [waiting]
    for other in (dora, otto, bob, charlie):
        assert list(commands.awaiting(other)) == []


def test_alice_sets_the_rule_and_the_audit_knows_it(alice: User, alpha: Team) -> None:
    commands.set_four_eyes(actor(alice), alpha, ["stop", "force_exit"], 15)
    rule = commands.four_eyes_of(alpha)
    assert (rule.actions, rule.wait_minutes) == (["stop", "force_exit"], 15)
    commands.set_four_eyes(actor(alice), alpha, [], 15)
    assert FourEyes.objects.get().actions == []
    entry = last_entry()
    assert (entry.action, entry.team) == ("four_eyes_changed", "alpha")
    assert entry.details == {"before": ["stop", "force_exit"], "actions": [], "wait_minutes": 15}


@pytest.mark.parametrize(("actions", "minutes"), [(["see"], 10), (["manage"], 10), (["stop"], 0), (["stop"], 1441)])
def test_a_wrong_rule_is_refused(alice: User, alpha: Team, actions: list[str], minutes: int) -> None:
    with pytest.raises(ValidationError):
        commands.set_four_eyes(actor(alice), alpha, actions, minutes)
    assert not FourEyes.objects.exists()
