"""The bot's port: opened, closed and opened again without the loop having to wait for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import orjson

from .connection import Connection

if TYPE_CHECKING:
    from .bot import SimBot
    from .channel import Channel

RESTARTING = 1012


class Listener:
    """`open`, `close` and `publish` may be called from any thread; the first two return when it is done."""

    def __init__(self, bot: SimBot) -> None:
        self.bot = bot
        self.port = 0
        self.connections: set[Connection] = set()
        self.channels: set[Channel] = set()
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def attach(self, loop: asyncio.AbstractEventLoop, port: int = 0) -> None:
        """Called once, on the loop. Takes a port in any case, keeps it for a bot that is down."""
        self._loop = loop
        self.port = port
        self._bind()

    def open(self) -> None:
        self._on_loop(self._bind)

    def close(self) -> None:
        self._on_loop(self._close)

    def restart_soon(self, after: float, gap: float) -> None:
        """As reload_config does: after a moment the port closes, and some time later it is back."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._loop.call_later, after, self._restart, gap)

    def publish(self, message: dict[str, Any]) -> None:
        """In the order of the calls. Never waits for the loop: the caller may hold what the loop waits for."""
        if not self.channels or self._loop is None:
            return
        kind, text = str(message["type"]), orjson.dumps(message)
        if self._is_here():
            self._tell(kind, text)
        else:
            self._loop.call_soon_threadsafe(self._tell, kind, text)

    def _tell(self, kind: str, text: bytes) -> None:
        for channel in list(self.channels):
            if channel.connection in self.connections:
                channel.send(kind, text)
            else:
                self.channels.discard(channel)

    def _restart(self, gap: float) -> None:
        for channel in list(self.channels):
            if self.bot.release.since("2023.1"):
                channel.close(RESTARTING)
        self._close()
        asyncio.get_running_loop().call_later(gap, self._reopen)

    def _reopen(self) -> None:
        self.bot.come_back()
        self.bot.enter_state("running" if self.bot.spec.state == "running" else self.bot.spec.state)

    def _bind(self) -> None:
        if self._socket or not self._loop:
            return
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", self.port))
        self._socket.listen(256)
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        while self._socket and self._loop:
            try:
                client, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            welcome = self._loop.connect_accepted_socket(lambda: Connection(self.bot), client)
            self.hold(self._loop.create_task(welcome))

    def hold(self, task: asyncio.Task[Any]) -> None:
        """Until it is done, or the process ends."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close(self) -> None:
        if self._socket and self._loop:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self.connections):
            if connection.channel:
                connection.transport.close()
            else:
                connection.transport.abort()
        self.channels.clear()

    def _on_loop(self, act: Callable[[], None]) -> None:
        if self._loop is None or not self._loop.is_running():
            return
        if self._is_here():
            act()
            return
        done: Future[None] = Future()
        self._loop.call_soon_threadsafe(self._do, act, done)
        done.result(10)

    def _is_here(self) -> bool:
        """Whether this thread is the one in which the loop runs."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    @staticmethod
    def _do(act: Callable[[], None], done: Future[None]) -> None:
        act()
        done.set_result(None)
