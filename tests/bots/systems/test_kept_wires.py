"""Connections kept for the next question: one a place, not for ever, and never one that died."""

import asyncio

from bots.systems.addresses import AddressPolicy
from bots.systems.answering import End
from bots.systems.http import HttpDoor
from bots.systems.kept_wires import IDLE_SECONDS, KeptWires
from bots.systems.wire import Wire
from tests.bots.systems.raw_bots import Caller, answering, http, serving


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def wire() -> Wire:
    return Wire(lambda _: None)


async def test_a_connection_is_given_to_one_who_asks_alone():
    kept, one = KeptWires(10, Clock()), wire()
    kept.keep("a", one)
    assert (kept.take("b"), kept.take("a"), kept.take("a")) == (None, one, None)


async def test_the_longest_idle_goes_when_there_are_too_many():
    kept, wires = KeptWires(2, Clock()), [wire() for _ in range(3)]
    for place, each in zip("abc", wires, strict=True):
        kept.keep(place, each)
    assert ([each.is_over for each in wires], kept.all()) == ([True, False, False], wires[1:])


async def test_a_second_one_of_a_place_is_not_kept():
    kept, one, other = KeptWires(10, Clock()), wire(), wire()
    kept.keep("a", one)
    kept.keep("a", other)
    assert (kept.take("a"), one.is_over, other.is_over) == (one, False, True)


async def test_one_that_was_idle_for_long_is_not_trusted():
    clock = Clock()
    kept, one = KeptWires(10, clock), wire()
    kept.keep("a", one)
    clock.now += IDLE_SECONDS
    assert (kept.take("a"), one.is_over) == (None, True)


async def test_forgetting_another_one_of_the_place_leaves_the_kept_one():
    kept, one, other = KeptWires(10, Clock()), wire(), wire()
    kept.keep("a", one)
    kept.forget("a", other)
    assert kept.take("a") is one


async def test_at_most_so_many_connections_stay_open():
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), kept_connections=1)
    async with serving(answering(http())) as one, serving(answering(http())) as other:
        for bot in (one, other, other, one):
            assert (await door.get(bot.url)).status == 200
        assert (one.connections, other.connections) == (2, 1)
    await door.aclose()


async def test_a_kept_connection_on_which_a_bot_speaks_unasked_is_given_up(door):
    """An answer that comes too early would be taken for that to the next question."""
    early = asyncio.Event()

    async def answers_twice(caller: Caller) -> None:
        await caller.request()
        await caller.say(http(b"[1]"))
        await early.wait()
        await caller.say(http(b'["stale"]'))
        await caller.request()

    async with serving(answers_twice) as bot:
        assert (await door.get(bot.url)).body == b"[1]"
        early.set()
        await asyncio.sleep(0.05)
        assert (await door.get(bot.url)).body == b"[1]"
        assert bot.connections == 2


class Line:
    """The loop's end of a connection."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        pass


async def test_nothing_is_asked_of_one_that_spoke_first():
    """What it said would be taken for the answer to a command."""
    line, stranger = Line(), wire()
    stranger.connection_made(line)
    stranger.data_received(http(b'{"result": "done"}'))
    answering = await stranger.ask(b"POST / HTTP/1.1\r\n\r\n", 1000, 1.0)
    assert (answering.end, stranger.has_left, line.written) == (End.BROKEN, False, b"")
