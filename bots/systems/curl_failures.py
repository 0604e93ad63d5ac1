"""What libcurl says when a transfer fails, in the words of a person who runs bots."""

import errno
from collections.abc import Callable
from urllib.parse import urlsplit

import pycurl

from bots.systems.errors import (
    AddressNotAllowed,
    AnswerTooLarge,
    BotError,
    ConnectionLost,
    ConnectionRefused,
    NameNotFound,
    NotThisSystem,
    TimedOut,
    TlsProblem,
    Unreachable,
    WrongSettings,
)

TLS_CODES = frozenset({35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91})
LOST_CODES = frozenset({8, 16, 18, 52, 55, 56, 61, 81, 92, 95})
TOO_LARGE = 100  # CURLE_TOO_LARGE: libcurl's own bound on headers
NO_HTTP = 8  # CURLE_WEIRD_SERVER_REPLY
QUESTIONABLE_URL = frozenset({1, 3, 4, 67})

# OpenSSL's words -> ours; the first that fits.
TLS_CAUSES = (
    ("certificate has expired", "its certificate has expired"),
    ("not yet valid", "its certificate is not valid yet (is a clock wrong?)"),
    ("in certificate chain", "its certificate comes from an authority this portal does not know"),
    ("self-signed", "its certificate is self-signed"),
    ("self signed", "its certificate is self-signed"),
    ("issuer certificate", "its certificate comes from an authority this portal does not know"),
    ("unable to verify", "its certificate comes from an authority this portal does not know"),
    ("subject name", "its certificate is for another host name"),
    ("does not match", "its certificate is for another host name"),
    ("mismatch", "its certificate is for another host name"),
    ("wrong version number", "it speaks plain HTTP on this port; the address would begin with http://"),
    ("packet length too long", "it speaks plain HTTP on this port; the address would begin with http://"),
    ("http request", "it speaks plain HTTP on this port; the address would begin with http://"),
    ("protocol version", "it offers no TLS of version 1.2 or newer"),
    ("unsupported protocol", "it offers no TLS of version 1.2 or newer"),
    ("unexpected eof", "it broke off the TLS handshake"),
    ("certificate required", "it asks for a client certificate"),
)


def place(url: str) -> str:
    """host:port of a URL, for a sentence."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def failure(error: pycurl.error, curl: pycurl.Curl, url: str) -> BotError:
    """The BotError for a transfer that libcurl gave up; what our own callbacks stopped, `_Transfer.stopped` tells."""
    code, message = error.args[0], str(error.args[1] if len(error.args) > 1 else "")
    if code in TLS_CODES:
        return TlsProblem(f"No secure connection to {place(url)}: {tls_cause(message)}")
    if code in LOST_CODES and "header" in message.lower() and "large" in message.lower():
        code = TOO_LARGE
    if code == pycurl.E_RECV_ERROR and "chunk" in message.lower():
        code = NO_HTTP
    if code in LOST_CODES:
        return ConnectionLost(f"{place(url)} broke the connection: {_how_lost(code, url)}")
    special = _SPECIAL.get(code)
    return special(curl, url) if special else Unreachable(f"The request to {place(url)} failed: {message or code}")


def _unresolved(curl: pycurl.Curl, url: str) -> BotError:
    return NameNotFound(f"{urlsplit(url).hostname} does not resolve")


def _unconnected(curl: pycurl.Curl, url: str) -> BotError:
    number, where = curl.getinfo(pycurl.OS_ERRNO), place(url)
    if number == errno.ECONNREFUSED:
        return ConnectionRefused(f"Nothing listens at {where} (connection refused)")
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return Unreachable(f"No route leads to {where}")
    return Unreachable(f"No connection to {where} came about ({errno.errorcode.get(number, 'no reason given')})")


def _late(curl: pycurl.Curl, url: str) -> BotError:
    return TimedOut(f"Gave up on {place(url)} after {curl.getinfo(pycurl.TOTAL_TIME):.1f} s: {_how_far(curl, url)}")


def _headers_too_large(curl: pycurl.Curl, url: str) -> BotError:
    return AnswerTooLarge(f"{place(url)} sent far more headers than any bot does")


def _unusable_url(curl: pycurl.Curl, url: str) -> BotError:
    return WrongSettings(f"The address {place(url)} cannot be used")


_SPECIAL: dict[int, Callable[[pycurl.Curl, str], BotError]] = {
    pycurl.E_COULDNT_RESOLVE_HOST: _unresolved,
    pycurl.E_COULDNT_CONNECT: _unconnected,
    pycurl.E_OPERATION_TIMEDOUT: _late,
    TOO_LARGE: _headers_too_large,
    **dict.fromkeys(QUESTIONABLE_URL, _unusable_url),
}


def refused_address(url: str, address: str, reason: str) -> AddressNotAllowed:
    host = urlsplit(url).hostname
    named = f"{host} ({address})" if host != address else address
    return AddressNotAllowed(f"{named} may not be contacted: {reason}")


def cut_head(url: str) -> ConnectionLost:
    """libcurl takes a head that ends in the middle for a whole one without a body."""
    return ConnectionLost(f"{place(url)} broke the connection: its answer ended in the middle")


def not_http(url: str, first_bytes: bytes) -> BotError:
    """Something answered without a status line: TLS on a plain port, or another protocol."""
    if first_bytes[:2] in (b"\x15\x03", b"\x16\x03"):
        speaks_tls = TlsProblem(f"{place(url)} speaks TLS; the address must begin with https://")
        speaks_tls.may_have_happened = False  # to it, the request was no message at all
        return speaks_tls
    return NotThisSystem(f"{place(url)} answers, but not in HTTP")


def _how_far(curl: pycurl.Curl, url: str) -> str:
    if curl.getinfo(pycurl.HEADER_SIZE):
        return "its answer began and did not end"
    if curl.getinfo(pycurl.REQUEST_SIZE):
        return "it took the question and did not answer"
    if curl.getinfo(pycurl.CONNECT_TIME):
        return "the TLS handshake did not end" if url.startswith("https") else "it took the connection and no question"
    if curl.getinfo(pycurl.NAMELOOKUP_TIME):
        return "no connection came about (switched off, or a firewall in between?)"
    return "the name server did not answer"


def _how_lost(code: int, url: str) -> str:
    if code == 18:
        return "its answer ended in the middle"
    if code == 52 and url.startswith("http:"):
        return "it closed without an answer (if it speaks TLS, the address must begin with https://)"
    if code in (NO_HTTP, 61):
        return "its answer is no proper HTTP"
    return "it was cut while waiting for the answer"


def tls_cause(message: str) -> str:
    lower = message.lower()
    return next(
        (words for needle, words in TLS_CAUSES if needle in lower), f"the TLS handshake failed ({message[:200]})"
    )
