"""Reading what became of a command: unknown ones end by what the bot shows, and an exit's fill is linked to it."""

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain.commands import Outbox, looking
from bots.models import AuditEntry, Bot, Command, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from bots.simulator.market import amount_digits_of
from tests.bots.domain.commands.conftest import (
    acts_then_dies,
    asked,
    ended,
    exit_of,
    first_trade,
    looked,
    lost,
    never_acts,
)
from tests.fleets import known, polled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("handed", "impatient")]


Wish = Callable[[Bot], tuple[str, dict[str, object]]]
TOMORROW = (timezone.now() + timedelta(days=1)).isoformat()


def wish(action: str, path: str, **params: object) -> object:
    return pytest.param(action, path, params, id=action)


ALL_THAT_CAN_BE_SEEN = [
    wish("stop", "/stop"),
    wish("pause", "/pause"),
    wish("force_exit", "/forceexit", trade_id="1"),
    wish("force_exit_all", "/forceexit"),
    wish("force_enter", "/forceenter", pair="XRP/USDT", order_type="market"),
    wish("delete_trade", "/trades/1", trade_id="1"),
    wish("lock_pair", "/locks", pair="ADA/USDT", until=TOMORROW),
    wish("blacklist_add", "/blacklist", pairs=["DOGE/USDT"]),
]


@pytest.mark.parametrize(("action", "path", "params"), ALL_THAT_CAN_BE_SEEN)
def test_what_happened_though_the_answer_was_lost_is_done(alice, bot, sim, outbox, action, path, params):
    command = asked(alice, bot, action, params)
    acts_then_dies(sim, path)
    lost(outbox, command)
    effects = len(sim.effects)
    assert effects >= 1
    sim.faults.clear()
    looked(outbox, command)
    assert (command.state, command.code) == (Command.DONE, ""), command.outcome
    assert command.outcome["sentence"].startswith("It happened: ")
    assert len(sim.effects) == effects
    entry = AuditEntry.objects.filter(action="command_done").get()
    assert (entry.actor, entry.details["outcome"]["found"]) == ("portal", command.outcome["found"])


@pytest.mark.parametrize(("action", "path", "params"), ALL_THAT_CAN_BE_SEEN)
def test_what_did_not_happen_had_no_effect(alice, bot, sim, outbox, action, path, params):
    command = asked(alice, bot, action, params)
    never_acts(sim, path)
    lost(outbox, command)
    sim.faults.clear()
    polled(bot)
    looked(outbox, command)
    assert command.state == Command.UNKNOWN
    assert command.outcome["readings"] == 1
    looked(outbox, command)
    assert (command.state, command.code) == (Command.REFUSED, "no_effect"), command.outcome
    assert command.outcome["sentence"].startswith("It had no effect: ")
    assert sim.effects == []


