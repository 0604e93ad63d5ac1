"""The door to the bots against servers that misbehave in every way a bot, or a stranger in its place, can."""

import asyncio
import gzip
import resource
import socket
import time

import pytest

from bots.systems.addresses import AddressPolicy
from bots.systems.errors import (
    AddressNotAllowed,
    AnswerTooLarge,
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
from bots.systems.headers import basic_authorization
from bots.systems.http import MIB, HttpDoor
from bots.systems.names import Names
from tests.bots.systems.raw_bots import Caller, answering, http, serving, silent

# --- what arrives -----------------------------------------------------------------------------------------------------


async def test_an_answer_has_status_headers_and_body_whatever_the_status(door):
    async with serving(answering(http(b'{"a":1}', "404 Not Found", "X-Kind: Test"))) as bot:
        answer = await door.get(bot.url + "/api")
    assert (answer.status, answer.body, answer.content_type) == (404, b'{"a":1}', "application/json")
    assert answer.headers["x-kind"] == "Test"
    assert 0 < answer.elapsed_seconds < 20


async def test_five_questions_to_one_bot_use_one_connection(door):
    async with serving(answering(http())) as bot:
        for _ in range(5):
            await door.get(bot.url)
        assert (bot.connections, len(bot.requests)) == (1, 5)


async def test_a_request_names_us_and_brings_no_cookie(door):
    async with serving(answering(http(b"{}", "200 OK", "Set-Cookie: spy=1"))) as bot:
        await door.get(bot.url)
        await door.get(bot.url)
    head = bot.requests[1].decode()
    assert "User-Agent: bot-portal\r\n" in head
    assert "cookie" not in head.lower()
    assert head.startswith("GET / HTTP/1.1\r\n")


async def test_headers_of_one_bot_never_reach_the_next_one(door):
    async with serving(answering(http())) as one, serving(answering(http())) as other:
        await door.get(one.url, headers=basic_authorization("alice", "secret of one"))
        await door.get(other.url)
        await door.get(one.url)
    assert b"Authorization: Basic YWxpY2U6c2VjcmV0IG9mIG9uZQ==\r\n" in one.requests[0]
    assert b"uthorization" not in other.requests[0] + one.requests[1]


async def test_a_get_after_a_post_is_a_get_again(door):
    async with serving(answering(http())) as bot:
        await door.request("POST", bot.url, body=b'{"a":1}', more=["Content-Type: application/json"])
        await door.request("DELETE", bot.url)
        await door.get(bot.url)
    assert [head.split()[0] for head in bot.requests] == [b"POST", b"DELETE", b"GET"]
    assert b"Content-Length: 7\r\n" in bot.requests[0]


async def test_a_compressed_answer_is_read(door):
    body = gzip.compress(b'{"pairs": []}')
    async with serving(answering(http(body, "200 OK", "Content-Encoding: gzip"))) as bot:
        assert (await door.get(bot.url)).body == b'{"pairs": []}'


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("999999999", 86400), ("soon", None), ("-3", None)],
)
async def test_how_long_to_wait_is_told_in_seconds_or_as_a_date(door, value, seconds):
    async with serving(answering(http(b"", "429 Too Many Requests", f"Retry-After: {value}"))) as bot:
        assert (await door.get(bot.url)).retry_after == seconds


# --- time -------------------------------------------------------------------------------------------------------------


async def test_a_bot_that_takes_the_question_and_is_silent_is_given_up_at_the_deadline(door):
    async with serving(silent) as bot:
        started = time.monotonic()
        with pytest.raises(TimedOut, match=r"after 0\.\d s: it took the question and did not answer"):
            await door.get(bot.url, deadline=0.5)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
async def test_a_drip_of_bytes_does_not_stretch_the_deadline(door, start):
    async def drip(caller: Caller) -> None:
        await caller.request()
        await caller.say(start)
        while True:
            await caller.say(b"x")
            await asyncio.sleep(0.05)

    async with serving(drip) as bot:
        started = time.monotonic()
        with pytest.raises(TimedOut, match="its answer began and did not end"):
            await door.get(bot.url, deadline=0.5)
    assert 0.4 < time.monotonic() - started < 20


async def test_a_machine_that_takes_no_connection_is_given_up_early(door):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        with pytest.raises(TimedOut, match=r"after 1\.0 s: no connection came about"):
            await door.get(f"http://127.0.0.1:{full.getsockname()[1]}")
        for each in waiting:
            each.close()


