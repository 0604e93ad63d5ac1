"""What went wrong on the way to a bot, in the words of a person who runs bots."""

import errno
import ssl
from urllib.parse import urlsplit

from bots.systems.answering import Answering, End
from bots.systems.errors import (
    AddressNotAllowed,
    AnswerTooLarge,
    BotError,
    ConnectionLost,
    ConnectionRefused,
    NotThisSystem,
    TimedOut,
    TlsProblem,
    Unreachable,
    WrongSettings,
)

MIB = 1024 * 1024
# What is missing when a question stops there.
CONNECTING = "no connection came about (switched off, or a firewall in between?)"
SHAKING_HANDS = "the TLS handshake did not end"
ASKED = "it took the question and did not answer"
ANSWERING = "its answer began and did not end"

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


def unconnected(problem: OSError, url: str) -> BotError:
    """No connection, or none that is secure."""
    where = place(url)
    if isinstance(problem, ssl.SSLError):
        return TlsProblem(f"No secure connection to {where}: {tls_cause(str(problem))}")
    if isinstance(problem, ConnectionRefusedError):
        return ConnectionRefused(f"Nothing listens at {where} (connection refused)")
    if isinstance(problem, ConnectionError):
        return ConnectionLost(f"{where} broke the connection: it was cut during the handshake")
    if problem.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return Unreachable(f"No route leads to {where}")
    why = errno.errorcode.get(problem.errno or 0, "no reason given")
    return Unreachable(f"No connection to {where} came about ({why})")


def failure(answering: Answering, url: str, seconds: float, max_bytes: int) -> BotError:
    """Of a question that was not answered as it should be, after so many seconds."""
    where = place(url)
    match answering.end:
        case End.LATE:
            return late(url, seconds, ANSWERING if answering.heard else ASKED)
        case End.TOO_LARGE:
            return AnswerTooLarge(f"{where} sent more than {max_bytes / MIB:g} MiB")
        case End.TOO_MANY_HEADERS:
            return AnswerTooLarge(f"{where} sent far more headers than any bot does")
        case End.NOT_HTTP:
            return not_http(url, answering.first)
        case _:
            return ConnectionLost(f"{where} broke the connection: {_how_lost(answering.end, url)}")


def late(url: str, seconds: float, missing: str) -> TimedOut:
    return TimedOut(f"Gave up on {place(url)} after {seconds:.1f} s: {missing}")


def unusable(url: str) -> WrongSettings:
    return WrongSettings(f"The address {place(url)} cannot be used")


def refused_address(url: str, address: str, reason: str) -> AddressNotAllowed:
    host = urlsplit(url).hostname
    named = f"{host} ({address})" if host != address else address
    return AddressNotAllowed(f"{named} may not be contacted: {reason}")


def not_http(url: str, first_bytes: bytes) -> BotError:
    """Something answered without a status line: TLS on a plain port, or another protocol."""
    if first_bytes[:2] in (b"\x15\x03", b"\x16\x03"):
        speaks_tls = TlsProblem(f"{place(url)} speaks TLS; the address must begin with https://")
        speaks_tls.may_have_happened = False  # to it, the request was no message at all
        return speaks_tls
    return NotThisSystem(f"{place(url)} answers, but not in HTTP")


def _how_lost(end: End | None, url: str) -> str:
    if end is End.SHORT:
        return "its answer ended in the middle"
    if end is End.BROKEN:
        return "its answer is no proper HTTP"
    if end is End.CLOSED and url.startswith("http:"):
        return "it closed without an answer (if it speaks TLS, the address must begin with https://)"
    return "it was cut while waiting for the answer"


def tls_cause(message: str) -> str:
    lower = message.lower()
    return next(
        (words for needle, words in TLS_CAUSES if needle in lower), f"the TLS handshake failed ({message[:200]})"
    )
