"""The shapes of Freqtrade's JSON, as far as they are read. Fields that came or went with a release have a default.

A field without a default is one its value cannot do without: its absence is a BadAnswer that names it.
"""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

Millis = Annotated[int, Meta(ge=0, le=253402300799999)]  # epoch, up to the year 9999
Seconds = Annotated[int, Meta(ge=0, le=253402300799)]
Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Figure = Decimal | None


class PingAnswer(Struct, gc=False):
    status: str


class VersionAnswer(Struct, gc=False):
    version: str


class ConfigAnswer(Struct, gc=False):
    """GET show_config"""

    dry_run: bool | str  # 2021.1: "True"
    stake_currency: str
    exchange: str
    state: str | None = None  # 2020.5
    version: str = ""  # 2021.11
    api_version: Figure = None  # 2021.11
    runmode: str = ""  # 2020.12
    stake_currency_decimals: int | None = None
    strategy: str | None = None
    trading_mode: str = "spot"
    timeframe: str | None = None
    ticker_interval: str | None = None  # the timeframe's name until 2020.5
    bot_name: str | None = None
    max_open_trades: Figure = None  # 5, 5.0, -1; 2020.5
    force_entry_enable: bool | None = None  # 2022.4
    forcebuy_enabled: bool | None = None  # 2020.5 to 2022.3


class CountAnswer(Struct, gc=False):
    current: Number
    max: Figure = None


class OrderAnswer(Struct, gc=False):
    order_id: str | None = None
    ft_order_side: str | None = None
    order_type: str | None = None
    status: str | None = None
    is_open: bool | None = None
    safe_price: Figure = None
    amount: Figure = None
    filled: Figure = None
    remaining: Figure = None
    cost: Figure = None
    order_timestamp: Millis | None = None
    order_filled_timestamp: Millis | None = None
    ft_order_tag: str | None = None  # 2024.2


class MovingAnswer(Struct, gc=False):
    """What of an open trade moves with its price."""

    profit_abs: Figure = None  # open: unrealized
    profit_ratio: Figure = None
    current_profit: Figure = None  # until 2023.2: a ratio where current_profit_pct stands beside it, else percent
    current_profit_pct: Figure = None
    current_profit_abs: Figure = None
    stop_loss_abs: Figure = None  # a rate
    stop_loss: Figure = None  # the same, until 2020.5
    current_rate: Figure = None


class TradeAnswer(MovingAnswer, kw_only=True, gc=False):
    """A trade of /status, /trades and /trade/{id}: one shape, /trades without what moves. 2020.8 to 2026.9."""

    trade_id: Id
    pair: str
    is_open: bool
    open_timestamp: Millis
    quote_currency: str | None = None
    is_short: bool = False
    exchange: str | None = None
    strategy: str | None = None
    timeframe: int | None = None  # minutes
    leverage: Figure = None
    amount: Figure = None
    stake_amount: Figure = None
    open_rate: Figure = None
    close_rate: Figure = None
    close_timestamp: Millis | None = None
    close_profit: Figure = None  # ratio
    close_profit_abs: Figure = None
    realized_profit: Figure = None  # 2023.3 in /status
    fee_open: Figure = None  # ratio
    fee_close: Figure = None
    funding_fees: Figure = None
    enter_tag: str | None = None
    exit_reason: str | None = None
    buy_tag: str | None = None  # until 2022.3
    sell_reason: str | None = None  # until 2022.3
    has_open_orders: bool | None = None  # 2023.9
    open_order_id: str | None = None  # before
    open_order: str | None = None  # before, in /status: "(limit buy rem=0.12000000)"
    orders: Raw = Raw(b"[]")  # 2022.3; decoded by `orders` where they have changed


class EarlyTradeAnswer(TradeAnswer, kw_only=True, gc=False):
    """Before 2020.8: moments are the dates, UTC without a zone. /status of 2020.1 to 2020.3 does not say is_open."""

    open_date: str
    close_date: str | None = None
    is_open: bool = True
    open_timestamp: Millis = 0  # 2020.5, in the zone of the bot's machine: only the milliseconds are right


class TradesAnswer(Struct, gc=False):
    trades: list[TradeAnswer]
    total_trades: Number | None = None


