"""The only place that opens a connection to a bot.

One total deadline, a cap on the decoded bytes, no redirects, no proxy, no cookies; the resolved address is checked when
the connection is made, so a name that changes its mind (DNS rebinding) is caught too. Credentials travel in headers.
"""

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from io import BytesIO
from socket import socket
from typing import NamedTuple
from urllib.parse import urlsplit

import certifi
import pycurl

from bots.systems import curl_failures
from bots.systems.addresses import AddressPolicy
from bots.systems.errors import AnswerTooLarge, BotError, Redirected, Unreachable
from bots.systems.names import Names
from bots.systems.transfers import give_up, transfers

MIB = 1024 * 1024
ACCEPT = "Accept: application/json"  # never leave the list empty: pycurl would keep the last one, password and all
FORGOTTEN_NAME = "-name.invalid:1"  # nor may this list be empty
END_OF_HEAD = (b"\r\n", b"\n")
SAFE_METHODS = frozenset({"GET", "HEAD"})

_DISALLOW_USERNAME_IN_URL = 278  # an option of libcurl for which pycurl has no name


class Answer:
    """A bot's answer of any status but 3xx. `body` is decoded (gzip, deflate)."""

    def __init__(self, status: int, header_lines: Sequence[bytes], body: bytes, elapsed_seconds: float) -> None:
        self.status = status
        self.body = body
        self.elapsed_seconds = elapsed_seconds
        self._header_lines = header_lines

    @cached_property
    def headers(self) -> dict[str, str]:
        """Of the last response (a 100 Continue may precede it), names in lower case."""
        headers: dict[str, str] = {}
        for line in self._header_lines:
            if line.startswith(b"HTTP/"):
                headers.clear()
            name, colon, value = line.decode("latin-1").partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        return headers

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
        self._user_agent = user_agent
        self._ca_file = ca_file or certifi.where()
        self._names = names or Names()
        self._idle: list[_Transfer] = []
        self._multi = transfers()
        self._multi.setopt(pycurl.M_MAXCONNECTS, kept_connections)
        self._closed = False

    async def get(
        self,
        url: str,
        *,
        headers: Sequence[str] = (),
        deadline: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Raises Unreachable (or a kind of it), AddressNotAllowed, TlsProblem, Redirected, AnswerTooLarge,
        NotThisSystem."""
        question = await self._looked_up(url, headers, deadline, max_bytes)
        transfer = self._idle.pop() if self._idle else self._new_transfer()
        return await self._perform(transfer, question)

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Sequence[str] = (),
        deadline: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Like `get`, for any method. What is not GET or HEAD is sent at most once, over a connection of its own.

        An error's `may_have_happened` is False where no byte of the request has left.
        """
        try:
            question = await self._looked_up(url, [*headers, "Expect:"], deadline, max_bytes)
        except BotError as unknown:
            raise _unsent(unknown) from None
        transfer = self._new_transfer()
        transfer.reusable = False
        transfer.ask(method, body)
        return await self._perform(transfer, question)

    def close(self) -> None:
        """Ends what is under way, takes no more, waits for nothing: connections fall with the process."""
        self._closed = True
        for future in self._multi.futures():
            future.cancel()
        self._idle.clear()

    async def aclose(self) -> None:
        """As `close`, and closes every connection; for tests and for a door that the process outlives."""
        self.close()
        await self._multi.aclose()

    def _new_transfer(self) -> "_Transfer":
        curl = pycurl.Curl()
        transfer = _Transfer(curl, self._policy)
        for option, value in (
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.PROXY, ""),
            (pycurl.NOPROXY, "*"),
            (_DISALLOW_USERNAME_IN_URL, 1),
            (pycurl.CAINFO, self._ca_file),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.HTTP09_ALLOWED, 1),  # only to say what answered instead of HTTP
            (pycurl.ACCEPT_ENCODING, "gzip, deflate"),
            (pycurl.USERAGENT, self._user_agent),
            (pycurl.CONNECTTIMEOUT_MS, int(self._connect_deadline * 1000)),
            (pycurl.DNS_CACHE_TIMEOUT, -1),  # names are looked up by us; else each request looks through all addresses
            (pycurl.TCP_NODELAY, 1),
            (pycurl.TCP_KEEPALIVE, 1),
            (pycurl.NOSIGNAL, 1),
            (pycurl.OPENSOCKETFUNCTION, transfer.open_socket),
            (pycurl.WRITEFUNCTION, transfer.receive),
            (pycurl.HEADERFUNCTION, transfer.header_lines.append),  # libcurl itself gives up at 300 KiB of headers
        ):
            curl.setopt(option, value)
        return transfer

    async def _looked_up(
        self, url: str, headers: Sequence[str], deadline: float | None, max_bytes: int | None
    ) -> "_Question":
        """What to ask, with the addresses of the name in it: looking them up counts against the deadline."""
        seconds, size = deadline or self._deadline, max_bytes or self._max_bytes
        named = _name_in(url)
        if named is None:
            return _Question(url, headers, seconds, size, "")
        name, port = named
        began = time.perf_counter()
        addresses = await self._names.addresses(name, seconds)
        left = max(seconds - (time.perf_counter() - began), 0.001)
        spelled = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
        return _Question(url, headers, left, size, f"+{name}:{port}:{spelled}")

    async def _perform(self, transfer: "_Transfer", question: "_Question") -> Answer:
        if self._closed:
            raise _unsent(Unreachable("The portal is shutting down"))
        url = question.url
        transfer.begin(question)
        started = time.perf_counter()
        try:
            await self._multi.add_handle(transfer.curl)
        except pycurl.error as error:
            failed = transfer.stopped(url) or curl_failures.failure(error, transfer.curl, url)
            failed.may_have_happened = transfer.has_left
            raise failed from None
        except asyncio.CancelledError:
            transfer.reusable = False  # in whatever state it is
            give_up(self._multi, transfer.curl)
            raise
        else:
            return transfer.answer(url, time.perf_counter() - started)
        finally:
            if transfer.reusable:
                transfer.let_go()
                self._idle.append(transfer)


