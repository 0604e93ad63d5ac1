"""What a poll leaves in memory for the next one is what stands in the tables, or it is not used."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from bots.domain.polling import writing
from bots.domain.polling.by_hand import conversation
from bots.domain.polling.kept import Kept
from bots.domain.polling.orders import PollOrder, orders_for
from bots.domain.polling.schedule import claim_one, wake
from bots.domain.polling.writing import write
from bots.models import Bot, BotStatus
from bots.simulator import SimBot
from bots.systems.contract import Kind


@pytest.fixture
def kept() -> Kept:
    return Kept()


class Clock:
    """Every poll is twelve seconds after the one before."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def later(self) -> datetime:
        self.now += timedelta(seconds=12)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


EVERYTHING = frozenset(Kind)


def poll(bot: Bot, kept: Kept, clock: Clock, kinds: frozenset[Kind] = EVERYTHING) -> PollOrder:
    """One poll as the engine does it; its order."""
    now = clock.later()
    (order,) = orders_for([claim_one(bot, now)], now, kinds, kept)
    write([asyncio.run(conversation(order))], now, kept)
    return order


def read(order: PollOrder) -> list[Any]:
    """Every column of every row of the order, with its type."""
    rows = [row for row in (order.bot, order.status, order.turn, order.run) if row is not None]
    values = [getattr(row, field.attname) for row in rows for field in row._meta.concrete_fields]
    return [*((value, type(value)) for value in values), dict(order.known_open)]


def orders_both_ways(bot: Bot, kept: Kept, clock: Clock) -> tuple[PollOrder, PollOrder]:
    """With what is kept, and from the tables alone."""
    now = clock.later()
    claim = claim_one(bot, now)
    (used,) = orders_for([claim], now, EVERYTHING, kept)
    (fresh,) = orders_for([claim], now, EVERYTHING)
    return used, fresh


def move_the_price(sim: SimBot) -> None:
    for trade in sim.book.open:
        sim.set_price(trade.pair, trade.open_rate * 3)


def fail_at_the_balance(sim: SimBot) -> None:
    sim.faults.on("/balance").status = 500


def say_nothing(sim: SimBot) -> None:
    sim.faults.on("/show_config").status = 500


def close_a_trade(sim: SimBot) -> None:
    sim.close_trade(sim.book.open[0].trade_id)


def go_live(sim: SimBot) -> None:
    sim.go_live()


def change_nothing(sim: SimBot) -> None:
    pass


@pytest.mark.parametrize(
    "happening", [change_nothing, move_the_price, fail_at_the_balance, say_nothing, close_a_trade, go_live]
)
def test_what_is_kept_is_what_the_tables_hold(sim: SimBot, bot: Bot, kept: Kept, clock: Clock, happening: Any) -> None:
    for _ in range(3):
        poll(bot, kept, clock)
    happening(sim)
    for _ in range(2):
        poll(bot, kept, clock)
        held = bot.pk in kept.left
        used, fresh = orders_both_ways(bot, kept, clock)
        assert read(used) == read(fresh)
        write([asyncio.run(conversation(used))], clock.now, kept)
    assert held


def test_what_is_kept_is_used(sim: SimBot, bot: Bot, kept: Kept, clock: Clock) -> None:
    poll(bot, kept, clock)
    first, second = poll(bot, kept, clock), poll(bot, kept, clock)
    assert second.status is first.status
    assert second.known_open is first.known_open
    assert second.bot is first.bot
    assert BotStatus.objects.get(bot=bot).polls == 3


def test_a_bot_whose_connection_was_changed_is_asked_by_the_new_one(bot: Bot, kept: Kept, clock: Clock) -> None:
    poll(bot, kept, clock)
    poll(bot, kept, clock)
    Bot.objects.filter(pk=bot.pk).update(name="renamed", connection={**bot.connection, "username": "other"})
    used, fresh = orders_both_ways(bot, kept, clock)
    assert (used.bot.name, used.bot.connection["username"]) == ("renamed", "other")
    assert read(used) == read(fresh)


def test_rows_that_another_worker_wrote_meanwhile_are_read_anew(
    sim: SimBot, bot: Bot, kept: Kept, clock: Clock
) -> None:
    """Though nothing moved, so that seq is what it was."""
    for trade in sim.book.open:
        sim.set_price(trade.pair, trade.open_rate)
    poll(bot, kept, clock)
    order = poll(bot, kept, clock)
    poll(bot, Kept(), clock, frozenset({Kind.STATE, Kind.OPEN_TRADES}))
    used, fresh = orders_both_ways(bot, kept, clock)
    assert (used.status.polls, used.status.seq) == (3, order.status.seq)
    assert read(used) == read(fresh)


def test_a_status_that_a_command_wrote_meanwhile_is_read_anew(bot: Bot, kept: Kept, clock: Clock) -> None:
    poll(bot, kept, clock)
    poll(bot, kept, clock)
    BotStatus.objects.filter(bot=bot).update(seq=F("seq") + 1, failures=7)
    used, fresh = orders_both_ways(bot, kept, clock)
    assert used.status.failures == 7
    assert read(used) == read(fresh)


def test_a_bot_that_was_woken_is_asked_for_everything(bot: Bot, kept: Kept, clock: Clock) -> None:
    poll(bot, kept, clock)
    poll(bot, kept, clock)
    wake([bot.pk])
    now = clock.later()
    (order,) = orders_for([claim_one(bot, now)], now, None, kept)
    assert order.kinds == frozenset(bot.plan())


def test_nothing_is_kept_of_what_could_not_be_written(
    sim: SimBot, bot: Bot, kept: Kept, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll(bot, kept, clock)
    poll(bot, kept, clock)
    move_the_price(sim)
    now = clock.later()
    (order,) = orders_for([claim_one(bot, now)], now, EVERYTHING, kept)
    with monkeypatch.context() as broken:
        broken.setattr(writing.rollups, "recount", refuse)
        with pytest.raises(DatabaseError):
            write([asyncio.run(conversation(order))], now, kept)
    assert kept.left == {}
    used, fresh = orders_both_ways(bot, kept, clock)
    assert read(used) == read(fresh)


def refuse(*_: object) -> None:
    raise DatabaseError("not now")


def test_a_process_keeps_no_more_than_its_bound(bot: Bot, kept: Kept, clock: Clock) -> None:
    poll(bot, kept, clock)
    poll(bot, kept, clock)
    (left,) = kept.left.values()
    kept.left |= dict.fromkeys(range(10_000_000, 10_000_000 + Kept.MOST), left)
    poll(bot, kept, clock)
    assert list(kept.left) == [bot.pk]
