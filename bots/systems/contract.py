"""What a bot system offers: its fields, its capabilities, its poll plan, and the frozen values it answers with.

Units, everywhere: money and rates are `Decimal` in the currency the value names; ratios are ratios (0.01 = 1 %);
moments are epoch milliseconds (`*_ms`); durations are seconds. `None` means "the bot gave no such figure", and when the
bot gave something unusable (NaN, Infinity) the reason stands in `missing`.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from msgspec import Struct

from bots.systems.instructions import Accepted, Instruction

if TYPE_CHECKING:
    from bots.systems.hearing import Sockets, Stream

Side = Literal["long", "short"]
Mode = Literal["live", "dry"]


class Kind(StrEnum):
    """The readings a poll consists of; each has its own interval in the poll plan."""

    STATE = "state"
    OPEN_TRADES = "open_trades"
    PROFIT = "profit"
    BALANCE = "balance"
    CLOSED_TRADES = "closed_trades"
    HEALTH = "health"
    LOCKS = "locks"
    LOGS = "logs"
    PERFORMANCE = "performance"
    DAILY = "daily"
    WHITELIST = "whitelist"
    BLACKLIST = "blacklist"
    CONFIG = "config"


class Field(Struct, frozen=True):
    """One field of a connection's form, as the system declares it."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    help: str = ""
    placeholder: str = ""


class Missing(Struct, frozen=True):
    """A figure the bot named but could not give."""

    figure: str
    reason: str


class BotState(Struct, frozen=True):
    """What the bot is and does at this moment."""

    state: Literal["running", "stopped", "paused", "starting"]
    mode: Mode
    version: str
    stake_currency: str
    stake_currency_decimals: int | None
    strategy: str
    exchange: str
    trading_mode: str  # spot, margin, futures
    timeframe: str
    bot_name: str
    max_open_trades: int | None  # None: unlimited
    capabilities: tuple[str, ...] = ()
    tells_closed_trades: bool = True  # False: what leaves the open trades is never heard of again


class Config(Struct, frozen=True):
    """The settings the bot reports: one flat mapping of dotted names to JSON scalars or lists, for history, drift."""

    settings: Mapping[str, object]


class Order(Struct, frozen=True):
    order_id: str
    side: str  # buy, sell, stoploss
    kind: str  # limit, market, ...
    status: str
    is_open: bool
    rate: Decimal | None
    amount: Decimal | None
    filled: Decimal | None
    remaining: Decimal | None
    cost: Decimal | None
    placed_ms: int | None
    filled_ms: int | None
    tag: str | None = None


class Trade(Struct, frozen=True, weakref=True):
    """The lasting facts of one trade, open or closed. Its key at the bot is (trade_id, open_ms): ids are used again."""

    trade_id: str
    open_ms: int
    pair: str
    side: Side
    is_open: bool
    currency: str  # the stake currency of stake_amount, profit_abs, fees
    leverage: Decimal
    amount: Decimal | None
    stake_amount: Decimal | None
    open_rate: Decimal | None
    close_rate: Decimal | None = None
    close_ms: int | None = None
    profit_abs: Decimal | None = None  # realized, net of fees; None while open
    profit_ratio: Decimal | None = None  # realized; None while open
    realized_profit: Decimal | None = None  # from partial exits of an open trade
    fee_open_ratio: Decimal | None = None
    fee_close_ratio: Decimal | None = None
    funding_fees: Decimal | None = None
    enter_tag: str | None = None
    exit_reason: str | None = None
    strategy: str | None = None
    timeframe: str | None = None
    exchange: str | None = None
    has_open_orders: bool | None = None
    orders: tuple[Order, ...] = ()
    missing: tuple[Missing, ...] = ()


class Moving(Struct, frozen=True):
    """What moves with every tick while a trade is open."""

    current_rate: Decimal | None
    profit_abs: Decimal | None  # unrealized, stake currency
    profit_ratio: Decimal | None
    stop_rate: Decimal | None
    missing: tuple[Missing, ...] = ()


class OpenTrade(Struct, frozen=True):
    trade: Trade
    moving: Moving


class OpenTrades(Struct, frozen=True):
    trades: tuple[OpenTrade, ...]

    @property
    def lasting(self) -> tuple[Trade, ...]:
        """Without what moves."""
        return tuple([each.trade for each in self.trades])


class KnownHistory(Struct, frozen=True):
    """What the mirror already holds of a bot's closed trades, so that the adapter need not read it again."""

    closed_count: int
    full: bool = False  # read everything again from the beginning
    offset: int = 0  # where a full reading in several parts goes on
    newest: tuple[str, int] | None = None  # (trade id, open ms) of the newest closed trade held


class ClosedTrades(Struct, frozen=True):
    """Closed trades the mirror may not hold yet. `total` is the bot's own count of closed trades at that moment."""

    trades: tuple[Trade, ...]
    total: int | None
    next_offset: int | None = None  # the reading is not at its end: go on here
    whole: bool = False  # these are all the closed trades the bot has, whatever was asked for
    proven: bool = False  # the newest one known is among them: it is still the same database


class Profit(Struct, frozen=True):
    """The bot's own account of itself, in `currency`."""

    currency: str
    closed_abs: Decimal | None
    closed_ratio: Decimal | None  # of the starting balance
    all_abs: Decimal | None  # closed and open
    closed_count: int | None
    trade_count: int | None  # open ones included
    winning: int | None
    losing: int | None
    max_drawdown_ratio: Decimal | None = None
    max_drawdown_abs: Decimal | None = None
    current_drawdown_ratio: Decimal | None = None
    profit_factor: Decimal | None = None
    expectancy: Decimal | None = None
    trading_volume: Decimal | None = None
    first_trade_ms: int | None = None
    latest_trade_ms: int | None = None
    average_duration_seconds: int | None = None
    best_pair: str | None = None
    missing: tuple[Missing, ...] = ()


