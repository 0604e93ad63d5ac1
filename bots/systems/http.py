"""The only place that opens a connection to a bot.

One total deadline, a cap on the decoded bytes, no redirects, no proxy, no cookies; the resolved address is checked when
the connection is made. Credentials travel in headers.

Our own, on asyncio and httptools (llhttp), because requests are most of what a poll costs: the quickest of the kept
libraries, libcurl, took half as much CPU again for a request.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache, partial
from typing import NamedTuple
from urllib.parse import urlsplit

from bots.systems import failures
from bots.systems.addresses import AddressPolicy
from bots.systems.answering import Answering, End
from bots.systems.dialling import connected_socket, dialled
from bots.systems.errors import BotError, Redirected, Unreachable
from bots.systems.headers import NO_HEADERS, HeaderLines, header_lines
from bots.systems.kept_wires import KeptWires
from bots.systems.names import Names
from bots.systems.tls import verifying
from bots.systems.wire import Wire

MIB = 1024 * 1024
PORTS = {"http": 80, "https": 443}
TLS_GOODBYE_SECONDS = 1.0
SHUTTING_DOWN = "The portal is shutting down"


class Place(NamedTuple):
    """Where a connection goes to."""

    scheme: str
    host: str  # a name, or an address without brackets
    port: int


class Question(NamedTuple):
    url: str
    place: Place
    message: bytes
    max_bytes: int
    began: float  # time.monotonic
    deadline: float  # seconds, of all of it

    def left(self) -> float:
        """Seconds."""
        return max(self.deadline - (time.monotonic() - self.began), 0.001)


class Opening:
    """The making of one connection. `missing`: what is said when it does not come about in time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        place: Place,
        lost: Callable[[Wire], None],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._loop, self._place, self._tls = loop, place, tls
        self._wire = partial(Wire, lost)
        self.missing = failures.CONNECTING

    async def connect(self, address: str, port: int) -> Wire:
        """Raises OSError, ssl.SSLError among them."""
        if self._tls is None:
            return (await self._loop.create_connection(self._wire, address, port))[1]
        connected = await connected_socket(address, port)
        self.missing = failures.SHAKING_HANDS
        try:
            return await self._greeted(connected, self._tls)
        except BaseException:
            connected.close()
            raise

    async def _greeted(self, connected: socket.socket, tls: ssl.SSLContext) -> Wire:
        _, wire = await self._loop.create_connection(
            self._wire,
            sock=connected,
            ssl=tls,
            server_hostname=self._place.host,
            ssl_shutdown_timeout=TLS_GOODBYE_SECONDS,
        )
        return wire