class EarlyTradesAnswer(Struct, gc=False):
    trades: list[EarlyTradeAnswer]


class ProfitAnswer(Struct, gc=False):
    """GET profit; `_coin` is the stake currency."""

    profit_closed_coin: Figure
    profit_all_coin: Figure
    profit_closed_ratio: Figure = None  # of the starting balance
    trade_count: Number | None = None
    closed_trade_count: Number | None = None  # 2020.6
    winning_trades: Number | None = None
    losing_trades: Number | None = None
    first_trade_timestamp: Millis | None = None
    latest_trade_timestamp: Millis | None = None
    avg_duration: str | None = None  # "1 day, 0:44:59"
    best_pair: str | None = None
    profit_factor: Figure = None  # null: no trade was lost
    expectancy: Figure = None  # 2023.7
    max_drawdown: Figure = None  # ratio
    max_drawdown_abs: Figure = None
    current_drawdown: Figure = None  # 2025.7
    trading_volume: Figure = None


class CoinAnswer(Struct, gc=False):
    currency: str
    free: Figure = None
    balance: Figure = None
    used: Figure = None
    est_stake: Figure = None
    est_stake_bot: Figure = None  # 2023.5
    is_bot_managed: bool | None = None


class BalanceAnswer(Struct, gc=False):
    currencies: list[CoinAnswer]
    total: Figure
    stake: str
    total_bot: Figure = None  # 2023.5
    starting_capital: Figure = None
    note: str | None = None


class HealthAnswer(Struct, gc=False):
    """Seconds, where everything else counts milliseconds. 0: not yet."""

    last_process_ts: Seconds | None
    bot_start_ts: Seconds | None = None  # 2024.3: the database's first start
    bot_startup_ts: Seconds | None = None  # 2024.3: this process's


class LockAnswer(Struct, gc=False):
    pair: str
    id: Id | None = None
    side: str = "*"
    reason: str | None = None
    active: bool = True
    lock_timestamp: Millis | None = None
    lock_end_timestamp: Millis | None = None


class LocksAnswer(Struct, gc=False):
    locks: list[LockAnswer]


class LogAnswer(Struct, array_like=True, gc=False):
    text: str
    at: Decimal  # epoch ms, with a fraction
    logger: str
    level: str
    message: str


class LogsAnswer(Struct, gc=False):
    logs: list[LogAnswer]


class PerformanceAnswer(Struct, gc=False):
    pair: str
    count: Number
    profit: Figure = None  # percent: the sum of the trades' ratios, rounded
    profit_abs: Figure = None  # 2021.5
    profit_ratio: Figure = None  # 2021.11


class DayAnswer(Struct, gc=False):
    date: str
    abs_profit: Figure  # a number in a text until 2020.7
    trade_count: Number | str


class DailyAnswer(Struct, gc=False):
    data: list[DayAnswer]
    stake_currency: str


class WhitelistAnswer(Struct, gc=False):
    whitelist: list[str]
    method: list[str] = []


class BlacklistAnswer(Struct, gc=False):
    blacklist: list[str]
    method: list[str] = []


def _float(literal: str) -> float | None:
    """A setting's number; what no double can hold becomes null, since JSON knows no infinity."""
    number = float(literal)
    return number if abs(number) < float("inf") else None


ping = Decoder(PingAnswer)
version = Decoder(VersionAnswer)
config = Decoder(ConfigAnswer)
settings = Decoder(dict[str, object], float_hook=_float)
count = Decoder(CountAnswer)
trade = Decoder(TradeAnswer)
status = Decoder(list[TradeAnswer])
moving = Decoder(list[MovingAnswer])
trades = Decoder(TradesAnswer)
early_status = Decoder(list[EarlyTradeAnswer])
early_trades = Decoder(EarlyTradesAnswer)
orders = Decoder(list[OrderAnswer] | None)
profit = Decoder(ProfitAnswer)
balance = Decoder(BalanceAnswer)
health = Decoder(HealthAnswer)
locks = Decoder(LocksAnswer)
logs = Decoder(LogsAnswer)
performance = Decoder(list[PerformanceAnswer])
daily = Decoder(DailyAnswer | list[list[str]])  # until 2020.4 rows of texts
whitelist = Decoder(WhitelistAnswer)
blacklist = Decoder(BlacklistAnswer)
