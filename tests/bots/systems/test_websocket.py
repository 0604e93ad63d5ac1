"""The door to the bots' websockets: only where it may, over checked TLS, in time, and without a word of the token."""

import asyncio
import logging
import socket
import threading
from contextlib import contextmanager

import pytest
from websockets.sync.server import serve

from bots.systems.addresses import AddressPolicy, OwnPorts
from bots.systems.errors import (
    AddressNotAllowed,
    BotFailed,
    Busy,
    ConnectionLost,
    ConnectionRefused,
    Forbidden,
    NameNotFound,
    NotOffered,
    NotThisSystem,
    Redirected,
    TimedOut,
    TlsProblem,
    WrongPassword,
)
from bots.systems.websocket import SocketDoor
from tests.bots.systems.raw_bots import http

LOOPBACK = AddressPolicy.from_networks(["loopback"])
SECRET = "token=canary-of-a-token"


def door(policy=LOOPBACK, **limits):
    return SocketDoor(policy, **{"deadline": 2.0, **limits})


@contextmanager
def answering(head: bytes, hold: bool = False):
    """A server that says the same to everybody; `hold`: and keeps the line open."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept = []

    def answer():
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            kept.append(caller)
            caller.recv(4096)
            caller.sendall(head)
            if not hold:
                caller.close()

    threading.Thread(target=answer, daemon=True).start()
    yield f"ws://127.0.0.1:{listener.getsockname()[1]}/?{SECRET}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for caller in kept:
        caller.close()


@contextmanager
def speaking(handler, **options):
    with serve(handler, "127.0.0.1", 0, **options) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.socket.getsockname()[1]


def echo(line):
    for message in line:
        line.send(message)


async def test_what_is_said_comes_back():
    with speaking(echo) as port:
        line = await door().open(f"ws://127.0.0.1:{port}/?{SECRET}")
        await line.send('{"type":"x"}', 1)
        assert await line.receive() == b'{"type":"x"}'
        await line.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("301 Moved", Redirected),
        ("302 Found", Redirected),
        ("307 Temporary", Redirected),
        ("401 Unauthorized", WrongPassword),
        ("403 Forbidden", Forbidden),
        ("404 Not Found", NotOffered),
        ("429 Slow", Busy),
        ("500 Oops", BotFailed),
        ("502 Bad", BotFailed),
        ("503 Busy", Busy),
        ("200 OK", BotFailed),
    ],
)
async def test_each_refusal_has_its_error(status, error):
    with answering(http(b"no", status, "Location: ws://127.0.0.1:1/")) as url, pytest.raises(error) as raised:
        await door().open(url)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("head", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"\xff\x00garbage\r\n\r\n", b"HTTP/1.1 101\r\n\r\n"])
async def test_a_stranger_is_told_apart(head):
    with (
        answering(head, hold=True) as url,
        pytest.raises((NotThisSystem, BotFailed, ConnectionLost, TimedOut)) as raised,
    ):
        await door(deadline=0.5).open(url)
    assert "canary" not in str(raised.value)


async def test_a_bot_that_takes_the_line_and_says_nothing_is_given_up_in_time():
    with answering(b"", hold=True) as url, pytest.raises(TimedOut):
        await door(deadline=0.3).open(url)


async def test_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConnectionRefused):
        await door().open(f"ws://127.0.0.1:{port}/?{SECRET}")


async def test_a_name_that_is_none():
    with pytest.raises(NameNotFound):
        await door().open(f"ws://no-such-bot.invalid:8080/?{SECRET}")


async def test_plain_http_on_a_tls_address_is_said():
    with answering(http(b"", "400 Bad")) as url, pytest.raises((TlsProblem, ConnectionLost)):
        await door().open(url.replace("ws://", "wss://"))


async def test_a_certificate_of_a_known_authority_is_accepted(authority):
    with speaking(echo, ssl=authority.context()) as port:
        line = await door(ca_file=str(authority.file)).open(f"wss://127.0.0.1:{port}/?{SECRET}")
        await line.close()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"days": -1}, "its certificate has expired"),
        ({"host": "bot.example.org"}, "its certificate is for another host name"),
        ({"self_signed": True}, "its certificate is self-signed"),
    ],
)
async def test_a_wrong_certificate_is_named_and_not_spoken_to(authority, wrong, words):
    with speaking(echo, ssl=authority.context(**wrong)) as port, pytest.raises(TlsProblem, match=words) as raised:
        await door(ca_file=str(authority.file)).open(f"wss://127.0.0.1:{port}/?{SECRET}")
    assert "canary" not in str(raised.value)


async def test_a_message_above_the_bound_ends_the_line():
    with speaking(lambda line: (line.send("x" * 200_000), line.recv())) as port:
        line = await door(max_bytes=100_000).open(f"ws://127.0.0.1:{port}/")
        with pytest.raises(ConnectionLost, match="larger than any bot's"):
            await line.receive()


async def test_a_cut_line_is_told_to_who_waits():
    with speaking(lambda line: line.close(1012)) as port:
        line = await door().open(f"ws://127.0.0.1:{port}/")
        with pytest.raises(ConnectionLost, match="code 1012"):
            await line.receive()


async def test_abort_wakes_who_waits():
    with speaking(echo) as port:
        line = await door().open(f"ws://127.0.0.1:{port}/")
        waiting = asyncio.create_task(line.receive())
        await asyncio.sleep(0.05)
        line.abort()
        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(waiting, 1)


async def test_the_portals_own_ports_are_closed():
    with speaking(echo) as port:
        policy = AddressPolicy.from_networks(["loopback"], OwnPorts(frozenset({port}), frozenset()))
        with pytest.raises(AddressNotAllowed):
            await door(policy).open(f"ws://127.0.0.1:{port}/")


async def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    with speaking(echo) as port:
        line = await door().open(f"ws://127.0.0.1:{port}/")
        await line.close()


async def test_no_log_has_the_token(caplog):
    caplog.set_level(logging.DEBUG)
    with speaking(echo, logger=logging.getLogger("elsewhere")) as port:
        logging.getLogger("elsewhere").disabled = True
        line = await door().open(f"ws://127.0.0.1:{port}/?{SECRET}")
        await line.send("x", 1)
        await line.receive()
        await line.close()
    with answering(http(b"", "403 Forbidden")) as url, pytest.raises(Forbidden):
        await door().open(url)
    assert "canary-of-a-token" not in caplog.text