class Answer:
    """A bot's answer of any status but 3xx. `body` is decoded (gzip, deflate)."""

    def __init__(self, status: int, lines: Sequence[tuple[bytes, bytes]], body: bytes, elapsed_seconds: float) -> None:
        self.status = status
        self.body = body
        self.elapsed_seconds = elapsed_seconds
        self._lines = lines

    @cached_property
    def headers(self) -> dict[str, str]:
        """Names in lower case."""
        return {name.lower().decode("latin-1"): value.decode("latin-1").strip() for name, value in self._lines}

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, when the bot named them or a date; at most one day."""
        text = self.headers.get("retry-after", "")
        try:
            seconds = float(text) if text.isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
        return min(max(seconds, 0.0), 86400.0)


class HttpDoor:
    """One per event loop; keeps connections alive between calls. Times in seconds, sizes in bytes.

    `deadline` bounds a whole call, from looking up the name to the last byte.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        deadline: float = 10.0,
        connect_deadline: float = 5.0,
        max_bytes: int = 10 * MIB,
        user_agent: str = "bot-portal",
        ca_file: str = "",
        kept_connections: int = 1000,
        names: Names | None = None,
    ) -> None:
        self._policy = policy
        self._deadline = deadline
        self._connect_deadline = connect_deadline
        self._max_bytes = max_bytes
        self._ca_file = ca_file
        self._names = names or Names()
        self._loop = asyncio.get_running_loop()
        self._kept = KeptWires(kept_connections, time.monotonic)
        self._busy: set[Wire] = set()
        self._closed = False
        self._always = header_lines(
            "Accept: application/json", "Accept-Encoding: gzip, deflate", f"User-Agent: {user_agent}"
        )

    async def get(
        self,
        url: str,
        *,
        headers: HeaderLines = NO_HEADERS,
        deadline: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Raises Unreachable (or a kind of it), AddressNotAllowed, TlsProblem, Redirected, AnswerTooLarge,
        NotThisSystem, WrongSettings."""
        question = self._question("GET", url, headers, (deadline, max_bytes))
        wire = self._kept.take(question.place)
        if wire is not None:
            answering = await self._asked(wire, question)
            if not answering.was_not_begun:
                return self._answer(answering, question)
        # A kept connection may have died on the question: it is asked again on a new one, once.
        wire = await self._opened(question)
        return self._answer(await self._asked(wire, question), question)

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: HeaderLines = NO_HEADERS,
        more: Sequence[str] = (),
        deadline: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Like `get`, for what is not one: sent at most once, over a connection of its own. `more`: its own headers.

        An error's `may_have_happened` is False where no byte of the request has left.
        """
        wire = None
        try:
            told = HeaderLines(headers + header_lines(*more, "Connection: close"))
            question = self._question(method, url, told, (deadline, max_bytes), body or b"")
            wire = await self._opened(question)
            return self._answer(await self._asked(wire, question), question)
        except BotError as error:
            if wire is None or not wire.has_left:
                error.may_have_happened = False
            raise

    def close(self) -> None:
        """Ends what is under way, takes no more, waits for nothing."""
        self._closed = True
        for wire in [*self._busy, *self._kept.all()]:
            wire.drop()

    async def aclose(self) -> None:
        """As `close`; for tests and for a door that the process outlives."""
        self.close()
        await asyncio.sleep(0)

    def _question(
        self,
        method: str,
        url: str,
        headers: HeaderLines,
        limits: tuple[float | None, int | None],
        body: bytes | None = None,
    ) -> Question:
        """`limits`: deadline, max_bytes; None: the door's own."""
        if self._closed:
            raise _unsent(Unreachable(SHUTTING_DOWN))
        deadline, max_bytes = limits
        place, first = opening(method, url)
        last = b"\r\n" if body is None else b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        message = b"".join((first, self._always, headers, last))
        return Question(url, place, message, max_bytes or self._max_bytes, time.monotonic(), deadline or self._deadline)

    async def _asked(self, wire: Wire, question: Question) -> Answering:
        """Over this connection, which is kept for the next question where the bot allows it."""
        if self._closed:  # while the connection was made
            wire.drop()
            raise _unsent(Unreachable(SHUTTING_DOWN))
        self._busy.add(wire)
        try:
            answering = await wire.ask(question.message, question.max_bytes, question.left())
        except asyncio.CancelledError:
            wire.drop()
            raise
        finally:
            self._busy.discard(wire)
        if not wire.is_over:
            self._kept.keep(question.place, wire)
        return answering

    async def _opened(self, question: Question) -> Wire:
        """A new connection. Raises what `get` does; nothing of the question has left."""
        place, url = question.place, question.url
        addresses = await self._names.addresses(place.host, question.deadline)
        opening = Opening(self._loop, place, partial(self._kept.forget, place), self._tls_for(place))
        try:
            async with asyncio.timeout(min(self._connect_deadline, question.left())):
                return await dialled(url, addresses, place.port, self._policy, opening.connect)
        except TimeoutError:
            raise failures.late(url, time.monotonic() - question.began, opening.missing) from None
        except OSError as problem:
            raise failures.unconnected(problem, url) from None

    def _tls_for(self, place: Place) -> ssl.SSLContext | None:
        return verifying(self._ca_file) if place.scheme == "https" else None

    def _answer(self, answering: Answering, question: Question) -> Answer:
        seconds = time.monotonic() - question.began
        if answering.end is not End.ANSWERED:
            raise failures.failure(answering, question.url, seconds, question.max_bytes)
        answer = Answer(answering.status, answering.headers, answering.take_body(), seconds)
        if 300 <= answer.status < 400:
            raise _redirected(question.url, answer.headers.get("location", ""))
        return answer


_ORIGIN = re.compile(r"(https?)://(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::([0-9]{1,5}))?", re.IGNORECASE | re.ASCII)
_TARGET = re.compile(r"/[!\"$-~]*")  # no space, no #


@lru_cache(maxsize=32_768)  # a bot is asked for the same few things again and again
def opening(method: str, url: str) -> tuple[Place, bytes]:
    """Where a request goes to, and its first lines. Raises WrongSettings on anything but a plain http or https URL."""
    slash = url.find("/", len("https://"))
    origin, target = (url[:slash], url[slash:]) if slash > 0 else (url, "/")
    parts = _ORIGIN.fullmatch(origin)
    port = int(parts[4] or PORTS[parts[1].lower()]) if parts else 0
    if parts is None or not 0 < port < 65536 or not _TARGET.fullmatch(target):
        raise failures.unusable(url)
    scheme, host = parts[1].lower(), (parts[2] or parts[3]).lower()
    named = f"[{host}]" if parts[2] else host
    spelled = named if port == PORTS[scheme] else f"{named}:{port}"
    return Place(scheme, host, port), f"{method} {target} HTTP/1.1\r\nHost: {spelled}\r\n".encode("ascii")


def _unsent(error: BotError) -> BotError:
    error.may_have_happened = False
    return error


def _redirected(url: str, location: str) -> Redirected:
    """Names the target's scheme and host alone: the rest of it is the stranger's text."""
    try:
        target = urlsplit(location)
        host = target.hostname or ""
    except ValueError:
        host = ""
    named = (
        f"{target.scheme or 'http'}://{host[:253]}"
        if host.isascii() and host.isprintable() and host
        else "another page"
    )
    return Redirected(f"{failures.place(url)} redirects to {named}; enter the bot's own address")
