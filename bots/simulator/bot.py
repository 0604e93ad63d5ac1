"""One simulated bot: its state, its clock, its database, and the handles by which a test drives it.

Every public method may be called from any thread.
"""

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import messages
from .auth import Doorkeeper
from .book import TradeBook
from .desk import USER, Desk
from .faults import Faults
from .history import TAGS, Entry, entered, past_trades
from .listener import Listener
from .locks import Lock, LockBook
from .market import LEVELS, Market
from .releases import Release, release
from .spec import BotSpec
from .trades import Trade
from .wire import Answer

Kept = TypeVar("Kept")
MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}


@dataclass(frozen=True)
class Asked:
    """One request a bot received; `path` without query, `at` in epoch seconds."""

    method: str
    path: str
    at: float


@dataclass
class RequestLog:
    """The newest requests, and how many there ever were."""

    recent: deque[Asked] = field(default_factory=lambda: deque(maxlen=5000))
    totals: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, method: str, path: str) -> None:
        self.recent.append(Asked(method, path, time.time()))
        self.totals[method, path] += 1

    def count(self, path: str = "", method: str = "") -> int:
        """Requests whose path ends in `path` ("/status") and whose method is `method`; "" counts any."""
        return sum(n for (verb, where), n in self.totals.items() if where.endswith(path) and method in ("", verb))

    def clear(self) -> None:
        self.recent.clear()
        self.totals.clear()

    def __len__(self) -> int:
        return sum(self.totals.values())

    def __iter__(self) -> Iterator[Asked]:
        return iter(list(self.recent))


@dataclass(frozen=True)
class Effect:
    """A command that changed something: the action in the portal's words, and of what. Trade ids are used again, so
    the open time belongs to them; times in epoch milliseconds."""

    action: str
    detail: str = ""
    trade_id: int | None = None
    open_ms: int | None = None
    at_ms: int = 0


