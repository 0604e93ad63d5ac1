"""Who asks, and from where: what every act on people is told, and every announcement repeats."""

import hashlib
import ipaddress
from dataclasses import dataclass, field
from typing import Self

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User

UNKNOWN_ADDRESS = "local"


def network_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 of an IPv6 address. No address (a unix socket): "local"."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


@dataclass(frozen=True)
class Caller:
    """From where something was asked. Holds no secret: of the browser's session only a fingerprint."""

    address: str = UNKNOWN_ADDRESS
    user_agent: str = ""
    session: str = ""
    token: str = ""

    @property
    def network(self) -> str:
        return network_of(self.address)


@dataclass(frozen=True)
class By:
    """Who acts. `user` is None for the process itself and for somebody not yet known."""

    user: User | None = None
    caller: Caller = field(default_factory=Caller)

    @classmethod
    def process(cls, command: str) -> Self:
        """An act of the installation itself, named by its command, for example "portal"."""
        return cls(None, Caller(user_agent=f"process: {command}"))


def caller_of(request: HttpRequest | Request) -> Caller:
    session = getattr(request, "session", None)
    return Caller(
        address=request.META.get("REMOTE_ADDR") or UNKNOWN_ADDRESS,
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:200],
        session=fingerprint(session.session_key) if session is not None and session.session_key else "",
        token=token_id(request),
    )


def by(request: HttpRequest | Request) -> By:
    user = request.user
    return By(user if isinstance(user, User) else None, caller_of(request))


def fingerprint(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()[:12]


def token_id(request: HttpRequest | Request) -> str:
    token = getattr(request, "auth", None)
    return str(token["sid"]) if token is not None else ""
