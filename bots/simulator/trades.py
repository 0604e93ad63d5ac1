"""Trades and orders, and the arithmetic of the bots.

Figures are floats rounded to 8 decimals because the bots' own are: a reader must cope with exactly these.
Times are epoch milliseconds.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Order:
    order_id: str
    side: str  # buy | sell
    order_type: str  # limit | market
    amount: float
    price: float
    placed_ms: int
    tag: str | None = None
    filled: float = 0.0
    filled_ms: int | None = None
    status: str = "open"  # open | closed | canceled

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    @property
    def cost(self) -> float:
        """Stake currency, without fee."""
        return self.amount * self.price

    def fill(self, at_ms: int, price: float | None = None) -> None:
        self.price = self.price if price is None else price
        self.filled, self.filled_ms, self.status = self.amount, at_ms, "closed"


@dataclass(slots=True)
class Trade:
    trade_id: int
    pair: str
    amount: float  # what is held; 0.0 while the entry is unfilled
    stake_amount: float  # stake currency, without fee
    open_rate: float
    open_ms: int
    strategy: str
    enter_tag: str | None
    amount_requested: float = 0.0
    fee: float = 0.001  # ratio, the same for entry and exit
    stop_ratio: float = -0.1
    open_fill_ms: int | None = None
    is_open: bool = True
    close_ms: int | None = None
    close_rate: float | None = None
    close_rate_requested: float | None = None
    close_profit: float | None = None  # ratio
    close_profit_abs: float | None = None  # stake currency
    realized_profit: float = 0.0  # of the parts already sold
    entered_value: float = 0.0  # all that was ever paid, with fees
    max_stake_amount: float = 0.0
    fee_close_cost: float | None = None
    exit_reason: str | None = None
    min_rate: float = 0.0
    max_rate: float = 0.0
    orders: list[Order] = field(default_factory=list)

    @property
    def base(self) -> str:
        return self.pair.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.pair.partition("/")[2]

    @property
    def open_orders(self) -> list[Order]:
        return [order for order in self.orders if order.is_open]

    @property
    def is_filled(self) -> bool:
        return self.amount > 0

    @property
    def open_value(self) -> float:
        """What the held amount cost, with the entry fee; stake currency."""
        return round(self.amount * self.open_rate * (1 + self.fee), 8)

    @property
    def hoped_value(self) -> float:
        """What the amount asked for would cost, with the entry fee."""
        return round(self.stake_amount * (1 + self.fee), 8)

    @property
    def exits_filled(self) -> int:
        return sum(1 for order in self.orders if order.side == "sell" and order.filled)

    @property
    def entries_filled(self) -> int:
        return sum(1 for order in self.orders if order.side == "buy" and order.filled)

    def profit_abs(self, rate: float, amount: float | None = None) -> float:
        """Profit in stake currency if `amount` (default: all that is held) were sold at `rate`, both fees paid."""
        sold = self.amount if amount is None else amount
        paid = round(sold * self.open_rate * (1 + self.fee), 8)
        return round(sold * rate * (1 - self.fee) - paid, 8)

    def profit_ratio(self, rate: float) -> float:
        value = self.open_value
        return round(self.profit_abs(rate) / value, 8) if value else 0.0

    def enter(self, order: Order, at_ms: int, price: float | None = None) -> None:
        """The entry order fills; a later one adds to what is held."""
        order.fill(at_ms, price)
        if self.is_filled:
            self._add(order)
            return
        self.amount, self.open_rate = order.amount, order.price
        self.stake_amount = self.max_stake_amount = round(order.amount * order.price, 8)
        self.open_fill_ms = at_ms
        self.entered_value = self.open_value
        self.min_rate = self.max_rate = order.price

    def _add(self, order: Order) -> None:
        self.stake_amount = self.max_stake_amount = round(self.stake_amount + order.cost, 8)
        self.amount = round(self.amount + order.amount, 8)
        self.open_rate = self.stake_amount / self.amount
        self.entered_value += round(order.cost * (1 + self.fee), 8)
        self.watch(order.price)

    def sell(self, order: Order, at_ms: int, price: float | None = None) -> None:
        """An exit order fills: a part, or the last of it, which closes the trade."""
        order.fill(at_ms, price)
        part = self.profit_abs(order.price, order.amount)
        self.realized_profit = round(self.realized_profit + part, 8)
        self.fee_close_cost = order.cost * self.fee
        left = round(self.amount - order.amount, 8)
        if left > 0:
            self._keep(left)
        else:
            self._close(order, at_ms)

    def _keep(self, left: float) -> None:
        self.amount = left
        self.stake_amount = round(left * self.open_rate, 8)
        self.close_profit_abs = self.realized_profit

    def _close(self, order: Order, at_ms: int) -> None:
        self.is_open = False
        self.close_ms, self.close_rate = at_ms, order.price
        self.close_profit_abs = self.realized_profit
        self.close_profit = self.realized_profit / self.entered_value

    def watch(self, rate: float) -> None:
        self.min_rate, self.max_rate = min(self.min_rate or rate, rate), max(self.max_rate, rate)