class CurrencyBalance(Struct, frozen=True):
    currency: str
    free: Decimal | None
    used: Decimal | None
    total: Decimal | None
    value: Decimal | None  # estimated, in the stake currency
    bot_value: Decimal | None  # the part the bot manages
    bot_managed: bool | None = None


class Balance(Struct, frozen=True):
    """`bot_total` is what the bot manages; `total` counts every coin of the account. Both in `currency`."""

    currency: str
    total: Decimal | None
    bot_total: Decimal | None
    starting_capital: Decimal | None
    currencies: tuple[CurrencyBalance, ...] = ()
    note: str = ""
    missing: tuple[Missing, ...] = ()


class Health(Struct, frozen=True):
    last_process_ms: int | None  # the trading loop's last turn
    started_ms: int | None  # this process's start
    first_started_ms: int | None = None


class Lock(Struct, frozen=True):
    lock_id: str | None
    pair: str  # "*": all
    side: str
    reason: str
    from_ms: int | None
    until_ms: int | None
    active: bool = True


class Locks(Struct, frozen=True):
    locks: tuple[Lock, ...]


class LogLine(Struct, frozen=True):
    at_ms: int
    logger: str
    level: str
    message: str


class Logs(Struct, frozen=True):
    lines: tuple[LogLine, ...]  # oldest first


class PairPerformance(Struct, frozen=True):
    pair: str
    trades: int
    profit_abs: Decimal | None
    profit_ratio: Decimal | None


class Performance(Struct, frozen=True):
    currency: str
    pairs: tuple[PairPerformance, ...]


class DayProfit(Struct, frozen=True):
    day: str  # ISO date, UTC
    profit_abs: Decimal | None  # of the trades closed on that day
    trades: int


class Daily(Struct, frozen=True):
    """The bot's own sums by day in `currency`, newest day first."""

    currency: str
    days: tuple[DayProfit, ...]


class PairList(Struct, frozen=True):
    pairs: tuple[str, ...]
    methods: tuple[str, ...] = ()
    fixed: bool = False  # the pairs are those of the configuration: no method changes them by itself


Value = (
    BotState
    | Config
    | OpenTrades
    | ClosedTrades
    | Profit
    | Balance
    | Health
    | Locks
    | Logs
    | Performance
    | Daily
    | PairList
)

# What each kind of reading answers with (Kind.CLOSED_TRADES has its own call).
VALUE_OF: dict[Kind, type[Struct]] = {
    Kind.STATE: BotState,
    Kind.OPEN_TRADES: OpenTrades,
    Kind.PROFIT: Profit,
    Kind.BALANCE: Balance,
    Kind.HEALTH: Health,
    Kind.LOCKS: Locks,
    Kind.LOGS: Logs,
    Kind.PERFORMANCE: Performance,
    Kind.DAILY: Daily,
    Kind.WHITELIST: PairList,
    Kind.BLACKLIST: PairList,
    Kind.CONFIG: Config,
}


class Session(Protocol):
    """A conversation with one bot. Every call has a total deadline and raises only `errors.BotError`."""

    requests: int  # sent so far

    async def test(self) -> BotState:
        """Prove that such a bot answers and the credentials open it; the error says precisely what is wrong."""

    async def read(self, kind: Kind) -> Value:
        """One reading, by kind (all but CLOSED_TRADES)."""

    async def closed_trades(self, known: KnownHistory) -> ClosedTrades: ...

    async def trade(self, trade_id: str) -> Trade:
        """One trade, open or closed. Raises NoSuchTrade, NotOffered."""

    async def perform(self, instruction: Instruction) -> Accepted:
        """Send it, once: never again by itself, whatever comes back.

        Any error may come; its `may_have_happened` is False only where it is certain that the bot did nothing.
        NotOffered when the release has no such act, Refused with the bot's words.
        """


class Door(Protocol):
    """The one way to a bot over HTTP (bots.systems.http.HttpDoor)."""


class BotSystem(Protocol):
    """A bot system is one folder here with a `System` of this shape."""

    key: ClassVar[str]
    label: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    poll_plan: ClassVar[Mapping[Kind, float]]  # seconds between two readings of a kind
    forced_exit_reasons: ClassVar[frozenset[str]]  # exit reasons that say a person forced it

    @classmethod
    def check_connection(cls, connection: Mapping[str, str]) -> None:
        """Whether the open fields (secrets left out) have the shape of a connection, nothing asked over the network.

        Raises WrongSettings."""

    @classmethod
    def identity(cls, connection: Mapping[str, str]) -> tuple[str, str]:
        """(field, value) by which two connections are known to lead to the same bot, of open fields in good shape."""

    @classmethod
    def open(cls, connection: Mapping[str, str], door: Door, release: str = "") -> Session:
        """`connection` holds every declared field, secrets in clear. `release`: as last seen, "" when unknown.

        Raises WrongSettings."""

    @classmethod
    def stream(cls, connection: Mapping[str, str], door: Door, sockets: "Sockets", release: str) -> "Stream | None":
        """None: a bot of this release says nothing by itself. Raises WrongSettings."""