class SimBot:
    def __init__(self, spec: BotSpec, market: Market | None = None) -> None:
        self.spec = spec
        self.market = market or Market(spec.seed)
        self.guard = threading.RLock()
        self.release: Release = release(spec.release)
        self.faults = Faults()
        self.requests = RequestLog()
        self.effects: list[Effect] = []
        self.log: deque[list[Any]] = deque(maxlen=400)
        self.book = TradeBook()
        self.locks = LockBook()
        self.blacklist: list[str] = []
        self.doorkeeper = Doorkeeper(spec.username, spec.password, spec.jwt_secret)
        self.desk = Desk(self)
        self.listener = Listener(self)
        self.state = spec.state
        self.dry_run = spec.dry_run
        self.max_open_trades = spec.max_open_trades
        self.started = time.time()
        self._stopped_at = self.started
        self._prices: dict[str, float] = {}
        self._revision = 0
        self._last_ms = 0
        self._kept_at = -1
        self._kept: dict[str, Any] = {}
        self.answers: dict[tuple[str, str], tuple[tuple[Any, ...], Answer]] = {}
        self._be_born()

    def _be_born(self) -> None:
        now_ms = int(self.started * 1000)
        self.born_ms = now_ms - int(self.spec.history_days * 86_400_000) if self.spec.history else now_ms
        for trade in past_trades(self.spec, self.market, now_ms):
            self.book.trades[trade.trade_id] = trade
        for number, pair in enumerate(self.spec.whitelist[: self.spec.open_trades]):
            at_ms = now_ms - (self.spec.open_trades - number) * 1_380_000
            rate = self.market.rate(pair, at_ms / 1000)
            tag = TAGS[number % len(TAGS)]
            self.book.add(entered(self.spec, Entry(self.book.next_id(), pair, rate, self.spec.stake, at_ms, tag)))
        self.note("freqtrade.worker", f"Starting worker {self.release.text}")

    # --- what answers are made of

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.listener.port}/api/v1/message/ws?token={self.spec.ws_token}"

    @property
    def timeframe_minutes(self) -> int:
        return MINUTES[self.spec.timeframe]

    @property
    def revision(self) -> int:
        """Rises with every lasting change of the bot."""
        return self._revision + self.book.revision

    @property
    def last_process(self) -> float:
        """Epoch seconds of the last turn of the trading loop."""
        return self._stopped_at if self.state == "stopped" else self.now()

    def now(self) -> float:
        """The bot's clock, epoch seconds."""
        return time.time() + self.faults.clock_offset

    def now_ms(self) -> int:
        return int(self.now() * 1000)

    def next_ms(self) -> int:
        """No two things happen in the same millisecond: id and open time tell a reused id apart."""
        self._last_ms = max(self.now_ms(), self._last_ms + 1)
        return self._last_ms

    def next_candle_ms(self, at_ms: int) -> int:
        """The begin of the candle after the one in which `at_ms` lies: locks end there."""
        size = self.timeframe_minutes * 60_000
        return (at_ms // size + 1) * size

    def rate(self, pair: str) -> float:
        """The current price; NaN while the exchange is down."""
        if self.faults.exchange_down:
            return math.nan
        return self._prices.get(pair) or self.market.rate(pair, self.now())

    def fiat(self, amount: float) -> float:
        """0.0 when no fiat currency is configured, as the bots have it."""
        return amount * LEVELS[self.spec.currency] / LEVELS[self.spec.fiat] if self.spec.fiat else 0.0

    def kept(self, name: str, make: Callable[[], Kept]) -> Kept:
        """A value that changes only with the bot, not with price and time."""
        if self._kept_at != self.revision:
            self._kept_at, self._kept = self.revision, {}
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]  # type: ignore[no-any-return]

    def changed(self) -> None:
        self._revision += 1

    def note(self, logger: str, words: str, level: str = "INFO") -> None:
        at = self.now()
        self.log.append([time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)), at * 1000, logger, level, words])
        self.changed()

    def publish(self, message: dict[str, Any]) -> None:
        self.listener.publish(message)

    def took_effect(self, action: str, detail: object = "", *, trade: Trade | None = None) -> None:
        number, open_ms = (trade.trade_id, trade.open_ms) if trade else (None, None)
        words = str(detail or ("" if number is None else number))
        self.effects.append(Effect(action, words, number, open_ms, self.now_ms()))
        self.changed()

    def effects_on(self, trade: Trade, action: str = "") -> list[Effect]:
        """What commands did to this trade, whose id another may have by now."""
        key = (trade.trade_id, trade.open_ms)
        with self.guard:
            mine = [each for each in self.effects if (each.trade_id, each.open_ms) == key]
        return [each for each in mine if action in ("", each.action)]

    @property
    def reloads(self) -> bool:
        """Between the command and the closing of the port."""
        return self.state.startswith("reload_conf")

    # --- handles: trades

    def open_trade(
        self,
        pair: str = "",
        *,
        rate: float | None = None,
        stake: float | None = None,
        tag: str | None = "trend_up",
        filled: bool = True,
    ) -> Trade:
        """A new trade at `rate` (default: the current price); `filled=False` leaves its entry order open."""
        with self.guard:
            pair = pair or self.free_pair()
            price = self.rate(pair) if rate is None else rate
            trade = self.desk.enter(pair, price, self.spec.stake if stake is None else stake, tag, "limit")
            if filled:
                self.desk.fill(trade)
            return trade

    def close_trade(self, trade_id: int, rate: float | None = None, reason: str = "exit_signal") -> Trade:
        """Sell all of it at `rate` (default: the current price)."""
        with self.guard:
            trade = self.book.trades[trade_id]
            price = self.rate(trade.pair) if rate is None else rate
            self.desk.fill_exit(trade, self.desk.exit(trade, price, trade.amount, "limit", reason))
            return trade

    def place_exit(self, trade_id: int, rate: float, reason: str = "exit_signal") -> Trade:
        """An exit order that waits."""
        with self.guard:
            trade = self.book.trades[trade_id]
            self.desk.exit(trade, rate, trade.amount, "limit", reason)
            return trade

    def fill_order(self, trade_id: int) -> Trade:
        """The open orders of the trade fill."""
        with self.guard:
            trade = self.book.trades[trade_id]
            self.desk.fill(trade)
            return trade

    def cancel_unfilled(self, trade_id: int) -> None:
        """The trade vanishes; the next one gets its id."""
        with self.guard:
            self.desk.cancel(self.book.trades[trade_id], USER)

    def delete_trade(self, trade_id: int) -> None:
        with self.guard:
            self.book.remove(trade_id)

    def wipe_database(self) -> None:
        """Ids restart at 1, locks are gone."""
        with self.guard:
            self.book.wipe()
            self.locks = LockBook()
            self.changed()

    def lock_pair(self, pair: str, seconds: float = 3600, reason: str = "Auto lock") -> Lock:
        with self.guard:
            now_ms = self.now_ms()
            lock = self.locks.add(pair, now_ms, now_ms + int(seconds * 1000), reason=reason)
            self.changed()
            self.publish(messages.protection(lock))
            return lock

    def say(self, words: str) -> None:
        """A message of the strategy."""
        self.publish(messages.strategy_message(words))

    def flood(self, number: int, words: str = "ever the same") -> None:
        """So many messages at once."""
        for count in range(number):
            self.publish(messages.strategy_message(f"{words} {count}"))

    def free_pair(self) -> str:
        """The first pair without an open trade. Raises StopIteration when there is none."""
        busy = {trade.pair for trade in self.book.open}
        return next(pair for pair in self.spec.whitelist if pair not in busy)

    # --- handles: the bot itself

    def set_price(self, pair: str, price: float) -> None:
        """From now on the price stands still at `price`."""
        with self.guard:
            self._prices[pair] = price
            for trade in self.book.open:
                if trade.pair == pair and trade.is_filled:
                    trade.watch(price)
            self.changed()

    def set_version(self, text: str) -> None:
        with self.guard:
            self.release = release(text)
            self.changed()

    def go_live(self, live: bool = True) -> None:
        with self.guard:
            self.dry_run = not live
            self.changed()

    def start(self) -> None:
        self.enter_state("running")

    def stop(self) -> None:
        self.enter_state("stopped")

    def pause(self) -> None:
        self.enter_state("paused")

    def enter_state(self, state: str) -> None:
        with self.guard:
            if state == "stopped":
                self._stopped_at = self.now()
            self.state = state
            self.changed()
            self.publish({"type": "status", "status": state})
            if state == "running":
                self._greet()

    def _greet(self) -> None:
        if self.dry_run:
            self.publish(messages.warning("Dry run is enabled. All trades are simulated."))
        exchange, strategy = f"*Exchange:* `{self.spec.exchange}`", f"*Strategy:* `{self.spec.strategy}`"
        for words in (exchange, strategy, f"Searching for {self.spec.currency} pairs to buy and sell"):
            self.publish({"type": "startup", "status": words})

    def shut_down(self) -> None:
        """The process ends: the port is closed, connections die."""
        self.listener.close()

    def come_back(self) -> None:
        """The process starts again, on the same port, with the same database."""
        self.started = time.time()
        self.max_open_trades = self.spec.max_open_trades
        self.blacklist.clear()  # what was added while it ran is nowhere written
        self.changed()
        self.listener.open()

    def card(self) -> dict[str, Any]:
        """What a person would type into the portal."""
        spec = self.spec
        return {
            "name": spec.name,
            "url": self.url,
            "username": spec.username,
            "password": spec.handed_password or spec.password,
            "ws_token": spec.ws_token,
            "currency": spec.currency,
            "dry_run": spec.dry_run,
            "tags": list(spec.tags),
            "release": spec.release,
            "fault": spec.fault,
            "strategy": spec.strategy,
        }
