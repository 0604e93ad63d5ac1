"""Open trades that are the very ones of the poll before are not held against the mirror again; all others are."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots.domain.polling.by_hand import poll_now
from bots.domain.polling.engine import Sessions, converse
from bots.domain.polling.kept import Kept
from bots.domain.polling.orders import PollOrder, orders_for
from bots.domain.polling.schedule import claim_one
from bots.domain.polling.writing import write
from bots.models import Bot, BotStatus, PollTurn, Trade
from bots.models.doors import open_door
from bots.simulator import SimBot
from bots.systems.contract import Kind

OFTEN = frozenset({Kind.STATE, Kind.OPEN_TRADES})
NEVER_MOVES = [field.attname for field in Trade._meta.concrete_fields if field.name not in ("id", "seen_at")]
Poll = Callable[[], PollOrder]


@pytest.fixture
def poll(bot: Bot) -> Iterator[Poll]:
    """As a worker polls: over one conversation, with what the poll before left."""
    kept, sessions, now = Kept(), Sessions(), timezone.now()
    with asyncio.Runner() as runner:
        door = runner.run(opened())

        def polled() -> PollOrder:
            nonlocal now
            now += timedelta(seconds=12)
            (order,) = orders_for([claim_one(bot, now)], now, OFTEN, kept)
            write([runner.run(converse(order, door, sessions))], now, kept)
            return order

        yield polled
        runner.run(door.aclose())


async def opened() -> Any:
    return open_door()


def rows() -> list[tuple[Any, ...]]:
    return list(Trade.objects.order_by("open_ms", "trade_id").values_list(*NEVER_MOVES))


def test_trades_that_stay_as_they_are_are_known_again_while_their_prices_move(
    sim: SimBot, bot: Bot, poll: Poll
) -> None:
    poll_now(bot)
    assert poll().seen_open == (), "nothing is known of the poll before"
    held = rows()
    for factor in (3, 5):
        for trade in sim.book.open:
            sim.set_price(trade.pair, trade.open_rate * factor)
        order = poll()
        assert [trade.trade_id for trade in order.seen_open] == [str(trade.trade_id) for trade in sim.book.open]
        moving = BotStatus.objects.get(bot=bot).moving
        rates = {str(trade.trade_id): trade.open_rate * factor for trade in sim.book.open}
        assert {key: float(each["current_rate"]) for key, each in moving.items()} == pytest.approx(rates)
    assert rows() == held


def place_an_exit(sim: SimBot) -> None:
    trade = sim.book.open[0]
    sim.place_exit(trade.trade_id, trade.open_rate * 2)


def close_one(sim: SimBot) -> None:
    sim.close_trade(sim.book.open[0].trade_id)


def open_another(sim: SimBot) -> None:
    sim.open_trade(sim.free_pair())


def delete_one(sim: SimBot) -> None:
    sim.delete_trade(sim.book.open[0].trade_id)


@pytest.mark.parametrize("happening", [place_an_exit, close_one, open_another, delete_one])
def test_what_lasts_and_changes_is_written_all_the_same(sim: SimBot, bot: Bot, poll: Poll, happening: Any) -> None:
    poll_now(bot)
    for _ in range(2):
        poll()
    assert poll().seen_open
    before = rows()
    happening(sim)
    poll()
    after = rows()
    assert after != before
    poll()
    poll()
    assert rows() == after
    poll_now(bot)
    assert rows() == after, "who reads it all anew finds the same"


def test_a_poll_that_brought_no_trades_proves_nothing_of_them(sim: SimBot, bot: Bot, poll: Poll) -> None:
    poll_now(bot)
    for _ in range(2):
        poll()
    sim.faults.on("/status").status = 500
    assert poll().seen_open
    assert poll().seen_open == ()
    place_an_exit(sim)
    sim.faults.on("/status").status = 0
    before = rows()
    poll()
    assert rows() != before


def test_another_database_with_the_very_same_open_trades_has_them_too(sim: SimBot, bot: Bot, poll: Poll) -> None:
    poll_now(bot)
    for _ in range(2):
        poll()
    assert poll().seen_open
    for trade in list(sim.book.closed):
        sim.book.remove(trade.trade_id)
    PollTurn.objects.filter(bot=bot).update(reread_offset=0)
    poll()
    run = bot.runs.get(ended_at=None)
    assert run.number == 2
    held = Trade.objects.filter(run=run, is_open=True).values_list("trade_id", flat=True)
    assert sorted(held) == sorted(str(trade.trade_id) for trade in sim.book.open)
