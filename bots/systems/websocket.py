"""The only place that opens a websocket to a bot: the address is checked as in http.py, and so are TLS and deadlines.

The token travels in the query string, because bots take it nowhere else: no error and no log of this module quotes an
address, and the library's own logger, which would, is switched off.
"""

import asyncio
import logging
import socket
import ssl
import time
from contextlib import suppress
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from bots.systems.addresses import AddressPolicy
from bots.systems.dialling import connected_socket, dialled
from bots.systems.errors import (
    BotError,
    BotFailed,
    Busy,
    ConnectionLost,
    ConnectionRefused,
    Forbidden,
    NotOffered,
    NotThisSystem,
    Redirected,
    TimedOut,
    TlsProblem,
    Unreachable,
    WrongPassword,
)
from bots.systems.failures import place, tls_cause
from bots.systems.names import Names
from bots.systems.tls import verifying

KIB = 1024
TLS = {"ws": False, "wss": True}
TOO_LARGE = 1009  # the close code we give for a message above the bound

# Known to nobody else: no configuration of logging, whenever it comes, gives it a voice.
_silent = logging.Logger(f"{__name__}.library", logging.CRITICAL + 1)


class _Connect(connect):
    """Follows no redirect: the token would go along."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Line:
    """One open websocket. Every call raises only BotError."""

    def __init__(self, connection: ClientConnection, where: str) -> None:
        self._connection = connection
        self._where = where

    async def receive(self) -> bytes:
        """The next message, however long it takes. Raises ConnectionLost."""
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            raise self._ended(closed) from None

    async def send(self, text: str, deadline: float) -> None:
        """`deadline` in seconds. Raises ConnectionLost, TimedOut."""
        try:
            async with asyncio.timeout(deadline):
                await self._connection.send(text)
        except TimeoutError:
            raise TimedOut(f"{self._where} took no message within {deadline:g} s") from None
        except ConnectionClosed as closed:
            raise self._ended(closed) from None

    def abort(self) -> None:
        """At once, without a goodbye: whoever waits in `receive` is told."""
        self._connection.transport.abort()

    async def close(self, deadline: float = 1.0) -> None:
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(deadline):
                await self._connection.close()
        self.abort()

    def _ended(self, closed: ConnectionClosed) -> ConnectionLost:
        if closed.sent is not None and closed.sent.code == TOO_LARGE:
            return ConnectionLost(f"{self._where} sent a message larger than any bot's")
        code = closed.rcvd.code if closed.rcvd is not None else None
        how = f"it closed the line (code {code})" if code else "the line was cut"
        return ConnectionLost(f"{self._where} broke the connection: {how}")


class SocketDoor:
    """One per event loop. Times in seconds, sizes in bytes; `deadline` bounds everything up to the open line."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        deadline: float = 10.0,
        max_bytes: int = 512 * KIB,
        user_agent: str = "bot-portal",
        ca_file: str = "",
        names: Names | None = None,
    ) -> None:
        self._policy = policy
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._user_agent = user_agent
        self._names = names or Names()
        self._tls = verifying(ca_file)

    async def open(self, url: str) -> Line:
        """`url`: ws or wss, with whatever secret in its query. Raises BotError: Unreachable and its kinds,
        AddressNotAllowed, TlsProblem, Redirected, Forbidden, WrongPassword, NotOffered, Busy, BotFailed,
        NotThisSystem."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._deadline):
                connected = await self._connected(url)
                try:
                    return Line(await self._greeted(url, connected), place(url))
                except BaseException:
                    connected.close()
                    raise
        except TimeoutError:
            raise TimedOut(f"Gave up on {place(url)} after {time.monotonic() - began:.1f} s") from None
        except (OSError, InvalidHandshake, ConnectionClosed, EOFError) as failed:
            raise failure(failed, url) from None

    async def _connected(self, url: str) -> socket.socket:
        parts = urlsplit(url)
        port = parts.port or (443 if TLS[parts.scheme] else 80)
        addresses = await self._names.addresses(parts.hostname or "", self._deadline)
        return await dialled(url, addresses, port, self._policy, connected_socket)

    async def _greeted(self, url: str, connected: socket.socket) -> ClientConnection:
        secure = TLS[urlsplit(url).scheme]
        return await _Connect(
            url,
            sock=connected,
            ssl=self._tls if secure else None,
            server_hostname=urlsplit(url).hostname if secure else None,
            proxy=None,
            compression=None,  # a small frame must not become a large one
            user_agent_header=self._user_agent,
            open_timeout=None,
            ping_interval=None,  # whoever listens asks for signs of life in the bot's own language
            close_timeout=1,
            max_size=self._max_bytes,
            logger=_silent,
        )


def failure(problem: Exception, url: str) -> BotError:
    """In the words of a person who runs bots; never with the address's query."""
    where = place(url)
    if isinstance(problem, InvalidStatus):
        return by_status(problem.response.status_code, where)
    if isinstance(problem, InvalidHandshake):
        return NotThisSystem(f"{where} answers, but not as a websocket")
    if isinstance(problem, ssl.SSLError):
        return TlsProblem(f"No secure connection to {where}: {tls_cause(str(problem))}")
    if isinstance(problem, ConnectionRefusedError):
        return ConnectionRefused(f"Nothing listens at {where} (connection refused)")
    if isinstance(problem, ConnectionError | ConnectionClosed | EOFError):
        return ConnectionLost(f"{where} broke the connection: it was cut during the handshake")
    return Unreachable(f"No connection to {where} came about")


def by_status(status: int, where: str) -> BotError:
    if 300 <= status < 400:
        return Redirected(f"{where} redirects its websocket; nothing is followed")
    if status == 403:
        return Forbidden(f"{where} refuses the token of its websocket")
    if status == 401:
        return WrongPassword(f"{where} asks for other credentials at its websocket")
    if status in (404, 405):
        return NotOffered(f"{where} has no websocket")
    if status in (429, 503):
        return Busy(f"{where} is too busy for a websocket (status {status})")
    return BotFailed(f"{where} opened no websocket (status {status})")
