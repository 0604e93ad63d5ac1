"""Names are looked up without one dead name server holding up the bots of the others."""

import asyncio
import threading
import time

import pytest

from bots.systems import names as looking_up
from bots.systems.addresses import AddressPolicy
from bots.systems.errors import AddressNotAllowed, NameNotFound, TimedOut, Unreachable
from bots.systems.http import HttpDoor
from bots.systems.names import Names, system_lookup
from tests.bots.systems.raw_bots import Caller, answering, http, serving


class NameServer:
    """Names that begin with "dead" are waited for until the test is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.asked: list[str] = []

    def __call__(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        if name.startswith("dead"):
            self.over.wait(20)
        if name.startswith("no"):
            raise OSError("no such name")
        return ("127.0.0.1",)


@pytest.fixture
def server():
    server = NameServer()
    yield server
    server.over.set()


async def test_a_name_is_looked_up_once_a_minute(server, monkeypatch):
    names = Names(server)
    for _ in range(3):
        assert await names.addresses("bot.test", 1) == ("127.0.0.1",)
    assert server.asked == ["bot.test"]
    monkeypatch.setattr(looking_up, "FRESH_SECONDS", 0.0)
    names = Names(server)
    for _ in range(3):
        await names.addresses("bot.test", 1)
    assert server.asked == ["bot.test"] * 4


async def test_a_name_whose_server_hangs_is_asked_for_once_however_often_it_is_waited_for(server):
    names = Names(server)
    waiting = [names.addresses("dead.test", 0.2) for _ in range(20)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {str(outcome) for outcome in outcomes} == {
        "Gave up on dead.test after 0.2 s: the name server did not answer"
    }
    with pytest.raises(TimedOut):
        await names.addresses("dead.test", 0.1)
    assert server.asked == ["dead.test"]
    server.over.set()
    assert await names.addresses("dead.test", 5) == ("127.0.0.1",)


async def test_an_unknown_name_is_asked_for_again_the_next_time(server):
    names = Names(server)
    for _ in range(2):
        with pytest.raises(NameNotFound, match=r"^none\.test does not resolve$"):
            await names.addresses("none.test", 1)
    assert server.asked == ["none.test"] * 2


async def test_a_hundred_hanging_names_hold_up_no_other(server):
    """A resolver with 20 threads would give up on every other name."""
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=2, names=Names(server))
    async with serving(answering(http())) as bot:
        hanging = [asyncio.ensure_future(door.get(f"http://dead{number}.test")) for number in range(100)]
        for number in range(20):
            assert (await door.get(f"http://alive{number}.test:{bot.port}")).status == 200
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TimedOut}
    await door.aclose()


async def test_more_lookups_than_threads_are_refused_at_once(server, monkeypatch):
    monkeypatch.setattr(looking_up, "MOST_LOOKUPS", 3)
    names = Names(server)
    hanging = [asyncio.ensure_future(names.addresses(f"dead{number}.test", 0.3)) for number in range(3)]
    await asyncio.sleep(0.05)
    with pytest.raises(Unreachable, match=r"^bot\.test was not looked up: 3 other names wait"):
        await names.addresses("bot.test", 1)
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_looking_up_counts_against_the_deadline(server):
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=0.5, names=Names(slow_lookup))
    began = time.monotonic()
    async with serving(hang) as bot:
        with pytest.raises(TimedOut, match="it took the question and did not answer"):
            await door.get(f"http://bot.test:{bot.port}")
    assert time.monotonic() - began < 20
    await door.aclose()


def slow_lookup(name: str) -> tuple[str, ...]:
    time.sleep(0.3)
    return ("127.0.0.1",)


async def hang(caller) -> None:
    await asyncio.sleep(5)


async def test_a_transfer_forgets_the_name_of_the_bot_before(server):
    """The next bot may bear the same name's port, or be an address."""
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=1, names=Names(server))
    async with serving(answering(http(b"[1]"))) as one, serving(answering(http(b"[2]"))) as other:
        for _ in range(2):
            assert (await door.get(f"http://one.test:{one.port}")).body == b"[1]"
            assert (await door.get(other.url)).body == b"[2]"
            assert (await door.get(f"http://other.test:{other.port}")).body == b"[2]"
    assert server.asked == ["one.test", "other.test"]
    await door.aclose()


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("127.0.0.1", ("127.0.0.1",)),
        ("::1", ("::1",)),
        ("localhost", ("127.0.0.1", "::1")),
        ("bot.Localhost.", ("127.0.0.1", "::1")),
    ],
)
async def test_an_address_and_this_machine_are_looked_up_nowhere(server, name, addresses):
    assert await Names(server).addresses(name, 1) == addresses
    assert server.asked == []


def test_the_system_is_asked_for_both_families():
    assert "127.0.0.1" in system_lookup("localhost")
    with pytest.raises(OSError, match=r"not known|No address|failure"):
        system_lookup("bot.invalid")


# --- names that lie -------------------------------------------------------------------------------------------------


class NamesOf(Names):
    """What a name server under an attacker's hand says, this moment."""

    says: tuple[str, ...] = ()

    async def addresses(self, name, deadline):
        return self.says


@pytest.fixture
async def named():
    """(names, door): the door goes to 127.0.0.1 alone, and the names say what the test tells them to."""
    names = NamesOf()
    door = HttpDoor(AddressPolicy.from_networks(["127.0.0.1/32"]), deadline=2, names=names)
    yield names, door
    await door.aclose()


async def test_one_forbidden_address_of_a_name_forbids_the_name(named):
    names, door = named
    names.says = ("127.0.0.9", "127.0.0.1")
    async with serving(answering(http())) as bot:
        with pytest.raises(AddressNotAllowed, match=r"^bot\.test \(127\.0\.0\.9\) may not be contacted"):
            await door.get(f"http://bot.test:{bot.port}")
        assert bot.connections == 0


async def test_a_name_that_changes_its_mind_is_caught_at_the_next_connection(named):
    async def one_answer_a_connection(caller: Caller) -> None:
        await caller.request()
        await caller.say(http(b"{}", "200 OK", "Connection: close"))

    names, door = named
    async with serving(one_answer_a_connection) as bot:
        for _ in range(2):
            names.says = ("127.0.0.1",)
            assert (await door.get(f"http://bot.test:{bot.port}")).status == 200
            names.says = ("127.0.0.2",)
            with pytest.raises(AddressNotAllowed, match=r"127\.0\.0\.2"):
                await door.get(f"http://bot.test:{bot.port}")
