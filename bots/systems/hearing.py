"""What a bot says by itself, without being asked: one thing said, and the stream it comes by."""

from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from bots.systems.contract import Kind, Lock, Side


class Heard(Struct, frozen=True):
    """One thing a bot said by itself, over its stream. `kind`: of bots.domain.events, "" when it is no event.

    `key` tells two things said apart; the same words said twice are two. `changed`: the readings it makes old.
    What a kind does not tell stays None or "". Money, rates, ratios and moments as everywhere here.
    """

    kind: str
    key: str
    changed: tuple[Kind, ...] = ()
    words: str = ""  # what it says in its own
    at_ms: int | None = None  # as the bot dates it
    trade_id: str = ""
    open_ms: int | None = None
    pair: str = ""
    side: Side = "long"
    amount: Decimal | None = None
    rate: Decimal | None = None
    tag: str | None = None
    profit_abs: Decimal | None = None  # of this order, in `currency`
    profit_ratio: Decimal | None = None
    currency: str = ""
    lock: Lock | None = None


class Stream(Protocol):
    """What a bot says by itself, as long as the line stands. Every call raises only `errors.BotError`."""

    async def open(self) -> None:
        """Connect, and ask to be told."""

    async def receive(self) -> bytes:
        """The next message as it came, however long that takes. Raises ConnectionLost."""

    def understood(self, message: bytes) -> Heard | None:
        """None: nothing of interest (an answer to `ask_for_sign`, a candle). Raises BadAnswer."""

    async def ask_for_sign(self) -> None:
        """Ask for anything at all: a line on which nothing comes back is dead."""

    def abort(self) -> None:
        """End it at once; a `receive` under way raises ConnectionLost."""

    async def close(self) -> None: ...


class Sockets(Protocol):
    """The one way to a bot's websocket (bots.systems.websocket.SocketDoor)."""
