"""A bot whose answers cost much is asked the more rarely; waiting for one costs nothing."""

import asyncio
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from bots.domain.polling.asking import History, PollResult
from bots.domain.polling.metering import Metered
from bots.domain.polling.orders import orders_for
from bots.domain.polling.schedule import claim_one
from bots.domain.polling.writing import counted_from, reschedule
from bots.systems.contract import Kind
from bots.systems.errors import BadAnswer, TimedOut
from tests.builders import a_bot


def busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_work_is_counted_and_waiting_is_not():
    async def poll() -> None:
        busy(0.03)
        await asyncio.sleep(0.2)
        busy(0.03)

    metered = Metered(poll())
    await metered
    assert 0.06 <= metered.seconds < 0.2


async def test_what_the_coroutine_raises_comes_out_and_is_counted():
    async def poll() -> None:
        await asyncio.sleep(0)
        busy(0.02)
        raise TimedOut("late")

    metered = Metered(poll())
    with pytest.raises(TimedOut, match="late"):
        await metered
    assert metered.seconds >= 0.02


async def test_a_deadline_cuts_it_like_any_other_and_it_may_tidy_up():
    tidied = []

    async def poll() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await Metered(poll())
    assert tidied == [True]


@pytest.mark.parametrize(
    ("cost", "error", "history", "least", "most"),
    [
        (0.002, None, None, 8, 11),  # an ordinary poll: as planned
        (2.0, None, None, 50, 51),
        (2.0, BadAnswer("no JSON"), None, 50, 51),
        (0.002, BadAnswer("no JSON"), None, 25, 35),
        (2.0, None, History((), None, next_offset=500), 10, 11),
        (0.002, None, History((), None, next_offset=500), 0, 0.1),
    ],
)
def test_a_bot_rests_for_what_its_poll_cost_the_others(alpha, cost, error, history, least, most):
    now = timezone.now()
    order = orders_for([claim_one(a_bot(alpha), now)], now)[0]
    order.status.failures = 1 if error else 0
    result = PollResult(order, asked=list(Kind), error=error, history=history, cost=cost)
    reschedule(result, now)
    wait = order.turn.next_poll_at - now
    assert timedelta(seconds=least) <= wait <= timedelta(seconds=most)


def test_a_person_who_asks_does_not_wait_for_the_rest(alpha):
    now = timezone.now()
    order = orders_for([claim_one(a_bot(alpha), now)], now)[0]
    order.turn.next_poll_at = now
    reschedule(PollResult(order, woken=True, cost=60.0), now)
    assert order.turn.next_poll_at == now


@pytest.mark.parametrize(("late", "counted"), [(0, 0), (3, 3), (5, 5), (60, 5), (-60, 0)])
def test_an_interval_begins_when_the_poll_came_due_and_a_long_delay_is_not_made_up_for(late, counted):
    now = timezone.now()
    assert counted_from(now - timedelta(seconds=late), 10.0, now) == now - timedelta(seconds=counted)


def test_a_poll_that_took_its_time_does_not_put_off_the_next_one(alpha):
    now = timezone.now()
    order = orders_for([claim_one(a_bot(alpha), now)], now)[0]
    order.turn.next_poll_at = now - timedelta(seconds=4)
    reschedule(PollResult(order, asked=[Kind.STATE, Kind.OPEN_TRADES]), now)
    assert timedelta(seconds=4.9) <= order.turn.next_poll_at - now <= timedelta(seconds=7.1)
