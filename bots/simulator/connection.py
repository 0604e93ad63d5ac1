"""One client's connection: reads HTTP/1.1 off the wire, by hand, because half of what this server must do
(silence, dripping, lies about length) no well-behaved server library can."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, cast

from . import delivery, routes
from .channel import Channel
from .wire import API, Answer, Request, said

if TYPE_CHECKING:
    from .bot import SimBot

LARGEST_BODY = 1 << 20


class Connection(asyncio.Protocol):
    def __init__(self, bot: SimBot) -> None:
        self.bot = bot
        self.transport: asyncio.Transport
        self.channel: Channel | None = None
        self._buffer = b""
        self._busy: asyncio.Task[None] | None = None
        self._goes_on = False  # what is under way, although nobody waits for the answer any more

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.bot.listener.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.bot.listener.connections.discard(self)
        if self._busy and not self._goes_on:
            self._busy.cancel()

    def data_received(self, data: bytes) -> None:
        if self.channel:
            self.channel.hear(data)
            return
        self._buffer += data
        self._read_on()

    def _read_on(self) -> None:
        """Answer every complete request in the buffer, one after another."""
        while not self._busy and not self.transport.is_closing():
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            request = parsed(head)
            if request is None:
                self._write(said(400, {"detail": "Invalid HTTP request received."}), keep_alive=False)
                return
            length = int(request.headers.get("content-length") or 0)
            if len(rest) < length:
                return
            request.body, self._buffer = rest[:length], rest[length:]
            self._serve(request, head)

    def _serve(self, request: Request, head: bytes) -> None:
        bot = self.bot
        bot.requests.add(request.method, request.path)
        keep_alive = request.headers.get("connection", "").lower() != "close"
        fault = bot.faults.at(request.endpoint)
        if fault:
            self._goes_on = request.method != "GET" and fault.hang != math.inf
            self._busy = asyncio.ensure_future(delivery.misbehave(self, fault, request))
            self._busy.add_done_callback(lambda done: self._free(done, keep_alive))
            bot.listener.hold(self._busy)
        elif "upgrade" in request.headers and request.endpoint == "/message/ws" and bot.release.since("2022.9"):
            self.channel = Channel(self, request, head)
        else:
            self._write(self.answer_to(request), keep_alive)

    def answer_to(self, request: Request) -> Answer:
        with self.bot.guard:
            request.flask = self.bot.release.flask
            return routes.answer(self.bot, request)

    def _write(self, answer: Answer, keep_alive: bool) -> None:
        self.transport.write(answer.head(keep_alive) + answer.body)
        if not keep_alive:
            self.transport.close()

    def _free(self, done: asyncio.Task[None], keep_alive: bool) -> None:
        self._busy = None
        if not done.cancelled() and done.exception():
            self.transport.abort()
        elif not keep_alive:
            self.transport.close()
        self._read_on()


def parsed(head: bytes) -> Request | None:
    """None for what is no HTTP request."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        return None
    path, _, query = words[1].partition("?")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if not headers.get("content-length", "0").isdigit() or int(headers.get("content-length", "0")) > LARGEST_BODY:
        return None
    return Request(words[0], path.rstrip("/") if path != f"{API}/" else path, query, headers)
