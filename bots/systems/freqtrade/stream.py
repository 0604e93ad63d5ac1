"""Freqtrade's websocket, /message/ws from 2022.9 on: what a bot broadcasts of its trades and its state.

Nothing is told again after a reconnect, and one unknown topic makes a bot ignore the whole subscription without a word.
The garbage figures of exit_cancel are not read. Dates without a zone are UTC.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.json import Decoder

from bots.systems.contract import Kind, Lock
from bots.systems.decoding import decode, name, prose, tag, usable
from bots.systems.errors import BadAnswer, Forbidden, WrongPassword
from bots.systems.freqtrade.refusals import refusal
from bots.systems.freqtrade.releases import WEBSOCKET, Release
from bots.systems.headers import basic_authorization
from bots.systems.hearing import Heard
from bots.systems.http import HttpDoor
from bots.systems.websocket import Line, SocketDoor

SEND_SECONDS = 10.0
# Topic -> the first release that knows it. whitelist is heard as the answer to our own question, too; candles and
# dataframes are many and heavy, and tell nothing that the portal shows.
TOPICS: dict[str, Release] = {
    "status": WEBSOCKET,
    "warning": WEBSOCKET,
    "startup": WEBSOCKET,
    "entry": WEBSOCKET,
    "entry_fill": WEBSOCKET,
    "entry_cancel": WEBSOCKET,
    "exit": WEBSOCKET,
    "exit_fill": WEBSOCKET,
    "exit_cancel": WEBSOCKET,
    "protection_trigger": WEBSOCKET,
    "protection_trigger_global": WEBSOCKET,
    "strategy_msg": WEBSOCKET,
    "exception": (2023, 3),
    "liquidation_warning": (2026, 9),
}
TRADES: dict[str, tuple[str, tuple[Kind, ...]]] = {
    "entry": ("entry_placed", (Kind.OPEN_TRADES,)),
    "entry_fill": ("entry_filled", (Kind.OPEN_TRADES,)),
    "entry_cancel": ("entry_cancelled", (Kind.OPEN_TRADES,)),
    "exit": ("exit_placed", (Kind.OPEN_TRADES,)),
    "exit_fill": ("exit_filled", (Kind.OPEN_TRADES, Kind.CLOSED_TRADES, Kind.PROFIT, Kind.BALANCE)),
    "exit_cancel": ("exit_cancelled", (Kind.OPEN_TRADES,)),
}
STATES = {
    "running": "started",
    "stopped": "stopped",
    "process died": "stopped",
    "paused": "paused",
    "reload_config": "reloaded",
}
WORDS = {
    "warning": "warning",
    "liquidation_warning": "warning",
    "exception": "exception",
    "strategy_msg": "strategy_message",
}
DRY_RUN = "Dry run is enabled"  # at every start of such a bot: its mode is known from its state
ASK_FOR_SIGN = json.dumps({"type": "whitelist", "data": None})
MOST_WORDS = 2000


class Said(Struct, gc=False):
    """The fields of all messages together; each has some."""

    type: str = ""
    status: str | None = None
    msg: object = None
    data: object = None
    reason: str | None = None
    trade_id: int | None = None
    pair: str | None = None
    direction: str | None = None
    amount: Decimal | None = None
    limit: Decimal | None = None
    order_rate: Decimal | None = None
    open_rate: Decimal | None = None
    close_rate: Decimal | None = None
    enter_tag: str | None = None
    exit_reason: str | None = None
    sell_reason: str | None = None
    open_date: str | None = None
    close_date: str | None = None
    profit_amount: Decimal | None = None
    profit_ratio: Decimal | None = None
    stake_currency: str | None = None
    id: int | None = None
    side: str | None = None
    lock_timestamp: int | None = None
    lock_end_timestamp: int | None = None


class Login(Struct, gc=False):
    access_token: str


said = Decoder(Said)
login = Decoder(Login)


class Stream:
    """One bot's line. Without a token of its own a bot takes the access token of a login, asked for at each open."""

    def __init__(
        self, address: str, connection: Mapping[str, str], door: HttpDoor, sockets: SocketDoor, release: Release
    ) -> None:
        self._address = address
        self._connection = connection
        self._door = door
        self._sockets = sockets
        self._release = release
        self._line: Line | None = None

    async def open(self) -> None:
        """Raises Forbidden for a wrong token, and what the door raises."""
        token = self._connection.get("ws_token") or await self._logged_in()
        scheme, rest = self._address.split("://", 1)
        url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}/api/v1/message/ws?{urlencode({'token': token})}"
        try:
            self._line = await self._sockets.open(url)
        except Forbidden as refused:
            raise Forbidden(f"{refused}; is it the api_server.ws_token of the bot's configuration?") from None
        await self._line.send(json.dumps({"type": "subscribe", "data": topics(self._release)}), SEND_SECONDS)

    async def receive(self) -> bytes:
        assert self._line is not None
        return await self._line.receive()

    async def ask_for_sign(self) -> None:
        assert self._line is not None
        await self._line.send(ASK_FOR_SIGN, SEND_SECONDS)

    def abort(self) -> None:
        if self._line is not None:
            self._line.abort()

    async def close(self) -> None:
        if self._line is not None:
            await self._line.close()

    def understood(self, message: bytes) -> Heard | None:
        return understood(message)

    async def _logged_in(self) -> str:
        """Raises WrongPassword, and what the door raises."""
        header = basic_authorization(self._connection["username"], self._connection["password"])
        answer = await self._door.request("POST", f"{self._address}/api/v1/token/login", headers=header)
        if error := refusal(answer, "token/login"):
            raise error
        token = decode(answer.body, login, "token/login").access_token
        if not token:
            raise WrongPassword("The bot gave no access token", endpoint="token/login")
        return token


