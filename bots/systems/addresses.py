"""Where bots may live: which addresses a connection may go to, and what a bot's address may look like."""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from bots.systems.errors import WrongSettings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Refused whatever is allowed: nobody's bot lives there, and each is a known way to reach what must not be reached.
NEVER: tuple[tuple[str, str], ...] = (
    ("169.254.169.254/32", "it is a cloud's metadata service"),
    ("fd00:ec2::254/128", "it is a cloud's metadata service"),
    ("100.100.100.200/32", "it is a cloud's metadata service"),
    ("168.63.129.16/32", "it is a cloud's metadata service"),
    ("169.254.0.0/16", "it is link-local"),
    ("fe80::/10", "it is link-local"),
    ("fec0::/10", "it is site-local, which IPv6 has given up"),
    ("0.0.0.0/8", "it names no host"),
    ("::/128", "it names no host"),
    ("192.0.0.0/24", "it is reserved for protocols"),
    ("224.0.0.0/4", "it is multicast"),
    ("ff00::/8", "it is multicast"),
    ("255.255.255.255/32", "it is the broadcast address"),
    ("240.0.0.0/4", "it is reserved"),
    ("64:ff9b::/96", "it wraps an IPv4 address (NAT64)"),
    ("64:ff9b:1::/48", "it wraps an IPv4 address (NAT64)"),
    ("2002::/16", "it wraps an IPv4 address (6to4)"),
    ("2001::/32", "it wraps an IPv4 address (Teredo)"),
)

# Words for ranges, beside CIDR notation. "public" is no list: every global address that NEVER does not name.
WORDS: dict[str, tuple[str, ...]] = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "cgnat": ("100.64.0.0/10",),
}

OWN = "it is a port of the portal's own database, broker or web server"


class OwnPorts(NamedTuple):
    """Ports at which the portal's parts listen, so that nobody speaks to them through it. The engines' (database,
    broker) are closed at every address that is not public, the web server's on this machine alone."""

    engines: frozenset[int] = frozenset()
    web: frozenset[int] = frozenset()


NO_PORTS = OwnPorts()

_NEVER = tuple((ipaddress.ip_network(network), reason) for network, reason in NEVER)
_LOOPBACK6 = ipaddress.ip_address("::1")
_V4_COMPATIBLE = ipaddress.ip_network("::/96")


class AddressPolicy:
    """Which resolved addresses a connection may go to.

    Made from PORTAL_ALLOWED_NETWORKS: "public", "loopback", "private", "cgnat" or ranges such as "10.8.0.0/16".
    """

    def __init__(self, networks: tuple[Network, ...], public: bool, own: OwnPorts) -> None:
        self._networks = networks
        self._public = public
        self._own = own
        self._verdict = lru_cache(maxsize=4096)(self._judge)

    @classmethod
    def from_networks(cls, names: Iterable[str], own: OwnPorts = NO_PORTS) -> "AddressPolicy":
        """Raises WrongSettings on what is neither a known word nor a network."""
        names = [name.strip() for name in names]
        ranges = [cidr for name in names if name != "public" for cidr in WORDS.get(name, (name,))]
        return cls(tuple(_network(cidr) for cidr in ranges), public="public" in names, own=own)

    def refuses(self, address: str, port: int = 0) -> str | None:
        """The reason why no connection may go to this resolved address (and port); None: it may."""
        return self._verdict(address, port if port in self._own.web or port in self._own.engines else 0)

    def _judge(self, text: str, own_port: int) -> str | None:
        try:
            address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            return "it is no IP address"
        if reason := _never(address):
            return reason
        if not self._is_allowed(address):
            return "it lies outside the networks allowed for bots"
        return OWN if own_port and self._is_own(address, own_port) else None

    def _is_own(self, address: Address, port: int) -> bool:
        return address.is_loopback or (port in self._own.engines and not address.is_global)

    def _is_allowed(self, address: Address) -> bool:
        if any(address.version == network.version and address in network for network in self._networks):
            return True
        return self._public and address.is_global


def _network(cidr: str) -> Network:
    try:
        return ipaddress.ip_network(cidr)
    except ValueError:
        raise WrongSettings(
            f"{cidr!r} is neither a network such as 10.0.0.0/8 nor one of public, {', '.join(WORDS)}"
        ) from None


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _never(address: Address) -> str | None:
    for network, reason in _NEVER:
        if address.version == network.version and address in network:
            return reason
    if address.version == 6 and address in _V4_COMPATIBLE and address != _LOOPBACK6:
        return "it wraps an IPv4 address"
    return None


_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_-]{1,63})*\.?")
_NOT_IN_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\xa0\\\"<>^`{|}]")


def checked_url(text: str) -> str:
    """A bot's base address in one spelling: scheme, host in punycode, port if named, path without a slash at its end.

    Raises WrongSettings with a sentence; it never quotes the text, which may hold a password.
    """
    parts = _split(text)
    if parts.query or parts.fragment:
        raise WrongSettings("The address must not contain a ? or # part")
    return f"{_place(parts)}{_path(parts.path)}"


def checked_webhook_url(text: str) -> str:
    """Like checked_url, of a receiver of webhooks: many carry their key in the path or behind a ?."""
    parts = _split(text)
    if parts.fragment:
        raise WrongSettings("The address must not contain a # part")
    if not parts.query.isascii():
        raise WrongSettings("The ? part of the address contains signs that must be percent-encoded")
    path = f"{_path(parts.path)}/" if parts.path.endswith("/") else _path(parts.path)
    return f"{_place(parts)}{path or '/'}{f'?{parts.query}' if parts.query else ''}"


def _split(text: str) -> SplitResult:
    text = text.strip()
    if _NOT_IN_AN_ADDRESS.search(text):
        raise WrongSettings("The address contains a space or a sign that no address has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise WrongSettings("The address cannot be read; one looks like https://bot.example.org:8080") from None
    if parts.scheme not in ("http", "https"):
        raise WrongSettings("The address must begin with http:// or https://")
    if "@" in parts.netloc:
        raise WrongSettings("User name and password have fields of their own; the address must not contain them")
    if port == 0:
        raise WrongSettings("The port of the address must lie between 1 and 65535")
    return parts


def _place(parts: SplitResult) -> str:
    return f"{parts.scheme}://{_spelled(parts.hostname or '')}{f':{parts.port}' if parts.port else ''}"


def _spelled(host: str) -> str:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host.replace('%', ' '))}]"  # no zones: they are link-local
        except ValueError:
            raise WrongSettings("The address names no usable IPv6 host") from None
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not _HOST_NAME.fullmatch(name):
        raise WrongSettings("The address names no usable host; one looks like https://bot.example.org:8080")
    return name


def _path(path: str) -> str:
    if not path.isascii():
        raise WrongSettings("The path of the address contains signs that must be percent-encoded")
    if ".." in path.split("/"):
        raise WrongSettings("The path of the address must not contain ..")
    return path.rstrip("/")
