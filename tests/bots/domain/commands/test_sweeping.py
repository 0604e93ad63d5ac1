"""The tick: what nobody claimed is announced again or expires, what was sent without an answer is looked for."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from bots import tasks
from bots.domain import commands
from bots.models import AuditEntry, Bot, Command, Event
from bots.simulator import SimBot
from tests.bots.domain.commands.conftest import actor, asked, first_trade
from tests.bots.domain.commands.surroundings import unwritable_audit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("handed")]


def after(seconds: float, command: Command) -> datetime:
    return command.requested_at + timedelta(seconds=seconds)


def test_an_intent_is_announced_again_every_three_seconds(otto: User, bot: Bot) -> None:
    command = asked(otto, bot, "stop")
    assert commands.sweep(after(2, command)).to_send == []
    assert commands.sweep(after(3.5, command)).to_send == [command.pk]
    assert commands.sweep(after(3.6, command)).to_send == []
    assert commands.sweep(after(7, command)).to_send == [command.pk]


def test_after_a_minute_it_expires_and_is_announced_no_more(otto: User, bot: Bot) -> None:
    command = asked(otto, bot, "stop")
    assert commands.sweep(after(59.9, command)).expired == 0
    swept = commands.sweep(after(60, command))
    assert (swept.expired, swept.to_send) == (1, [])
    command.refresh_from_db()
    assert (command.state, command.code, command.effect) == (Command.EXPIRED, "expired", "none")
    assert command.outcome["sentence"] == "It was not sent within 60 s, so it will not be"
    assert AuditEntry.objects.filter(action="command_expired").count() == 1
    assert Event.objects.filter(kind="command_expired").count() == 1
    assert commands.sweep(after(61, command)).expired == 0


def test_waiting_for_a_second_person_ends_too(otto: User, bot: Bot) -> None:
    command = asked(otto, bot, "stop")
    Command.objects.update(state=Command.WAITING, expires_at=after(600, command))
    assert commands.sweep(after(599, command)).to_send == []
    assert commands.sweep(after(600, command)).expired == 1
    command.refresh_from_db()
    assert command.outcome["sentence"] == "Nobody approved it in time; it was not sent"


def test_a_clock_that_was_set_back_gives_no_intent_a_longer_life(otto: User, bot: Bot) -> None:
    command = asked(otto, bot, "stop")
    back = after(-600, command)
    swept = commands.sweep(back)
    assert (swept.to_send, swept.expired) == ([], 1)


def test_clocks_of_two_machines_may_differ_by_some_seconds(otto: User, bot: Bot) -> None:
    command = asked(otto, bot, "stop")
    Command.objects.update(announced_at=None)
    assert commands.sweep(after(-20, command)).to_send == [command.pk]


def test_a_clock_that_was_set_back_does_not_silence_the_announcing(otto: User, bot: Bot) -> None:
    command = asked(otto, bot, "stop")
    Command.objects.update(announced_at=after(3600, command))
    assert commands.sweep(after(1, command)).to_send == [command.pk]


@pytest.mark.parametrize(("action", "seconds"), [("stop", 40), ("force_exit_all", 70)])
def test_what_was_sent_and_never_answered_becomes_unknown(dora: User, bot: Bot, action: str, seconds: int) -> None:
    command = asked(dora, bot, action)
    Command.objects.update(state=Command.SENT, sent_at=command.requested_at)
    assert commands.sweep(after(seconds - 1, command)).lost == 0
    assert commands.sweep(after(seconds + 1, command)).lost == 1
    command.refresh_from_db()
    assert (command.state, command.code) == (Command.UNKNOWN, "lost_answer")
    assert commands.sweep(after(seconds + 2, command)).to_look_at == []
    assert commands.sweep(after(seconds + 4, command)).to_look_at == [command.pk]
    assert commands.sweep(after(seconds + 4, command)).to_look_at == []


def test_the_only_process_knows_at_its_start_what_lost_its_answer(otto: User, bot: Bot) -> None:
    command = asked(otto, bot, "stop")
    Command.objects.update(state=Command.SENT, sent_at=timezone.now())
    tasks.begin_alone()
    command.refresh_from_db()
    assert command.state == Command.UNKNOWN


@pytest.mark.django_db(transaction=True)
def test_without_the_audit_nothing_expires_and_the_tick_goes_on(otto: User, bot: Bot, caplog) -> None:
    commands_asked = [asked(otto, bot, action) for action in ("stop", "pause")]
    late = after(61, commands_asked[1])
    with unwritable_audit():
        assert commands.sweep(late).expired == 0
    assert [record.bot for record in caplog.records if "step waits" in record.message] == [bot.slug] * 2
    assert commands.sweep(late).expired == 2


def test_the_tick_hands_over_what_waits(otto: User, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    command = asked(otto, bot, "stop")
    Command.objects.update(announced_at=None)
    messages: list[tuple[list[int], float]] = []
    monkeypatch.setattr(tasks.send_commands, "apply_async", lambda given, expires: messages.append((given[0], expires)))
    tasks.sweep_commands()
    tasks.CARRYING.submit(len, "").result(5)
    assert messages == [([command.pk], 60)]


def test_a_broker_that_is_down_hinders_nobody_from_asking(
    otto: User, bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from kombu.exceptions import OperationalError

    def refuse(*arguments: object, **options: object) -> None:
        raise OperationalError("refused")

    monkeypatch.setattr(tasks.send_commands, "apply_async", refuse)
    tasks.publish([asked(otto, bot, "stop").pk])
    assert "wait for the tick" in caplog.text


# --- a person ends it


def test_dora_cancels_what_is_not_sent_yet(dora: User, otto: User, bot: Bot) -> None:
    command = asked(otto, bot, "stop")
    commands.cancel(actor(dora, "trader"), dora, command)
    assert (command.state, command.outcome["sentence"]) == ("cancelled", "Cancelled by dora before it was sent")
    entry = AuditEntry.objects.get(action="command_cancelled")
    assert (entry.actor, entry.details["command"]) == ("dora", command.pk)
    with pytest.raises(commands.WrongState) as refusal:
        commands.cancel(actor(dora), dora, command)
    assert (refusal.value.state, refusal.value.status) == ("cancelled", 409)


def test_what_is_sent_is_not_cancelled_any_more(dora: User, bot: Bot) -> None:
    command = asked(dora, bot, "stop")
    Command.objects.update(state=Command.SENT)
    with pytest.raises(commands.WrongState):
        commands.cancel(actor(dora), dora, command)
    command.refresh_from_db()
    assert command.state == Command.SENT


def test_who_may_not_do_it_may_not_end_it(dora: User, otto: User, bob: User, charlie: User, bot: Bot) -> None:
    command = asked(dora, bot, "force_exit", {"trade_id": first_trade(bot).trade_id})
    for person in (otto, bob, charlie):
        with pytest.raises(commands.RoleTooLow):
            commands.cancel(actor(person), person, command)
    Command.objects.update(state=Command.UNKNOWN)
    command.refresh_from_db()
    for person in (otto, bob, charlie):
        with pytest.raises(commands.RoleTooLow):
            commands.close(actor(person), person, command, "seen at the exchange")


def test_dora_closes_what_stayed_unknown_with_what_she_found(dora: User, bot: Bot) -> None:
    command = asked(dora, bot, "reload_config")
    for state in (Command.INTENT, Command.DONE):
        Command.objects.update(state=state)
        with pytest.raises(commands.WrongState):
            commands.close(actor(dora), dora, command, "seen")
    Command.objects.update(state=Command.UNKNOWN, next_look_at=timezone.now())
    with pytest.raises(commands.WrongParams):
        commands.close(actor(dora), dora, command, " ")
    commands.close(actor(dora), dora, command, "the log says it was reloaded")
    command.refresh_from_db()
    assert (command.state, command.closed_by_name) == (Command.CLOSED, "dora")
    assert (command.remark, command.next_look_at) == ("the log says it was reloaded", None)
    assert AuditEntry.objects.get(action="command_closed").details["remark"] == command.remark


def test_the_sim_was_asked_nothing(dora: User, bot: Bot, sim: SimBot) -> None:
    asked(dora, bot, "stop")
    commands.sweep()
    assert sim.requests.count(method="POST") == 0
