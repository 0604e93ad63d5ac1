"""Sending: what leaves the outbox reaches the right bot once, after the last look; what comes back is written down."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Membership, Team, User
from bots.domain import commands, safety
from bots.domain.commands import Outbox
from bots.domain.commands.sending import on_fresh_connection
from bots.models import AuditEntry, Bot, BotStatus, Command, CommandBatch, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.bots.domain.commands.conftest import actor, asked, ended, exit_of, first_trade, wait_for_quiet
from tests.bots.domain.commands.surroundings import unwritable_audit
from tests.fleets import known, polled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("handed")]


def sent(outbox: Outbox, command: Command) -> Command:
    outbox.submit([command.pk])
    return ended(command)


def steps(command: Command) -> list[str]:
    return list(AuditEntry.objects.filter(details__command=command.pk).values_list("action", flat=True))


# --- it goes well


def test_a_command_ends_with_the_bots_answer(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    command = sent(outbox, asked(dora, bot, "force_exit", exit_of(trade)))
    assert (command.state, command.code) == (Command.DONE, "")
    assert command.outcome["words"] == f"Created exit order for trade {trade.trade_id}."
    assert command.effect == "pending"
    assert [(effect.action, effect.detail) for effect in sim.effects] == [("force_exit", trade.trade_id)]
    assert steps(command) == ["command_asked", "command_sent", "command_done"]
    done = AuditEntry.objects.get(action="command_done")
    assert (done.actor, done.role) == ("portal", "process")
    assert done.details["outcome"]["words"] == command.outcome["words"]
    assert done.details["sent_to_answered_ms"] == command.outcome["timings"]["sent_to_answered_ms"] > 0
    assert command.requested_at <= command.sent_at <= command.answered_at <= command.ended_at


def test_every_action_reaches_the_bot_in_its_own_words(alice: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    one, two, three = Trade.objects.filter(bot=bot).order_by("open_ms")
    wishes = [
        ("pause", {}),
        ("start", {}),
        ("force_exit", exit_of(one, amount="0.001", order_type="limit", price="1234567.125")),
        ("reload_trade", exit_of(two)),
        ("delete_trade", exit_of(three)),
        ("force_enter", {"pair": "XRP/USDT", "order_type": "market"}),
        ("blacklist_add", {"pairs": ["DOGE/USDT"]}),
        ("blacklist_remove", {"pairs": ["DOGE/USDT"]}),
        ("lock_pair", {"pair": "ADA/USDT", "until": (timezone.now() + timedelta(days=1)).isoformat()}),
        ("unlock", {"pair": "ADA/USDT"}),
        ("reload_config", {}),
    ]
    for action, params in wishes:
        command = sent(outbox, asked(alice, bot, action, params))
        assert (action, command.state) == (action, Command.DONE), command.outcome
    assert [effect.action for effect in sim.effects] == [action for action, _ in wishes]


def test_handed_over_twice_or_at_two_outboxes_it_is_sent_once(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    command = asked(dora, bot, "force_exit", exit_of(first_trade(bot)))
    second = Outbox().start()
    try:
        for box in (outbox, second, outbox, second):
            box.submit([command.pk, command.pk])
        ended(command)
        second.submit([command.pk])
        wait_for_quiet(second)
    finally:
        second.stop()
    assert len(sim.effects) == 1
    assert steps(command) == ["command_asked", "command_sent", "command_done"]


def test_what_an_exit_of_all_met_beyond_what_was_confirmed_is_told(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    command = asked(dora, bot, "force_exit_all")
    late = sim.open_trade("XRP/USDT")
    sent(outbox, command)
    assert command.outcome["opened_since"] == [f"XRP/USDT #{late.trade_id}"]
    assert sim.requests.count("/forceexit", "POST") == 1
    assert len(sim.effects) == 4


def test_what_the_bot_did_not_take_of_many_is_told_within_bounds(dora: User, bot: Bot, sim, outbox: Outbox) -> None:
    known_already = [f"{number:\N{MONEY BAG}>60}" for number in range(49)]
    sim.blacklist.extend(known_already)
    command = sent(outbox, asked(dora, bot, "blacklist_add", {"pairs": [*known_already, "DOGE/USDT"]}))
    assert command.state == Command.DONE
    assert len(command.outcome["problems"]) == 49
    assert len(AuditEntry.objects.get(action="command_done").details["outcome"]["problems"]) == 20


# --- it is no longer what was confirmed


def test_a_trade_that_closed_since_is_not_exited(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade))
    sim.close_trade(int(trade.trade_id))
    sent(outbox, command)
    assert (command.state, command.code, command.sent_at) == (Command.REFUSED, "trade_changed", None)
    sentence = f"Trade {trade.trade_id} is no longer what was confirmed: state was open and is closed; nothing was sent"
    assert command.outcome["sentence"] == sentence
    assert sim.requests.count(method="POST") == 0
    assert steps(command) == ["command_asked", "command_refused"]


def test_a_trade_id_that_was_given_again_is_not_exited(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    unfilled = sim.open_trade("XRP/USDT", filled=False)
    polled(bot)
    command = asked(dora, bot, "force_exit", {"trade_id": str(unfilled.trade_id)})
    sim.cancel_unfilled(unfilled.trade_id)
    again = sim.open_trade("XRP/USDT")
    assert again.trade_id == unfilled.trade_id
    sent(outbox, command)
    assert (command.state, command.code) == (Command.REFUSED, "trade_changed")
    assert "open ms was" in command.outcome["sentence"]
    assert sim.effects == []


def test_a_trade_the_bot_does_not_know_any_more_is_not_exited(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade))
    sim.delete_trade(int(trade.trade_id))
    sent(outbox, command)
    assert (command.state, command.code) == (Command.REFUSED, "trade_changed")
    assert sim.effects == []


def test_a_trade_that_grew_or_shrank_is_not_exited(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade))
    sim.book.trades[int(trade.trade_id)].amount /= 2
    sim.changed()
    sent(outbox, command)
    assert (command.state, command.code) == (Command.REFUSED, "trade_changed")
    assert f"amount was {trade.amount:f} and is" in command.outcome["sentence"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda bot: Bot.objects.update(connection={**bot.connection, "url": "http://127.0.0.1:9"}), "bot_changed"),
        (lambda bot: BotStatus.objects.update(mode="dry"), "bot_changed"),
        (lambda bot: Bot.objects.update(enabled=False), "bot_not_ready"),
        (lambda bot: Bot.objects.update(retired_at=timezone.now()), "bot_not_ready"),
        (lambda bot: Membership.objects.update(role="viewer"), "role_lost"),
        (lambda bot: User.objects.update(is_active=False), "role_lost"),
        (lambda bot: User.objects.get(username="dora").delete(), "role_lost"),
        (lambda bot: safety.enter("restored", safety.WATCH), "safe_mode"),
    ],
)
def test_what_changed_in_the_portal_since_keeps_it_from_leaving(dora, bot, sim, outbox, change, code):
    command = asked(dora, bot, "force_exit_all")
    change(bot)
    sent(outbox, command)
    assert (command.state, command.code, command.sent_at) == (Command.REFUSED, code, None)
    assert command.outcome["sentence"]
    assert sim.effects == []


@pytest.mark.parametrize("role", ["viewer", "trader"])
def test_what_must_hold_is_asked_again_when_the_bot_was_read(dora: User, bot: Bot, sim: SimBot, role: str) -> None:
    """A slow bot takes its time to be read: meanwhile somebody took the role away."""

    def while_it_was_read(point: str, command_id: int) -> None:
        if point == "checked":
            demote = Membership.objects.filter(user=dora).update
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(on_fresh_connection, partial(demote, role=role)).result(5)

    command = asked(dora, bot, "force_exit_all")
    box = Outbox(while_it_was_read).start()
    sent(box, command)
    box.stop()
    ended_as = (Command.REFUSED, "role_lost", 0) if role == "viewer" else (Command.DONE, "", 1)
    assert (command.state, command.code, sim.requests.count("/forceexit", "POST")) == ended_as


def test_nothing_of_a_stopped_batch_leaves(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    """Also what was written down in the moment of the stop."""
    batch = CommandBatch.objects.create(team=bot.team, action="force_exit_all", requested_by=dora)
    command = asked(dora, bot, "force_exit_all", batch=batch)
    CommandBatch.objects.update(stopped_at=timezone.now(), stopped_by_name="alice")
    sent(outbox, command)
    assert (command.state, command.code) == (Command.REFUSED, "batch_stopped")
    assert command.outcome["sentence"] == "alice stopped the batch; nothing was sent"
    assert sim.effects == []


def test_cancelled_or_expired_it_does_not_leave(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    cancelled = asked(dora, bot, "stop")
    commands.cancel(actor(dora), dora, cancelled)
    late = asked(dora, bot, "pause")
    Command.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    back = asked(dora, bot, "reload_config")  # asked before the clock was set back by ten minutes
    Command.objects.filter(pk=back.pk).update(expires_at=timezone.now() + timedelta(minutes=11))
    waiting = asked(dora, bot, "force_exit_all")
    Command.objects.filter(pk=waiting.pk).update(state=Command.WAITING)
    outbox.submit([cancelled.pk, late.pk, back.pk, waiting.pk, 999_999])
    wait_for_quiet(outbox)
    assert sim.effects == []
    assert set(Command.objects.values_list("state", flat=True)) == {"cancelled", "intent", "waiting"}


# --- the bot says no, or nothing


def test_a_bot_that_refuses_is_quoted(dora: User, bot: Bot, outbox: Outbox) -> None:
    command = sent(outbox, asked(dora, bot, "force_enter", {"pair": "NOPE/USDT"}))
    assert (command.state, command.code) == (Command.REFUSED, "bot_refused")
    assert command.outcome["words"] == "Symbol does not exist or market is not active."
    assert command.sent_at is not None


def test_a_bot_that_cannot_be_read_is_sent_nothing(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    one = asked(dora, bot, "force_exit", exit_of(trade))
    two = asked(dora, bot, "stop")
    sim.shut_down()
    sent(outbox, one)
    assert (one.state, one.code, one.sent_at) == (Command.REFUSED, "not_sent_unreachable", None)
    sent(outbox, two)  # not read before: the connection itself was refused
    assert (two.state, two.code) == (Command.REFUSED, "not_sent_unreachable")


def test_a_wrong_password_is_told_as_such(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = asked(dora, bot, "force_exit_all")
    sim.faults.wrong_password = True
    assert (sent(outbox, command).state, command.code) == (Command.REFUSED, "wrong_password")


@pytest.mark.parametrize("fault", ["reset", "cut", "hang"])
def test_a_lost_answer_is_unknown_and_never_sent_again(dora, bot, sim, outbox, fault, monkeypatch):
    monkeypatch.setattr("bots.systems.instructions.ANSWER_SECONDS", 0.5)
    trade = first_trade(bot)
    setattr(sim.faults.on("/forceexit"), fault, math.inf if fault == "hang" else True)
    command = sent(outbox, asked(dora, bot, "force_exit", exit_of(trade)))
    assert (command.state, command.code, command.ended_at) == (Command.UNKNOWN, "lost_answer", None)
    assert command.next_look_at > command.sent_at
    outbox.submit([command.pk])
    commands.sweep()
    wait_for_quiet(outbox)
    assert sim.requests.count("/forceexit", "POST") == 1
    assert steps(command) == ["command_asked", "command_sent", "command_unknown"]


def test_a_hanging_bot_delays_no_other(alpha: Team, dora: User, outbox: Outbox) -> None:
    with running_fleet([BotSpec(name=f"bot {number}", dry_run=False, seed=number) for number in range(12)]) as fleet:
        bots = [known(sim, alpha) for sim in fleet.bots]
        for bot in bots:
            polled(bot)
        for sim in fleet.bots[:10]:
            sim.faults.hang = math.inf
        hanging = [asked(dora, bot, "force_exit_all") for bot in bots[:10]]
        well = [asked(dora, bot, "force_exit_all") for bot in bots[10:]]
        outbox.submit([command.pk for command in [*hanging, *well]])
        assert [ended(command).state for command in well] == [Command.DONE] * 2
        assert {Command.objects.get(pk=command.pk).state for command in hanging} == {Command.INTENT}


# --- what is around it fails


def test_without_the_audit_nothing_is_sent_and_the_intent_waits(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    command = asked(dora, bot, "stop")
    with unwritable_audit():
        outbox.submit([command.pk])
        wait_for_quiet(outbox)
        command.refresh_from_db()
        assert (command.state, command.sent_at, sim.effects) == (Command.INTENT, None, [])
    assert [getattr(record, "bot", None) for record in caplog.records if "waits" in record.message] == [bot.slug]
    assert sent(outbox, command).state == Command.DONE


def test_an_answer_that_cannot_be_written_is_written_later(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = asked(dora, bot, "stop")
    audit = unwritable_audit()

    def refuse_after_the_claim(point: str, command_id: int) -> None:
        if point == "answered":
            outbox.rows_now(audit.__enter__)

    outbox.rows_now = lambda act: outbox.database.submit(act).result()  # type: ignore[attr-defined]
    outbox.at = refuse_after_the_claim
    outbox.submit([command.pk])
    time.sleep(1)
    command.refresh_from_db()
    assert (command.state, len(sim.effects)) == (Command.SENT, 1)
    audit.__exit__()
    ended(command)
    assert (command.state, command.outcome["words"]) == (Command.DONE, "stopping trader ...")
    assert len(sim.effects) == 1
    connection.close()


def test_a_worker_without_the_key_leaves_it_to_another(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox, settings
) -> None:
    command = asked(dora, bot, "stop")
    keys, settings.PORTAL_SECRETS_KEYS = settings.PORTAL_SECRETS_KEYS, []
    outbox.submit([command.pk])
    wait_for_quiet(outbox)
    command.refresh_from_db()
    assert command.state == Command.INTENT
    assert "PORTAL_SECRETS_KEY" in command.outcome["hindrance"]
    commands.sweep(timezone.now() + timedelta(seconds=61))
    command.refresh_from_db()
    assert (command.state, command.code) == (Command.EXPIRED, "expired")
    assert "no worker could open the bot's password" in command.outcome["sentence"]
    settings.PORTAL_SECRETS_KEYS = keys
    fresh = asked(dora, bot, "stop")
    assert sent(outbox, fresh).state == Command.DONE
    assert "hindrance" not in fresh.outcome
    assert len(sim.effects) == 1


def test_an_adapter_that_fails_in_our_own_code_leaves_no_command_without_an_end(
    dora: User, bot: Bot, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    command = asked(dora, bot, "stop")

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bots.domain.commands.sending.instruction", fail)
    assert sent(outbox, command).state == Command.UNKNOWN
    assert [getattr(record, "bot", None) for record in caplog.records if "adapter failed" in record.message] == [
        bot.slug
    ]


def test_no_secret_is_in_what_is_written(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = sent(outbox, asked(dora, bot, "force_exit", exit_of(first_trade(bot))))
    written = [str(command.__dict__), *(str(entry.__dict__) for entry in AuditEntry.objects.all())]
    assert not [text for text in written if sim.spec.password in text]