async def test_a_cancelled_question_harms_no_later_one(door):
    async with serving(silent) as dead, serving(answering(http(b"[]"))) as alive:
        asked = asyncio.ensure_future(door.get(dead.url))
        await asyncio.sleep(0.05)
        asked.cancel()
        assert (await door.get(alive.url)).body == b"[]"
        assert (await door.get(alive.url)).body == b"[]"


async def test_one_dead_bot_holds_up_no_other(door):
    async with serving(silent) as dead, serving(answering(http())) as alive:
        hanging = [asyncio.ensure_future(door.get(dead.url, deadline=60)) for _ in range(20)]
        for _ in range(20):
            assert (await door.get(alive.url)).status == 200
        assert not any(question.done() for question in hanging)
        for question in hanging:
            question.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_closed_door_ends_what_is_under_way_and_lets_nothing_out():
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]))
    async with serving(silent) as bot:
        asked = asyncio.ensure_future(door.get(bot.url))
        await asyncio.sleep(0.05)
        door.close()
        with pytest.raises(asyncio.CancelledError):
            await asked
        with pytest.raises(Unreachable, match="shutting down"):
            await door.get(bot.url)
        assert len(bot.requests) == 1
    await door.aclose()


# --- size -------------------------------------------------------------------------------------------------------------


async def test_a_gigabyte_is_cut_at_the_cap_and_costs_no_memory(door):
    async def flood(caller: Caller) -> None:
        await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        chunk = b"x" * MIB
        for _ in range(1024):
            await caller.say(chunk)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with serving(flood) as bot:
        with pytest.raises(AnswerTooLarge, match="sent more than 10 MiB"):
            await door.get(bot.url)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB; the flood is in here too


async def test_a_gzip_bomb_is_counted_as_it_unfolds(door):
    bomb = gzip.compress(b"\0" * (200 * MIB), compresslevel=9)
    assert len(bomb) < MIB
    async with serving(answering(http(bomb, "200 OK", "Content-Encoding: gzip"))) as bot:
        with pytest.raises(AnswerTooLarge, match="sent more than 10 MiB"):
            await door.get(bot.url)


async def test_an_answer_of_exactly_the_cap_is_taken(door):
    async with serving(answering(http(b"x" * 1000))) as bot:
        assert len((await door.get(bot.url, max_bytes=1000)).body) == 1000
        with pytest.raises(AnswerTooLarge):
            await door.get(bot.url, max_bytes=999)


@pytest.mark.parametrize("line", [b"X-Many: " + b"y" * 20 + b"\r\n", b"X-Long: " + b"y" * 90_000 + b"\r\n"])
async def test_a_hundred_thousand_headers_are_not_read_to_their_end(door, line):
    async def flood(caller: Caller) -> None:
        await caller.request()
        await caller.say(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1000):
            await caller.say(line * 100)

    async with serving(flood) as bot:
        with pytest.raises(AnswerTooLarge, match="far more headers"):
            await door.get(bot.url)


# --- where a connection may go ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_loopback_is_out_of_reach_when_only_public_addresses_are_allowed(host):
    door = HttpDoor(AddressPolicy.from_networks(["public"]), deadline=2)
    async with serving(answering(http())) as bot:
        with pytest.raises(AddressNotAllowed, match="outside the networks allowed for bots"):
            await door.get(f"http://{host}:{bot.port}")
        assert bot.connections == 0
    await door.aclose()


async def test_no_proxy_is_asked_although_the_environment_names_one(door, monkeypatch):
    async with serving(answering(http(b"proxy"))) as proxy, serving(answering(http(b"bot"))) as bot:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await door.get(bot.url)).body == b"bot"
        assert proxy.connections == 0


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("http://127.0.0.1:{port}/stolen?a=b", "http://127.0.0.1;"),
        ("https://Login.Example.org/?next=/api", "https://login.example.org;"),
        ("/login/", "another page"),
        ("http://[broken", "another page"),
        ("", "another page"),
    ],
)
async def test_a_redirect_is_named_and_not_followed(door, location, named):
    async with serving(answering(http())) as target:
        answer = http(b"", "302 Found", "Location: " + location.format(port=target.port))
        async with serving(answering(answer)) as bot:
            with pytest.raises(Redirected) as caught:
                await door.get(bot.url, headers=basic_authorization("alice", "secret"))
        assert target.connections == 0
    assert named in str(caught.value)
    assert "stolen" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://u:secret@127.0.0.1/",
        "http://a b/",
        "http://\u212aernel.example/",
    ],
)
async def test_nothing_but_http_without_credentials_in_it_is_fetched(door, url):
    with pytest.raises(WrongSettings) as caught:
        await door.get(url)
    assert "secret" not in str(caught.value)


