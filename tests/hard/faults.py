"""The ways in which a bot, or a stranger in its place, can misbehave on the wire."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from functools import cache, partial

from bots.systems.http import MIB
from tests.bots.systems.raw_bots import Caller, http, silent
from tests.hard.recorded_bots import Broken

OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"<!doctype html><title>Login</title>"


async def dripping_head(caller: Caller) -> None:
    for byte in OK + b"X-Slow: " + b"y" * 10_000:
        await caller.say(bytes([byte]))
        await asyncio.sleep(0.02)


async def dripping_body(caller: Caller) -> None:
    await caller.say(OK + b"Content-Length: 10000\r\n\r\n{")
    while True:
        await caller.say(b" ")
        await asyncio.sleep(0.02)


async def a_gibibyte(caller: Caller) -> None:
    await caller.say(OK + b"Content-Length: 1073741824\r\n\r\n")
    for _ in range(1024):
        await caller.say(b"1" * MIB)


async def chunks_without_end(caller: Caller) -> None:
    await caller.say(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        await caller.say(b"10000\r\n" + b"[" * 65536 + b"\r\n")


async def tiny_chunks_without_end(caller: Caller) -> None:
    await caller.say(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        await caller.say(b"1\r\n[\r\n" * 10_000)


async def many_headers(caller: Caller) -> None:
    await caller.say(OK)
    for _ in range(1000):
        await caller.say(b"X-Many: yyyyyyyyyyyyyyyyyyyy\r\n" * 100)


async def one_endless_header(caller: Caller) -> None:
    await caller.say(OK + b"X-Long: ")
    for _ in range(64):
        await caller.say(b"y" * MIB)


async def provisional_answers_without_end(caller: Caller) -> None:
    while True:
        await caller.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


async def cut_head(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\nContent-Le")


async def cut_body(caller: Caller) -> None:
    await caller.say(OK + b'Content-Length: 1000\r\n\r\n{"a": ')


async def close_without_a_word(caller: Caller) -> None:
    pass


async def reset(caller: Caller) -> None:
    caller.reset()


async def reset_in_the_body(caller: Caller) -> None:
    await caller.say(OK + b"Content-Length: 1000\r\n\r\n{")
    await asyncio.sleep(0.05)
    caller.reset()


def folded(body: bytes, encoding: str) -> bytes:
    return http(body, "200 OK", f"Content-Encoding: {encoding}")


def raw(text: bytes) -> Broken:
    async def say(caller: Caller) -> None:
        await caller.say(text)

    return say


def redirect(status: str, to: str) -> bytes:
    return http(b"", status, f"Location: {to}")


def page(status: str) -> bytes:
    return http(HTML, status).replace(b"application/json", b"text/html")


def bomb(fold: Callable[[bytes], bytes], encoding: str) -> Broken:
    """200 MiB of nothing, folded when it is told first: most who import this file tell none."""
    made = cache(lambda: folded(fold(b"0" * (200 * MIB)), encoding))

    async def say(caller: Caller) -> None:
        await caller.say(made())

    return say


gzipped = partial(gzip.compress, compresslevel=1)  # quickly; 200 MiB become 1
LONG_REFUSAL = http(b'{"error":"%s"}' % (b"x" * 5 * MIB), "502 X")

# name -> (what the bot does, the code of the outcome, words of the sentence on the bot's row). What is no HTTP is a
# stranger on a new connection, and a broken answer on one that has spoken HTTP before.
ON_THE_WIRE: dict[str, tuple[Broken, str, str]] = {
    "hang": (silent, "timed_out", "it took the question and did not answer"),
    "slow headers": (dripping_head, "timed_out", "its answer began and did not end"),
    "drip": (dripping_body, "timed_out", "its answer began and did not end"),
    "1 GiB": (a_gibibyte, "answer_too_large", "more than [18] MiB"),
    "endless chunks": (chunks_without_end, "answer_too_large", "more than [18] MiB"),
    "endless tiny chunks": (tiny_chunks_without_end, "timed_out|answer_too_large", "did not end|more than [18] MiB"),
    "gzip bomb": (bomb(gzipped, "gzip"), "answer_too_large", "more than [18] MiB"),
    "gzip bomb in gzip": (
        bomb(lambda zeros: gzipped(gzipped(zeros)), "gzip, gzip"),
        "answer_too_large",
        "more than [18] MiB",
    ),
    "deflate bomb": (bomb(partial(zlib.compress, level=1), "deflate"), "answer_too_large", "more than [18] MiB"),
    "no gzip": (folded(b"{}", "gzip"), "connection_lost", "its answer is no proper HTTP"),
    "encoding nobody asked for": (folded(b"{}", "br"), "connection_lost", "its answer is no proper HTTP"),
    "100k headers": (many_headers, "answer_too_large", "far more headers than any bot"),
    "one endless header": (one_endless_header, "answer_too_large", "far more headers than any bot"),
    "endless 100 Continue": (provisional_answers_without_end, "answer_too_large", "far more headers than any bot"),
    "no HTTP": (raw(b"220 mail.example ESMTP\r\n"), "not_this_system|connection_lost", "not in HTTP|no proper HTTP"),
    "garbage": (raw(bytes(range(128, 256)) * 8), "not_this_system|connection_lost", "not in HTTP|no proper HTTP"),
    "status 999": (raw(b"HTTP/1.1 999 What\r\n\r\n"), "bot_failed", "HTTP 999"),
    "negative length": (raw(OK + b"Content-Length: -1\r\n\r\n{}"), "connection_lost", "no proper HTTP"),
    "two lengths": (raw(OK + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}"), "connection_lost", "no proper HTTP"),
    "absurd chunk": (
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n"),
        "connection_lost",
        "no proper HTTP",
    ),
    "cut head": (cut_head, "connection_lost", "its answer ended in the middle"),
    "cut body": (cut_body, "connection_lost", "its answer ended in the middle"),
    "closes without a word": (close_without_a_word, "connection_lost", "it closed without an answer"),
    "reset": (reset, "connection_lost", "broke the connection"),
    "reset in the body": (reset_in_the_body, "connection_lost", "broke the connection"),
    "redirect elsewhere": (redirect("302 Found", "http://evil.example/x"), "redirected", "to http://evil.example;"),
    "redirect to metadata": (redirect("307 X", "http://169.254.169.254/latest/"), "redirected", "169.254.169.254;"),
    "redirect to itself": (redirect("301 Moved", "/api/v1/show_config"), "redirected", "to another page;"),
    "redirect to nowhere": (http(b"", "300 Choices"), "redirected", "enter the bot's own address"),
    "redirect to a file": (redirect("308 X", "file:///etc/passwd"), "redirected", "redirects to another page"),
    "login page": (page("200 OK"), "not_this_system", "gave an HTML page"),
    "401": (http(b'{"detail":"Unauthorized"}', "401 X"), "wrong_password", "refused the user name or password"),
    "403": (page("403 Forbidden"), "forbidden", "the bot, or a proxy in front of it, forbids"),
    "429": (http(b"", "429 Too Many"), "busy", "the bot asks to wait"),
    "429 with Retry-After": (http(b"", "429 Too Many", "Retry-After: 400"), "busy", "the bot asks to wait"),
    "500": (http(b"Internal Server Error", "500 X"), "bot_failed", "HTTP 500"),
    "502 of a proxy": (page("502 Bad Gateway"), "bot_failed", "HTTP 502"),
    "503 for ever": (http(b"", "503 X", "Retry-After: 99999999999999999999"), "busy", "asks to wait"),
    "504": (page("504 Gateway Timeout"), "bot_failed", "HTTP 504"),
    "204": (http(b"", "204 No Content"), "bad_answer", "HTTP 204"),
    "206": (http(b"{}", "206 Partial Content"), "bad_answer", "HTTP 206"),
    # Too long for a state, not for a list.
    "refusal of 5 MiB": (LONG_REFUSAL, "bot_failed|answer_too_large", "HTTP 502|more than 1 MiB"),
    "refusal that nests": (http(b"[" * 60_000, "500 X"), "bot_failed", "HTTP 500"),
}