def test_start_and_the_end_of_locks_and_lists_are_seen(alice: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    sim.stop()
    sim.lock_pair("ADA/USDT")
    sim.blacklist.append("DOGE/USDT")
    wishes = [("start", "/start", {}), ("unlock", "/locks/delete", {"pair": "ADA/USDT"})]
    wishes.append(("blacklist_remove", "/blacklist", {"pairs": ["DOGE/USDT"]}))
    for action, path, params in wishes:
        command = asked(alice, bot, action, params)
        acts_then_dies(sim, path)
        lost(outbox, command)
        sim.faults.clear()
        assert looked(outbox, command).state == Command.DONE, command.outcome


def test_an_unchanged_bot_is_believed_only_half_a_minute_after_the_request_ended(
    alice: User, bot: Bot, sim: SimBot, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SETTLED_AFTER", timedelta(seconds=30))
    command = asked(alice, bot, "stop")
    never_acts(sim, "/stop")
    lost(outbox, command)
    sim.faults.clear()
    assert looked(outbox, command, 4).state == Command.UNKNOWN
    Command.objects.update(answered_at=timezone.now() - timedelta(seconds=31))
    assert looked(outbox, command).state == Command.REFUSED


def test_a_bot_that_cannot_be_read_stays_unknown(alice: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = asked(alice, bot, "stop")
    never_acts(sim, "/stop")
    lost(outbox, command)
    sim.shut_down()
    looked(outbox, command, 3)
    assert command.state == Command.UNKNOWN
    assert command.outcome["found"].startswith("The bot could not be read: ")
    assert command.outcome["readings"] == 0
    sim.come_back()
    sim.faults.clear()
    assert looked(outbox, command, 2).code == "no_effect"


def test_what_nobody_can_see_waits_for_a_person(alice: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = asked(alice, bot, "reload_config")
    acts_then_dies(sim, "/reload_config")
    lost(outbox, command)
    looked(outbox, command, 5)
    assert command.state == Command.UNKNOWN
    assert "Nothing that can be read" in command.outcome["found"]


def test_an_unfilled_entry_that_is_exited_is_cancelled_although_the_bot_says_no(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    entry = sim.open_trade("XRP/USDT", filled=False)
    polled(bot)
    command = lost(outbox, asked(dora, bot, "force_exit", {"trade_id": str(entry.trade_id)}))
    assert command.outcome["words"] == "Failed to exit trade."
    looked(outbox, command)
    assert (command.state, command.effect) == (Command.DONE, "cancelled")
    assert len(sim.effects) == 1


def test_a_market_exit_brings_its_fill_and_what_it_cost(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    sim.set_price(trade.pair, 1000.0)
    polled(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade, order_type="market"))
    sim.set_price(trade.pair, 990.0)
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    looked(outbox, command)
    closed = sim.book.trades[int(trade.trade_id)]
    fill = command.outcome["fill"]
    assert (command.effect, command.next_look_at) == ("filled", None)
    assert Decimal(fill["close_rate"]) == Decimal("990")
    assert Decimal(fill["slippage_ratio"]) == Decimal("-0.01")
    assert Decimal(fill["profit_abs"]) == Decimal(repr(closed.close_profit_abs))
    assert fill["currency"] == "USDT"
    entry = AuditEntry.objects.get(action="command_effect")
    assert entry.details["outcome"]["fill"] == fill


def test_the_polls_may_bring_the_fill_first(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade, order_type="market"))
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    polled(bot)
    sim.requests.clear()
    looked(outbox, command)
    assert (command.effect, sim.requests.count()) == ("filled", 0)
    assert Decimal(command.outcome["fill"]["profit_abs"]) == Trade.objects.get(pk=trade.pk).profit_abs


def test_a_limit_exit_is_pending_until_it_fills(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade, order_type="limit"))
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    assert looked(outbox, command, 2).effect == "pending"
    sim.fill_order(int(trade.trade_id))
    assert looked(outbox, command).effect == "filled"


def test_a_limit_exit_that_is_cancelled_brought_nothing(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade, order_type="limit"))
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    sim.cancel_unfilled(int(trade.trade_id))
    assert looked(outbox, command).effect == "cancelled"
    assert "fill" not in command.outcome


def test_a_partial_exit_is_filled_while_the_trade_goes_on(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    part = format((trade.amount / 2).quantize(Decimal("0.001")), "f")
    command = asked(dora, bot, "force_exit", exit_of(trade, amount=part, order_type="market"))
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    looked(outbox, command)
    assert (command.effect, Decimal(command.outcome["fill"]["amount"])) == ("filled", Decimal(part))
    assert sim.book.trades[int(trade.trade_id)].is_open
    assert Decimal(command.outcome["fill"]["profit_abs"]) != 0


def test_a_partial_exit_that_the_bot_rounded_down_is_filled(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    unit = Decimal(1).scaleb(-amount_digits_of(float(trade.open_rate)))
    rounded = (trade.amount / 2).quantize(unit)
    finer = format(rounded + unit * Decimal("0.4"), "f")
    command = asked(dora, bot, "force_exit", exit_of(trade, amount=finer, order_type="market"))
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    looked(outbox, command)
    assert (command.effect, Decimal(command.outcome["fill"]["amount"])) == ("filled", rounded)


def test_an_exit_of_all_tells_of_each(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = asked(dora, bot, "force_exit_all", {"order_type": "market"})
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    looked(outbox, command)
    assert command.effect == "filled"
    ends = {end["trade_id"]: end for end in command.outcome["trades"]}
    assert set(ends) == {"1", "2", "3"}
    for number, end in ends.items():
        book = sim.book.trades[int(number)]
        assert (end["pair"], end["effect"]) == (book.pair, "filled")
        assert Decimal(end["fill"]["profit_abs"]) == Decimal(repr(book.close_profit_abs))


def test_of_an_exit_of_very_many_none_that_is_still_open_is_passed_over(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only so many that are open no more are looked up; those that are open are all looked at."""
    monkeypatch.setattr("bots.domain.commands.evidence.MOST_TRADES", 1)
    command = asked(dora, bot, "force_exit_all", {"order_type": "limit"})
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    for number in (1, 2):
        sim.fill_order(number)
    looked(outbox, command)
    assert command.effect == "pending"
    sim.fill_order(3)
    looked(outbox, command)
    assert command.effect == "filled"
    assert command.outcome["found"] == "1 of 1 trades were exited; 2 more are no longer open"


def test_a_cancelled_order_is_seen(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    sim.place_exit(int(trade.trade_id), 1e6)
    polled(bot)
    command = asked(dora, bot, "cancel_order", exit_of(trade))
    acts_then_dies(sim, f"/trades/{trade.trade_id}/open-order")
    lost(outbox, command)
    looked(outbox, command)
    assert (command.state, command.effect) == (Command.DONE, "cancelled")


def test_an_accepted_cancel_is_pending_until_it_is_seen(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    trade = first_trade(bot)
    sim.place_exit(int(trade.trade_id), 1e6)
    polled(bot)
    command = asked(dora, bot, "cancel_order", exit_of(trade))
    outbox.submit([command.pk])
    assert ended(command, Command.DONE).effect == "pending"
    assert looked(outbox, command).effect == "cancelled"
    assert AuditEntry.objects.get(action="command_effect").details["outcome"]["effect"] == "cancelled"


def test_an_order_that_filled_before_it_could_be_cancelled_was_not_cancelled(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    trade = first_trade(bot)
    sim.place_exit(int(trade.trade_id), 1e6)
    polled(bot)
    command = asked(dora, bot, "cancel_order", exit_of(trade))
    never_acts(sim, f"/trades/{trade.trade_id}/open-order")
    lost(outbox, command)
    sim.fill_order(int(trade.trade_id))
    looked(outbox, command)
    assert (command.state, command.effect) == (Command.DONE, "none")
    assert command.outcome["found"] == "Its order was filled before it could be cancelled"


def test_an_entry_is_followed_to_its_fill(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = asked(dora, bot, "force_enter", {"pair": "XRP/USDT", "order_type": "limit"})
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    number = int(command.outcome["trade_id"])
    assert looked(outbox, command).effect == "pending"
    sim.fill_order(number)
    assert looked(outbox, command).effect == "filled"
    fill, trade = command.outcome["fill"], sim.book.trades[number]
    assert (Decimal(fill["open_rate"]), Decimal(fill["amount"])) == (
        Decimal(repr(trade.open_rate)),
        Decimal(repr(trade.amount)),
    )


@pytest.mark.parametrize("release", ["2020.1", "2020.6", "2021.6", "2022.9.1", "2024.3", "2026.9"])
def test_a_lost_exit_is_resolved_on_every_generation(dora: User, alpha: Team, outbox: Outbox, release: str) -> None:
    with running_fleet([BotSpec(name="old", release=release, open_trades=2, dry_run=False)]) as fleet:
        sim = fleet.bots[0]
        bot = known(sim, alpha)
        polled(bot)
        path = "/forceexit" if sim.release.since("2022.4") else "/forcesell"
        one, two = Trade.objects.filter(bot=bot).order_by("open_ms", "trade_id")
        acts_then_dies(sim, path)
        done = lost(outbox, asked(dora, bot, "force_exit", exit_of(one)))
        sim.faults.clear()
        never_acts(sim, path)
        undone = lost(outbox, asked(dora, bot, "force_exit", exit_of(two)))
        sim.faults.clear()
        assert looked(outbox, done, 2).state == Command.DONE, done.outcome
        assert looked(outbox, undone, 2).code == "no_effect", undone.outcome
        assert len(sim.effects) == 1


def test_looks_become_rarer_and_end() -> None:
    now = timezone.now()
    command = Command(state=Command.UNKNOWN, sent_at=now, requested_at=now)
    at, waits = now, []
    while (following := looking.next_look(command, at)) is not None and len(waits) < 400:
        waits.append(round((following - at).total_seconds()))
        at = following
    assert waits[:9] == [2, 3, 5, 10, 20, 40, 80, 140, 300]
    assert timedelta(hours=23) < at - now < timedelta(hours=25)


def test_what_was_accepted_is_followed_at_the_bot_to_its_end(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    """However often it was looked at already: the polls bring an end only of some."""
    command = asked(dora, bot, "force_exit_all", {"order_type": "limit"})
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    Command.objects.update(looks=400)
    assert looked(outbox, command).effect == "pending"
    for number in (1, 2, 3):
        sim.fill_order(number)
    assert looked(outbox, command).effect == "filled"


def test_after_an_hour_what_was_accepted_is_looked_at_every_ten_minutes() -> None:
    now = timezone.now()
    sent = now - timedelta(hours=1)
    command = Command(state=Command.DONE, answered_at=sent, sent_at=sent, requested_at=sent, looks=19)
    assert looking.next_look(command, now) == now + timedelta(minutes=5)
    command.looks = 20
    assert looking.next_look(command, now) == now + timedelta(minutes=10)


def test_a_hanging_bot_is_read_without_end_of_the_world(alice: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = asked(alice, bot, "stop")
    sim.faults.on("/stop").hang = math.inf
    lost(outbox, command)
    assert sim.requests.count("/stop", "POST") == 1


def test_an_exit_whose_trade_somebody_deleted_stays_unknown(outbox: Outbox, sim: SimBot, bot: Bot, dora: User) -> None:
    """A filled trade does not vanish by an exit: nobody may read that as a sale."""
    never_acts(sim, "/forceexit")
    trade = first_trade(bot)
    command = lost(outbox, asked(dora, bot, "force_exit", exit_of(trade)))
    sim.book.remove(int(trade.trade_id))
    command = looked(outbox, command, times=3)
    assert (command.state, command.effect) == (Command.UNKNOWN, "")
    assert "has this trade no more" in command.outcome["found"]
