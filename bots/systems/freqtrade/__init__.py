"""Freqtrade 2020.1 to 2026.9 over its REST API."""

from collections.abc import Mapping
from typing import ClassVar

from bots.systems.addresses import checked_url
from bots.systems.contract import Field, Kind
from bots.systems.errors import WrongSettings
from bots.systems.freqtrade import releases
from bots.systems.freqtrade.client import Session
from bots.systems.freqtrade.stream import Stream
from bots.systems.http import HttpDoor
from bots.systems.websocket import SocketDoor


class System:
    key: ClassVar[str] = "freqtrade"
    label: ClassVar[str] = "Freqtrade"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "url",
            "Address",
            help="Where the bot's REST API listens: scheme, host and port, without /api/v1. Over anything but a VPN or"
            " a tunnel use https, because the password travels with every request.",
            placeholder="http://10.8.0.12:8080",
        ),
        Field("username", "User name", help="api_server.username in the bot's configuration", placeholder="freqtrader"),
        Field("password", "Password", secret=True, help="api_server.password in the bot's configuration"),
        Field(
            "ws_token",
            "Websocket token",
            secret=True,
            required=False,
            help="api_server.ws_token in the bot's configuration. Without it the portal logs in for its websocket.",
        ),
    )
    poll_plan: ClassVar[Mapping[Kind, float]] = {
        Kind.STATE: 10,
        Kind.OPEN_TRADES: 10,
        Kind.PROFIT: 60,
        Kind.BALANCE: 60,
        Kind.CLOSED_TRADES: 60,
        Kind.HEALTH: 60,
        Kind.LOCKS: 60,
        Kind.LOGS: 60,
        Kind.PERFORMANCE: 300,
        Kind.DAILY: 300,
        Kind.WHITELIST: 300,
        Kind.BLACKLIST: 300,
        Kind.CONFIG: 300,
    }
    forced_exit_reasons: ClassVar[frozenset[str]] = frozenset({"force_exit", "force_sell"})

    @classmethod
    def check_connection(cls, connection: Mapping[str, str]) -> None:
        """Raises WrongSettings."""
        if ":" in connection["username"]:
            raise WrongSettings("A user name with a colon cannot be sent to a bot", field="username")
        checked_url(connection["url"])

    @classmethod
    def identity(cls, connection: Mapping[str, str]) -> tuple[str, str]:
        return "url", address_of(connection)

    @classmethod
    def open(cls, connection: Mapping[str, str], door: HttpDoor, release: str = "") -> Session:
        """Raises WrongSettings."""
        missing = [field.label for field in cls.fields if field.required and not connection.get(field.name)]
        if missing:
            raise WrongSettings(f"{' and '.join(missing)} missing")
        cls.check_connection(connection)
        return Session(address_of(connection), connection["username"], connection["password"], door, release)

    @classmethod
    def stream(cls, connection: Mapping[str, str], door: HttpDoor, sockets: SocketDoor, release: str) -> Stream | None:
        """Raises WrongSettings."""
        known = releases.parse(release)
        if known is None or known < releases.WEBSOCKET:
            return None
        cls.check_connection(connection)
        return Stream(address_of(connection), connection, door, sockets, known)


def address_of(connection: Mapping[str, str]) -> str:
    """The bot's root, whether or not the API's path was typed too. Raises WrongSettings."""
    return checked_url(connection["url"]).removesuffix("/api/v1").removesuffix("/api")
