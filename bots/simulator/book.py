"""The bot's database: trades, open and closed, under ids that SQLite would give."""

from collections.abc import Callable

from .trades import Trade


class TradeBook:
    def __init__(self) -> None:
        self.trades: dict[int, Trade] = {}
        self.revision = 0  # rises with every lasting change; cached answers depend on it
        self._cache: dict[str, list[Trade]] = {}

    def next_id(self) -> int:
        """The highest id in the table plus one: the id of a deleted last trade is given again."""
        return max(self.trades, default=0) + 1

    def add(self, trade: Trade) -> Trade:
        self.trades[trade.trade_id] = trade
        self.changed()
        return trade

    def remove(self, trade_id: int) -> Trade:
        """Raises KeyError for an unknown id."""
        trade = self.trades.pop(trade_id)
        self.changed()
        return trade

    def wipe(self) -> None:
        self.trades.clear()
        self.changed()

    def changed(self) -> None:
        self.revision += 1
        self._cache.clear()

    @property
    def open(self) -> list[Trade]:
        return self._kept("open", lambda: [t for t in self._by_id() if t.is_open])

    @property
    def closed(self) -> list[Trade]:
        """Ascending by id."""
        return self._kept("closed", lambda: [t for t in self._by_id() if not t.is_open])

    @property
    def closed_by_time(self) -> list[Trade]:
        """Oldest close first."""
        return self._kept("by_time", lambda: sorted(self.closed, key=lambda t: (t.close_ms or 0, t.trade_id)))

    def _by_id(self) -> list[Trade]:
        return [self.trades[number] for number in sorted(self.trades)]

    def _kept(self, name: str, make: Callable[[], list[Trade]]) -> list[Trade]:
        if name not in self._cache:
            self._cache[name] = make()
        return self._cache[name]