def topics(release: Release) -> list[str]:
    return [topic for topic, since in TOPICS.items() if release >= since]


def understood(message: bytes) -> Heard | None:
    """Raises BadAnswer."""
    told = decode(message, said, "the websocket")
    if told.type in TRADES:
        return of_trade(told, message)
    if told.type == "status":
        return of_state(told, message)
    if told.type in WORDS:
        return of_words(told, message)
    if told.type.startswith("protection_trigger"):
        return of_lock(told, message)
    return None


def of_trade(told: Said, message: bytes) -> Heard:
    if told.trade_id is None or not told.pair:
        raise BadAnswer(f"the websocket told of a trade without its id or pair: {name(told.type, 20)}")
    kind, changed = TRADES[told.type]
    exits, final = told.type.startswith("exit"), told.type == "exit_fill"
    rate = told.order_rate or told.limit or (told.close_rate if exits else told.open_rate)
    return Heard(
        kind,
        key_of(message),
        changed,
        words=name(told.reason) if told.type.endswith("_cancel") else "",
        at_ms=millis(told.close_date) if final else None,
        trade_id=str(told.trade_id),
        open_ms=millis(told.open_date),
        pair=name(told.pair, 100),
        side="short" if told.direction == "Short" else "long",
        amount=usable(told.amount),
        rate=usable(rate),
        tag=tag(told.exit_reason or told.sell_reason) if exits else tag(told.enter_tag),
        profit_abs=usable(told.profit_amount) if final else None,
        profit_ratio=usable(told.profit_ratio) if final else None,
        currency=name(told.stake_currency, 50),
    )


def of_state(told: Said, message: bytes) -> Heard:
    words = name(told.status, 100)
    kind = STATES.get(words, "")
    changed = (Kind.STATE, Kind.CONFIG) if kind == "reloaded" else (Kind.STATE,)
    return Heard(kind, key_of(message), changed, words=words)


def of_words(told: Said, message: bytes) -> Heard | None:
    given = next((text for text in (told.status, told.msg, told.data, told.reason) if text), "")
    words = prose(given if isinstance(given, str) else dumped(given), MOST_WORDS).strip()
    if not words or (told.type == "warning" and words.startswith(DRY_RUN)):
        return None
    return Heard(WORDS[told.type], key_of(message), words=words, pair=name(told.pair, 100))


def dumped(given: object) -> str:
    """Raises BadAnswer."""
    try:
        return json.dumps(given)
    except RecursionError:
        raise BadAnswer("the websocket told something nested too deeply") from None


def of_lock(told: Said, message: bytes) -> Heard:
    lock = Lock(
        lock_id=None if told.id is None else str(told.id),
        pair=name(told.pair, 100) or "*",
        side=name(told.side, 20),
        reason=name(told.reason),
        from_ms=told.lock_timestamp,
        until_ms=told.lock_end_timestamp,
    )
    return Heard("protection", key_of(message), (Kind.LOCKS,), lock=lock)


def key_of(message: bytes) -> str:
    return hashlib.blake2b(message, digest_size=12).hexdigest()


def millis(date: str | None) -> int | None:
    """As the bot makes its timestamps of its dates, so that both name one trade. Raises BadAnswer."""
    if date is None:
        return None
    try:
        moment = datetime.fromisoformat(date)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadAnswer("the websocket told a date that is none") from None