class _Question(NamedTuple):
    url: str
    headers: Sequence[str]
    deadline: float  # seconds
    max_bytes: int
    resolved: str  # the name's addresses, as libcurl wants to be told them; "" when there is no name


class _Transfer:
    """One easy handle of libcurl with what it received. It is used again for other bots: nothing of a request but its
    URL, headers, time-out and the addresses of its name is ever set on it, and these are set anew every time."""

    def __init__(self, curl: pycurl.Curl, policy: AddressPolicy) -> None:
        self.curl = curl
        self.reusable = True
        self.header_lines: list[bytes] = []
        self._policy = policy
        self._timeout_ms = 0
        self._resolved = ""
        self._max_bytes = 0
        self._reset()

    def _reset(self) -> None:
        self.let_go()
        self._received = 0
        self._too_large = False
        self.header_lines.clear()
        self._refused: tuple[str, str] | None = None

    def ask(self, method: str, body: bytes | None) -> None:
        """Turn this transfer into one that is no GET. libcurl itself repeats a request, POST included, when a kept
        connection dies on it; on a fresh connection it never does."""
        if method == "HEAD":
            self.curl.setopt(pycurl.NOBODY, 1)
        elif method != "GET":
            self.curl.setopt(pycurl.POSTFIELDS, body or b"")
            self.curl.setopt(pycurl.CUSTOMREQUEST, method)
        if method not in SAFE_METHODS:
            self.curl.setopt(pycurl.FRESH_CONNECT, 1)
            self.curl.setopt(pycurl.FORBID_REUSE, 1)

    def begin(self, question: _Question) -> None:
        self._reset()
        self._max_bytes = question.max_bytes
        self.curl.setopt(pycurl.URL, question.url)
        self.curl.setopt(pycurl.HTTPHEADER, [ACCEPT, *question.headers])
        timeout_ms = max(int(question.deadline * 1000), 1)  # 0 would be none
        if timeout_ms != self._timeout_ms:
            self.curl.setopt(pycurl.TIMEOUT_MS, timeout_ms)
            self._timeout_ms = timeout_ms
        if question.resolved or self._resolved:
            self.curl.setopt(pycurl.RESOLVE, [question.resolved or FORGOTTEN_NAME])
            self._resolved = question.resolved

    def let_go(self) -> None:
        """An idle transfer does not hold the largest answer it ever had."""
        self._body = BytesIO()

    def open_socket(self, _purpose: int, address: tuple[int, int, int, tuple[str, int]]) -> socket | int:
        """libcurl tries a name's addresses in turn; the first that is refused refuses them all."""
        family, kind, protocol, where = address
        reason = self._policy.refuses(where[0], where[1])
        if reason:
            self._refused = (where[0], reason)
        return pycurl.SOCKET_BAD if self._refused else socket(family, kind, protocol)

    def receive(self, chunk: bytes) -> int:
        """Counts decoded bytes, so a small gzip that grows is stopped too; a return of 0 makes libcurl give up."""
        self._received += len(chunk)
        if self._received > self._max_bytes:
            self._too_large = True
            self.let_go()
            return 0
        return self._body.write(chunk)

    def stopped(self, url: str) -> BotError | None:
        """What our own callbacks refused, in words; None when libcurl gave up for reasons of its own."""
        if self._refused:
            return curl_failures.refused_address(url, *self._refused)
        if self._too_large:
            return AnswerTooLarge(f"{curl_failures.place(url)} sent more than {self._max_bytes / MIB:g} MiB")
        return None

    @property
    def has_left(self) -> bool:
        """Whether a byte of the request was handed to the network; in TLS the handshake does not count."""
        return bool(self.curl.getinfo(pycurl.REQUEST_SIZE))

    def answer(self, url: str, elapsed_seconds: float) -> Answer:
        if self._refused:
            raise curl_failures.refused_address(url, *self._refused)
        body = self._body.getvalue()  # no copy
        if not self.header_lines:
            raise curl_failures.not_http(url, body)
        if self.header_lines[-1] not in END_OF_HEAD and not any(line in END_OF_HEAD for line in self.header_lines):
            raise curl_failures.cut_head(url)
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        answer = Answer(status, tuple(self.header_lines), body, elapsed_seconds)
        if 300 <= status < 400:
            raise _redirected(url, answer.headers.get("location", ""))
        return answer


_NAME = re.compile(r"(?!(?:.*\.)?localhost\.?\Z)(?=.*[a-z])[a-z0-9_.-]+", re.IGNORECASE)


@lru_cache(maxsize=8192)
def _name_in(url: str) -> tuple[str, int] | None:
    """(host name, port) of a URL that names its host; None when it is an address, loopback's name, or unusable."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    name = parts.hostname or ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _NAME.fullmatch(name):
        return None
    return name, port or (443 if parts.scheme == "https" else 80)


def basic_authorization(username: str, password: str) -> str:
    """The header that carries a name and a password."""
    return "Authorization: Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


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
    return Redirected(f"{curl_failures.place(url)} redirects to {named}; enter the bot's own address")
