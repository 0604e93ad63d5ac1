"""One connection, question after question: each has a deadline of its own."""

import asyncio
import time

import pytest

from bots.systems.errors import TimedOut
from tests.bots.systems.raw_bots import Caller, Talk, http, serving


def answering_after(*waits: float) -> Talk:
    """Seconds before each answer; what is asked more often gets none."""

    async def talk(caller: Caller) -> None:
        for wait in waits:
            await caller.request()
            await asyncio.sleep(wait)
            await caller.say(http(b'{"answered": "after %g s"}' % wait))
        await caller.request()
        await asyncio.sleep(60)

    return talk


async def test_the_deadline_of_a_question_before_harms_no_later_one(door):
    async with serving(answering_after(0, 0.5)) as bot:
        await door.get(bot.url, deadline=0.4)
        assert (await door.get(bot.url, deadline=20)).body == b'{"answered": "after 0.5 s"}'
        assert bot.connections == 1


async def test_a_shorter_deadline_counts_after_a_longer_one(door):
    async with serving(answering_after(0)) as bot:
        await door.get(bot.url, deadline=60)
        began = time.monotonic()
        with pytest.raises(TimedOut, match=r"after 0\.3 s"):
            await door.get(bot.url, deadline=0.3)
        assert time.monotonic() - began < 20
        assert bot.connections == 1


async def test_a_longer_deadline_is_waited_for_after_a_shorter_one(door):
    async with serving(answering_after(0)) as bot:
        await door.get(bot.url, deadline=0.2)
        began = time.monotonic()
        with pytest.raises(TimedOut):
            await door.get(bot.url, deadline=0.7)
        assert 0.65 < time.monotonic() - began < 20
        assert bot.connections == 1


async def test_a_connection_that_is_over_waits_for_no_deadline(door):
    """Whoever ended it must not find its alarm in the loop for as long as the deadline."""
    async with serving(answering_after(0)) as bot:
        await door.get(bot.url, deadline=60)
        (wire,) = door._kept.all()
        await door.aclose()
        assert wire.is_over
        assert wire._alarm is None