# --- what cannot be reached -------------------------------------------------------------------------------------------


async def test_a_port_on_which_nothing_listens_is_named(door):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionRefused, match=rf"^Nothing listens at 127\.0\.0\.1:{port} \(connection refused\)$"):
        await door.get(f"http://127.0.0.1:{port}")


async def test_a_name_that_does_not_resolve_is_named(door):
    with pytest.raises(NameNotFound, match=r"^bot\.invalid does not resolve$"):
        await door.get("http://bot.invalid:8080/api")


async def _cut_in_the_answer(caller: Caller) -> None:
    await caller.request()
    await caller.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


async def _cut_in_the_head(caller: Caller) -> None:
    await caller.request()
    await caller.say(b"HTTP/1.1 200 OK\r\nContent-Type: appl")


async def _absurd_chunk(caller: Caller) -> None:
    await caller.request()
    await caller.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n")


async def _close_at_once(caller: Caller) -> None:
    await caller.request()


async def _reset(caller: Caller) -> None:
    await caller.request()
    caller.reset()


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (_cut_in_the_answer, "its answer ended in the middle"),
        (_cut_in_the_head, "its answer ended in the middle"),
        (_absurd_chunk, "its answer is no proper HTTP"),
        (_close_at_once, "it closed without an answer"),
        (_reset, "it "),
    ],
)
async def test_a_broken_connection_is_told_as_one(door, talk, words):
    async with serving(talk) as bot:
        with pytest.raises(ConnectionLost, match=f"broke the connection: {words}"):
            await door.get(bot.url)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"-ERR unknown command\r\n", b"\0\0\0\0"])
async def test_something_that_speaks_no_http_is_no_bot(door, greeting):
    async def talk(caller: Caller) -> None:
        await caller.say(greeting)

    async with serving(talk) as stranger:
        with pytest.raises(NotThisSystem, match="answers, but not in HTTP"):
            await door.get(stranger.url)


async def test_a_command_is_sent_once_although_the_connection_died_on_it(door):
    """What died on a kept connection is asked again; a GET may be, a forced exit never."""
    answers = 0

    async def one_answer_then_death(caller: Caller) -> None:
        nonlocal answers
        while True:
            await caller.request()
            if answers:
                return
            answers += 1
            await caller.say(http())

    async with serving(one_answer_then_death) as bot:
        await door.get(bot.url)
        with pytest.raises(ConnectionLost):
            await door.request("POST", bot.url, body=b"{}")
        assert [head.split()[0] for head in bot.requests] == [b"GET", b"POST"]


async def test_a_question_is_asked_again_when_a_kept_connection_had_died(door):
    async def one_answer_a_connection(caller: Caller) -> None:
        await caller.request()
        await caller.say(http())

    async with serving(one_answer_a_connection) as bot:
        for _ in range(3):
            assert (await door.get(bot.url)).status == 200


async def test_a_question_whose_answer_had_begun_is_not_asked_again(door):
    async def one_answer_and_a_part(caller: Caller) -> None:
        await caller.request()
        await caller.say(http())
        await caller.request()
        await caller.say(http()[:20])
        caller.reset()

    async with serving(one_answer_and_a_part) as bot:
        await door.get(bot.url)
        with pytest.raises(ConnectionLost, match="broke the connection"):
            await door.get(bot.url)
        assert (bot.connections, len(bot.requests)) == (1, 2)


async def test_a_door_that_closes_while_a_connection_is_made_sends_nothing():
    class SlowNames(Names):
        async def addresses(self, name, deadline):
            await asyncio.sleep(0.05)
            return ("127.0.0.1",)

    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), names=SlowNames())
    async with serving(answering(http())) as bot:
        asked = asyncio.ensure_future(door.request("POST", f"http://bot.test:{bot.port}", body=b"{}"))
        await asyncio.sleep(0.01)
        door.close()
        with pytest.raises(Unreachable, match="shutting down") as caught:
            await asked
        assert (caught.value.may_have_happened, bot.requests) == (False, [])


async def test_plain_http_spoken_to_a_tls_port_is_told(door, authority):
    async with serving(answering(http()), authority.context()) as bot:
        with pytest.raises((TlsProblem, ConnectionLost), match="https://"):
            await door.get(bot.url.replace("https", "http"))
