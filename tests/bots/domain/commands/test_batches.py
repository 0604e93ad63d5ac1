"""One wish for many bots: who gets what is told before, each bot gets one command or a reason why not, LIVE ones first;
what is not sent can be stopped, what was refused asked again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain import commands
from bots.domain.audit import AuditUnavailable
from bots.domain.commands import batches
from bots.models import AuditEntry, Bot, Command, CommandBatch, FourEyes
from tests.bots.domain.commands.conftest import actor
from tests.builders import a_bot, a_trade

pytestmark = pytest.mark.django_db
ALL = ["start", "stop", "pause", "reload_config", "force_exit", "force_exit_all"]


@pytest.fixture
def fleet(alpha: Team, handed: list[int]) -> dict[str, Bot]:
    """Two live bots, a dry one, one that lacks exit-all, one paused in the portal, one stopped."""
    made = {
        "dry": a_bot(alpha, "dry", status={"mode": "dry", "capabilities": ALL}),
        "live-b": a_bot(alpha, "live-b", status={"capabilities": ALL}),
        "live-a": a_bot(alpha, "live-a", status={"capabilities": ALL}),
        "old": a_bot(alpha, "old", status={"capabilities": ["start", "stop", "stop_entry"]}),
        "unasked": a_bot(alpha, "unasked", status={"capabilities": ALL}, enabled=False),
        "halted": a_bot(alpha, "halted", status={"capabilities": ALL, "state": "stopped"}),
    }
    a_trade(made["live-a"], pair="NEAR/USDT")
    a_trade(made["live-a"])
    a_trade(made["dry"])
    return made


def many(user: User, team: Team, bots: dict[str, Bot], action: str, **more: object) -> batches.AskedMany:
    reason = more.pop("reason", "night")
    given = (
        Bot.objects.visible_to(user).filter(pk__in=[bot.pk for bot in bots.values()]).select_related("team", "status")
    )
    return commands.ask_many(actor(user), user, team, given, action, more.pop("params", {}), reason, **more)


def told(lines: list[commands.PreviewLine]) -> list[tuple[str, bool, str, int]]:
    return [(line.bot.slug, line.possible, line.code, len(line.trades)) for line in lines]


def test_the_preview_says_who_gets_what_and_what_is_impossible(fleet: dict[str, Bot], dora: User) -> None:
    lines = commands.preview(dora, fleet.values(), "force_exit_all", {})
    assert told(lines) == [
        ("halted", True, "", 0),
        ("live-a", True, "", 2),
        ("live-b", True, "", 0),
        ("old", False, "capability_missing", 0),
        ("unasked", False, "bot_paused_in_portal", 0),
        ("dry", True, "", 1),
    ]
    by_slug = {line.bot.slug: line for line in lines}
    assert by_slug["live-a"].sentence == "Exit 2 open trades"
    assert "NEAR/USDT" in {trade["pair"] for trade in by_slug["live-a"].trades}
    assert (by_slug["live-a"].is_live, by_slug["dry"].is_live) == (True, False)
    assert "offers no exit of all trades" in by_slug["old"].sentence
    assert not Command.objects.exists()
    assert not AuditEntry.objects.exists()


def test_to_pause_a_stopped_bot_would_start_it(fleet: dict[str, Bot], dora: User) -> None:
    lines = {line.bot.slug: line for line in commands.preview(dora, fleet.values(), "pause", {})}
    assert (lines["halted"].code, lines["halted"].sentence) == ("nothing_to_do", "halted is stopped already")
    assert "only reload config undoes it" in lines["old"].note
    assert lines["live-a"].note == ""


def test_the_preview_names_who_waits_for_a_second_person(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    FourEyes.objects.create(team=alpha, actions=["stop"])
    waits = {line.bot.slug for line in commands.preview(dora, fleet.values(), "stop", {}) if line.waits}
    assert waits == {"live-a", "live-b", "old"}


@pytest.mark.parametrize("action", ["force_exit", "delete_trade", "cancel_order", "see", "explode"])
def test_a_trade_belongs_to_one_bot(fleet: dict[str, Bot], alice: User, alpha: Team, action: str) -> None:
    with pytest.raises(commands.WrongParams):
        commands.preview(alice, fleet.values(), action, {"trade_id": "1"})
    with pytest.raises(commands.WrongParams):
        many(alice, alpha, fleet, action, params={"trade_id": "1"})
    assert not CommandBatch.objects.exists()


def test_each_possible_bot_gets_one_command_live_ones_first(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    batch = many(dora, alpha, fleet, "force_exit_all", typed="Alpha", key="k").batch
    asked = Command.objects.order_by("id")
    assert [command.bot.slug for command in asked] == ["halted", "live-a", "live-b", "dry"]
    assert {command.batch_id for command in asked} == {batch.pk}
    assert {command.reason for command in asked} == {"night"}
    assert [(line["bot"], line["code"]) for line in batch.left_out] == [
        ("old", "capability_missing"),
        ("unasked", "bot_paused_in_portal"),
    ]
    first = AuditEntry.objects.order_by("id")[0]
    assert (first.action, first.team, first.actor, first.details["bots"], first.details["live"]) == (
        "batch_asked", "alpha", "dora", 6, 5,
    )  # fmt: skip
    assert AuditEntry.objects.filter(action="command_asked").count() == 4


def test_the_same_key_asks_once(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    first = many(dora, alpha, fleet, "stop", key="one-click")
    again = many(dora, alpha, fleet, "stop", key="one-click")
    assert (again.batch, again.replayed, first.replayed) == (first.batch, True, False)
    with pytest.raises(commands.BatchKeyUsed):
        many(dora, alpha, fleet, "start", key="one-click")
    assert CommandBatch.objects.count() == 1


@pytest.mark.parametrize("typed", ["", "alpha", "Beta", "live-a"])
def test_live_exits_want_the_teams_name(fleet: dict[str, Bot], dora: User, alpha: Team, typed: str) -> None:
    with pytest.raises(commands.WrongParams, match="5 LIVE: type Alpha"):
        many(dora, alpha, fleet, "force_exit_all", typed=typed)
    assert not CommandBatch.objects.exists()


def test_of_one_bot_also_its_own_name_and_of_dry_ones_nothing(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    assert many(dora, alpha, {"": fleet["live-a"]}, "force_exit_all", typed="live-a").batch.left_out == []
    assert many(dora, alpha, {"": fleet["dry"]}, "force_exit_all").batch.left_out == []


def test_who_may_not_asks_nothing(
    fleet: dict[str, Bot], otto: User, bob: User, charlie: User, alpha: Team, beta: Team
) -> None:
    for user, action in ((otto, "force_exit_all"), (bob, "stop"), (charlie, "stop")):
        with pytest.raises(commands.RoleTooLow):
            commands.ask_many(actor(user), user, alpha, fleet.values(), action, {}, "x", typed="Alpha")
    with pytest.raises(commands.WrongParams, match="not of the team Beta"):
        commands.ask_many(actor(charlie), charlie, beta, fleet.values(), "stop", {})
    with pytest.raises(commands.ReasonMissing):
        many(alice_of(alpha), alpha, fleet, "force_exit_all", typed="Alpha", reason=" ")
    assert not CommandBatch.objects.exists()


def alice_of(team: Team) -> User:
    from accounts.access import Role
    from tests.builders import member, person

    alice = person("alice")
    member(alice, team, Role.MANAGER)
    return alice


def test_an_interruption_leaves_every_bot_named(
    fleet: dict[str, Bot], dora: User, alpha: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, calls = batches.ask, []

    def dies_at_the_third(*arguments: object, **more: object) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            raise SystemExit
        return genuine(*arguments, **more)

    monkeypatch.setattr(batches, "ask", dies_at_the_third)
    with pytest.raises(SystemExit):
        many(dora, alpha, fleet, "stop", key="k")
    batch = CommandBatch.objects.get()
    standing = commands.progress(batch)
    assert [command.bot.slug for command in standing.commands] == ["live-a", "live-b"]
    assert {line["bot"] for line in standing.left_out} == {"halted", "old", "unasked", "dry"}
    assert {line["code"] for line in standing.left_out} == {"not_reached"}


def test_a_full_audit_in_the_middle_is_told_at_its_bot(
    fleet: dict[str, Bot], dora: User, alpha: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = batches.ask

    def full_at_dry(actor: object, user: object, bot: Bot, *arguments: object, **more: object) -> object:
        if bot.slug == "dry":
            raise AuditUnavailable("full")
        return genuine(actor, user, bot, *arguments, **more)

    monkeypatch.setattr(batches, "ask", full_at_dry)
    batch = many(dora, alpha, fleet, "stop").batch
    assert {"bot": "dry", "code": "audit_unavailable", "sentence": "full"} in batch.left_out


def test_stopping_ends_what_is_not_sent(fleet: dict[str, Bot], dora: User, bob: User, alpha: Team) -> None:
    batch = many(dora, alpha, fleet, "stop").batch
    sent = batch.commands.first()
    Command.objects.filter(pk=sent.pk).update(state=Command.SENT)
    with pytest.raises(commands.RoleTooLow):
        commands.stop(actor(bob), bob, batch)
    commands.stop(actor(dora), dora, batch)
    standing = commands.progress(batch)
    assert (standing.by_state, standing.unsent, standing.has_ended) == ({"sent": 1, "cancelled": 3}, 0, False)
    assert (batch.stopped_at is not None, batch.stopped_by_name) == (True, "dora")
    assert AuditEntry.objects.filter(action="batch_stopped").count() == 1
    assert AuditEntry.objects.filter(action="command_cancelled").count() == 3


def test_an_audit_that_cannot_be_written_is_tried_once_while_stopping(
    fleet: dict[str, Bot], dora: User, alpha: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = many(dora, alpha, fleet, "stop").batch
    tried = []

    def full(*given: object) -> Command:
        tried.append(given)
        raise AuditUnavailable("full")

    monkeypatch.setattr(batches, "cancel", full)
    assert commands.stop(actor(dora), dora, batch).stopped_at is not None
    assert len(tried) == 1
    assert commands.progress(batch).unsent == 4


def test_only_the_refused_are_asked_again(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    batch = many(dora, alpha, fleet, "stop").batch
    states = {"live-a": Command.DONE, "live-b": Command.REFUSED, "dry": Command.UNKNOWN, "old": Command.EXPIRED}
    for slug, state in states.items():
        Command.objects.filter(bot__slug=slug).update(state=state)
    assert commands.progress(batch).repeatable == 4
    again = commands.repeat_refused(actor(dora), dora, batch).batch
    assert [command.bot.slug for command in again.commands.order_by("id")] == ["live-b", "old"]
    assert [line["bot"] for line in again.left_out] == ["halted", "unasked"]
    assert (again.action, again.reason, again.kind) == ("stop", "night", "bulk")


def test_exits_are_typed_again_when_repeated(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    batch = many(dora, alpha, fleet, "force_exit_all", typed="Alpha").batch
    with pytest.raises(commands.WrongParams, match="LIVE"):
        commands.repeat_refused(actor(dora), dora, batch)
    Command.objects.update(state=Command.DONE)
    CommandBatch.objects.update(left_out=[])
    batch.refresh_from_db()
    with pytest.raises(commands.WrongParams, match="None was refused"):
        commands.repeat_refused(actor(dora), dora, batch, typed="Alpha")


def test_a_second_person_approves_the_whole_batch(fleet: dict[str, Bot], dora: User, alice: User, alpha: Team) -> None:
    FourEyes.objects.create(team=alpha, actions=["stop"])
    batch = many(dora, alpha, fleet, "stop").batch
    assert commands.progress(batch).by_state == {"waiting": 3, "intent": 1}
    told = commands.approve_all(actor(dora), dora, batch)
    assert (told["approved"], len(told["refused"])) == (0, 3)
    assert commands.approve_all(actor(alice), alice, batch) == {"approved": 3, "refused": {}}
    assert commands.progress(batch).by_state == {"intent": 4}


def test_an_approval_that_cannot_be_written_down_does_not_hide_those_that_were(
    fleet: dict[str, Bot], dora: User, alice: User, alpha: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    FourEyes.objects.create(team=alpha, actions=["stop"])
    batch = many(dora, alpha, fleet, "stop").batch
    real, tried = batches.approve, []

    def approve_the_first_alone(*given: object) -> Command:
        tried.append(given)
        if len(tried) > 1:
            raise commands.AuditUnavailable("The audit cannot be written, so nothing was done. Try again.")
        return real(*given)

    monkeypatch.setattr(batches, "approve", approve_the_first_alone)
    told = commands.approve_all(actor(alice), alice, batch)
    assert (told["approved"], list(told["refused"].values())) == (
        1,
        [
            "The audit cannot be written, so nothing was done. Try again.",
            "Not approved: the audit could not be written before; it still waits",
        ],
    )
    assert len(tried) == 2, "the third would wait for the same lock or disk"
    assert commands.progress(batch).by_state == {"waiting": 2, "intent": 2}
    with pytest.raises(commands.AuditUnavailable):
        commands.approve_all(actor(alice), alice, batch)


# --- The kill switch --------------------------------------------------------------------------------------------------


def read_now(*bots: Bot, **values: object) -> None:
    for bot in bots:
        type(bot.status).objects.filter(bot=bot).update(seen_at=timezone.now() + timedelta(seconds=10), **values)


def checked(batch: CommandBatch, later: float = 0) -> dict[str, object]:
    """The tick twice: it begins to look, and looks."""
    commands.check_batches()
    commands.check_batches(timezone.now() + timedelta(seconds=later))
    batch.refresh_from_db()
    return batch.post_check if batch.checked_at else {}


def test_the_kill_switch_takes_every_bot_of_the_team(
    fleet: dict[str, Bot], dora: User, alpha: Team, beta: Team
) -> None:
    a_bot(beta, "foreign")
    with pytest.raises(commands.WrongParams, match="5 LIVE: type Alpha"):
        commands.pull(actor(dora), dora, alpha, "pause_all")
    batch = commands.pull(actor(dora), dora, alpha, "pause_all", typed="Alpha").batch
    standing = commands.progress(batch)
    assert (batch.kind, batch.action, standing.total) == ("pause_all", "pause", 6)
    assert {line["bot"] for line in standing.left_out} == {"unasked", "halted"}
    with pytest.raises(commands.WrongParams):
        commands.pull(actor(dora), dora, alpha, "burn", typed="Alpha")


def test_looking_afterwards_counts_the_open_trades(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    batch = commands.pull(actor(dora), dora, alpha, "exit_all", "flash crash", typed="Alpha").batch
    assert checked(batch) == {}, "nothing has ended"
    Command.objects.update(state=Command.DONE, outcome={"effect": "filled"})
    assert checked(batch) == {}, "nothing was read since"
    fleet["live-a"].trades.update(is_open=False)
    fleet["dry"].trades.update(is_open=False)
    read_now(*fleet.values())
    assert checked(batch) == {}, "the bot that is not asked could not be read"
    Bot.objects.filter(slug="unasked").update(enabled=True)
    found = checked(batch)
    assert found["sentence"] == "0 open trades left on 6 of 6 bots"
    assert (found["bots"], found["bots_done"], found["open_trades_left"], found["unknown"]) == (6, 6, 0, [])
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.action, entry.details["sentence"]) == ("batch_checked", found["sentence"])
    assert commands.check_batches() == 0


def test_what_is_left_and_what_is_not_known_is_named(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    batch = commands.pull(actor(dora), dora, alpha, "exit_all", "flash crash", typed="Alpha").batch
    Command.objects.update(state=Command.DONE, outcome={"effect": "pending"})
    read_now(fleet["live-a"], fleet["live-b"], fleet["halted"], fleet["dry"], fleet["unasked"])
    assert checked(batch) == {}
    found = checked(batch, later=91)
    assert found["sentence"] == (
        "0 open trades left on 2 of 6 bots; 3 left: dry (1), live-a (2); not read since: old, unasked"
    )
    assert (found["left"], found["unknown"]) == ({"dry": "1", "live-a": "2"}, ["old", "unasked"])


def test_after_a_pause_of_all_the_states_are_read(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    batch = commands.pull(actor(dora), dora, alpha, "pause_all", typed="Alpha").batch
    Command.objects.update(state=Command.DONE)
    Command.objects.filter(bot__slug="dry").update(state=Command.REFUSED)
    read_now(fleet["live-a"], fleet["live-b"], state="paused")
    read_now(fleet["old"], fleet["dry"], fleet["halted"])
    checked(batch)
    found = checked(batch, later=91)
    assert found["sentence"] == (
        "no new entries on 4 of 6 bots; still entering: dry (running); not read since: unasked;"
        " accepted, but the release tells no such state: old"
    )


def test_two_ticks_at_once_check_once(fleet: dict[str, Bot], dora: User, alpha: Team) -> None:
    batch = commands.pull(actor(dora), dora, alpha, "pause_all", typed="Alpha").batch
    Command.objects.update(state=Command.DONE)
    checked(batch)
    late = timezone.now() + timedelta(seconds=91)
    assert (commands.check_batches(late), commands.check_batches(late)) == (1, 0)
    assert AuditEntry.objects.filter(action="batch_checked").count() == 1
