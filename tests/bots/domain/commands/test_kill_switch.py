"""The kill switch reaches every bot of the team: however many there are, and whatever was asked of them before."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain import commands
from bots.domain.audit import AuditUnavailable
from bots.domain.commands import batches
from bots.models import AuditEntry, Bot, Command, CommandBatch
from tests.bots.domain.commands.conftest import actor, asked
from tests.builders import a_bot

pytestmark = pytest.mark.django_db
ALL = ["start", "stop", "pause", "reload_config", "force_exit", "force_exit_all"]


def test_a_team_of_any_size_is_reached_whole(
    dora: User, alpha: Team, handed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_BOTS", 2)
    bots = [a_bot(alpha, f"bot-{number}", status={"capabilities": ALL}) for number in range(3)]
    with pytest.raises(commands.WrongParams, match="Choose 1 to 2 bots"):
        commands.ask_many(actor(dora), dora, alpha, bots, "pause", {})
    batch = commands.pull(actor(dora), dora, alpha, "pause_all", typed="Alpha").batch
    assert {command.bot.slug for command in batch.commands.all()} == {"bot-0", "bot-1", "bot-2"}


def lost(bot: Bot, user: User, **ago: float) -> Command:
    """An exit of everything that was sent so long ago, and whose answer was lost."""
    command = asked(user, bot, "force_exit_all")
    moment = timezone.now() - timedelta(**ago)
    Command.objects.filter(pk=command.pk).update(state=Command.UNKNOWN, sent_at=moment, requested_at=moment)
    return command


def exit_all(user: User, team: Team) -> CommandBatch:
    return commands.pull(actor(user), user, team, "exit_all", "flash crash", typed=team.name).batch


def test_a_lost_answer_of_yesterday_keeps_no_bot_out_of_it(dora: User, alpha: Team, handed: list[int]) -> None:
    bot = a_bot(alpha, "silent", status={"capabilities": ALL})
    first = lost(bot, dora, days=1)
    (line,) = commands.preview(dora, [bot], "force_exit_all", {})
    assert (line.possible, line.note) == (True, f"Once more: what became of command {first.pk} is not known")
    again = exit_all(dora, alpha).commands.get()
    assert (again.state, again.insists_on_id) == (Command.INTENT, first.pk)
    row = AuditEntry.objects.filter(action="command_asked").order_by("-id")[0]
    assert row.details["insists_on"] == first.pk
    (left_out,) = exit_all(dora, alpha).left_out
    assert left_out["code"] == "duplicate", "the new one is under way"


def test_an_exit_that_may_be_under_way_is_not_asked_twice(dora: User, alpha: Team, handed: list[int]) -> None:
    just_now, sending = (a_bot(alpha, name, status={"capabilities": ALL}) for name in ("just-now", "sending"))
    lost(just_now, dora, seconds=20)
    Command.objects.filter(pk=lost(sending, dora, days=1).pk).update(state=Command.SENT)
    lines = commands.preview(dora, [just_now, sending], "force_exit_all", {})
    assert [line.code for line in lines] == ["duplicate", "duplicate"]
    batch = exit_all(dora, alpha)
    assert [line["code"] for line in batch.left_out] == ["duplicate", "duplicate"]
    bots = Bot.objects.filter(slug="just-now").select_related("team", "status")
    with pytest.raises(commands.Duplicate):
        asked(dora, bots[0], "force_exit_all")


def test_where_a_repeat_has_succeeded_nothing_is_asked_again(dora: User, alpha: Team, handed: list[int]) -> None:
    for name in ("one", "two"):
        a_bot(alpha, name, status={"capabilities": ALL})
    first = commands.pull(actor(dora), dora, alpha, "pause_all", typed="Alpha").batch
    Command.objects.update(state=Command.REFUSED)
    again = commands.repeat_refused(actor(dora), dora, first, typed="Alpha").batch
    Command.objects.filter(batch=again, bot__slug="one").update(state=Command.DONE)
    Command.objects.filter(batch=again, bot__slug="two").update(state=Command.REFUSED)
    assert (commands.progress(first).repeatable, commands.progress(again).repeatable) == (1, 1)
    third = commands.repeat_refused(actor(dora), dora, first, typed="Alpha").batch
    assert [command.bot.slug for command in third.commands.all()] == ["two"]
    with pytest.raises(commands.WrongParams, match="None was refused"):
        commands.repeat_refused(actor(dora), dora, first, typed="Alpha")


def test_a_full_audit_ends_the_asking(
    dora: User, alpha: Team, handed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "three", "two"):
        a_bot(alpha, name, status={"capabilities": ALL})
    calls = []

    def full(*arguments: object, **more: object) -> None:
        calls.append(arguments)
        raise AuditUnavailable("full")

    monkeypatch.setattr(batches, "ask", full)
    batch = commands.pull(actor(dora), dora, alpha, "pause_all", typed="Alpha").batch
    assert [line["code"] for line in batch.left_out] == ["audit_unavailable", "not_reached", "not_reached"]
    assert len(calls) == 1


def test_a_preview_asks_once_what_is_the_same_for_all(
    dora: User, alpha: Team, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    bots = [a_bot(alpha, f"bot-{number}", status={"capabilities": ALL}) for number in range(10)]
    listed = list(Bot.objects.filter(pk__in=[bot.pk for bot in bots]).select_related("team", "status"))
    with django_assert_max_num_queries(8):  # six on SQLite; PostgreSQL is also asked which cluster it is
        assert all(line.possible for line in commands.preview(dora, listed, "pause", {}))
