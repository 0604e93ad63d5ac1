"""Of a command that failed on the way: whether a byte of it left. Where it did, the bot may have acted."""

import asyncio
import socket
import struct
import time

import pytest

from bots.systems.addresses import AddressPolicy
from bots.systems.errors import (
    AddressNotAllowed,
    AnswerTooLarge,
    BotError,
    ConnectionLost,
    ConnectionRefused,
    NameNotFound,
    NotThisSystem,
    Redirected,
    TimedOut,
    TlsProblem,
    Unreachable,
    WrongSettings,
)
from bots.systems.http import HttpDoor
from bots.systems.names import Names
from tests.bots.systems.raw_bots import Caller, answering, http, serving, silent

BODY = b'{"tradeid":"12"}'


async def failed(door: HttpDoor, url: str) -> BotError:
    with pytest.raises(BotError) as caught:
        await door.request("POST", url, body=BODY)
    return caught.value


async def served(door: HttpDoor, talk, tls=None) -> tuple[BotError, int]:
    """The failure, and how many requests the bot had read whole."""
    async with serving(talk, tls) as bot:
        error = await failed(door, bot.url)
        await asyncio.sleep(0.02)
        return error, len(bot.bodies)


def reset(caller: Caller) -> None:
    """RST rather than FIN."""
    raw = caller.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    caller.reset()


# --- nothing left -----------------------------------------------------------------------------------------------------


async def test_nothing_was_sent_where_nothing_listens(door):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        error = await failed(door, f"http://127.0.0.1:{bound.getsockname()[1]}")
    assert (type(error), error.may_have_happened) == (ConnectionRefused, False)


async def test_nothing_was_sent_to_a_forbidden_address():
    door = HttpDoor(AddressPolicy.from_networks(["public"]))
    async with serving(answering(http())) as bot:
        error = await failed(door, bot.url)
    await door.aclose()
    assert (type(error), error.may_have_happened, bot.connections) == (AddressNotAllowed, False, 0)


async def test_nothing_was_sent_to_a_name_that_does_not_resolve():
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), names=Names(lambda name: ()))
    error = await failed(door, "http://bot.example.org")
    await door.aclose()
    assert (type(error), error.may_have_happened) == (NameNotFound, False)


async def test_nothing_was_sent_while_the_name_server_hangs():
    gone = asyncio.Event()
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=0.2, names=Names(lambda name: _hang(gone)))
    error = await failed(door, "http://bot.example.org")
    gone.set()
    await door.aclose()
    assert (type(error), error.may_have_happened) == (TimedOut, False)


def _hang(gone: asyncio.Event) -> tuple[str, ...]:

    while not gone.is_set():
        time.sleep(0.01)
    return ()


async def test_nothing_was_sent_where_no_connection_came_about():
    """A listener whose queue is full takes no connection."""
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=0.5, connect_deadline=0.3)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        error = await failed(door, f"http://127.0.0.1:{full.getsockname()[1]}")
    await door.aclose()
    assert (type(error), error.may_have_happened) == (TimedOut, False)


async def test_nothing_was_sent_to_an_unusable_address(door):
    error = await failed(door, "http://alice:s3cret@127.0.0.1:1")
    assert (type(error), error.may_have_happened) == (WrongSettings, False)


async def test_nothing_was_sent_over_a_connection_whose_certificate_is_not_trusted(door, authority):
    error, read = await served(door, answering(http()), authority.context())
    assert (type(error), error.may_have_happened, read) == (TlsProblem, False, 0)


async def test_nothing_was_sent_while_the_tls_handshake_hangs():
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=0.3)
    async with serving(_never_shakes) as bot:
        error = await failed(door, bot.url.replace("http:", "https:"))
    await door.aclose()
    assert (type(error), error.may_have_happened) == (TimedOut, False)


async def _never_shakes(caller: Caller) -> None:
    await asyncio.sleep(5)


async def test_nothing_was_sent_when_the_handshake_was_cut(door):
    async def cut(caller: Caller) -> None:
        await caller.reader.read(1)
        reset(caller)

    async with serving(cut) as bot:
        error = await failed(door, bot.url.replace("http:", "https:"))
    assert (isinstance(error, ConnectionLost | TlsProblem), error.may_have_happened) == (True, False)


async def test_a_tls_alert_says_that_the_request_was_no_message_to_it(door):
    async def alert(caller: Caller) -> None:
        await caller.request()
        await caller.say(b"\x15\x03\x01\x00\x02\x02\x46")

    error, _ = await served(door, alert)
    assert (type(error), error.may_have_happened) == (TlsProblem, False)


async def test_nothing_is_sent_by_a_door_that_closes(door):
    door.close()
    error = await failed(door, "http://127.0.0.1:1")
    assert (type(error), error.may_have_happened) == (Unreachable, False)


# --- it may have happened ---------------------------------------------------------------------------------------------


async def test_a_reset_after_the_request_was_read_says_nothing(door):
    async def act_and_die(caller: Caller) -> None:
        await caller.request()
        reset(caller)

    error, read = await served(door, act_and_die)
    assert (type(error), error.may_have_happened, read) == (ConnectionLost, True, 1)


async def test_a_close_after_the_request_was_read_says_nothing(door):
    async def act_and_close(caller: Caller) -> None:
        await caller.request()

    error, read = await served(door, act_and_close)
    assert (type(error), error.may_have_happened, read) == (ConnectionLost, True, 1)


async def test_a_reset_before_the_request_was_read_is_never_taken_for_an_act_not_done(door):
    """The request may lie in the bot's buffer: only what never left is certain. Here it is cut in the middle."""

    async def read_a_little(caller: Caller) -> None:
        await caller.reader.readexactly(10)
        reset(caller)

    error, read = await served(door, read_a_little)
    assert (type(error), error.may_have_happened, read) == (ConnectionLost, True, 0)


async def test_silence_after_the_request_says_nothing():
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=0.3)
    error, read = await served(door, silent)
    await door.aclose()
    assert (type(error), error.may_have_happened, read) == (TimedOut, True, 1)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", ConnectionLost),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ConnectionLost),
        (b"hello\r\n", NotThisSystem),
        (http(b"x" * 4096), AnswerTooLarge),
        (http(b"", "307 Temporary Redirect", "Location: https://bot.example.org/"), Redirected),
        (http(b"", "302 Found", "Location: /login"), Redirected),
    ],
)
async def test_an_answer_that_cannot_be_used_does_not_say_that_nothing_happened(answer, kind):
    async def say(caller: Caller) -> None:
        await caller.request()
        await caller.say(answer)

    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=2, max_bytes=1024)
    error, read = await served(door, say)
    await door.aclose()
    assert (type(error), error.may_have_happened, read) == (kind, True, 1)


async def test_a_lost_answer_over_tls_says_nothing(authority):
    async def act_and_die(caller: Caller) -> None:
        await caller.request()
        reset(caller)

    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=2, ca_file=str(authority.file))
    error, read = await served(door, act_and_die, authority.context())
    await door.aclose()
    assert (isinstance(error, BotError), error.may_have_happened, read) == (True, True, 1)
