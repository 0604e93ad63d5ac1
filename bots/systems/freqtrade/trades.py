"""Freqtrade's trades -> the contract's."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from msgspec import Raw

from bots.systems import contract
from bots.systems.decoding import Figures, decode, name, ratio_of, tag, usable
from bots.systems.errors import BadAnswer
from bots.systems.freqtrade import answers
from bots.systems.freqtrade.early import order_in_words
from bots.systems.freqtrade.mapping import NO_PRICE
from bots.systems.freqtrade.unmoved import Unmoved


def trade(answer: answers.TradeAnswer, stake_currency: str, endpoint: str) -> contract.Trade:
    """`stake_currency` "": not known yet, the pair's quote currency stands for it. Raises BadAnswer."""
    if not answer.is_open and not answer.close_timestamp:
        raise BadAnswer(f"{endpoint}: closed trade {answer.trade_id} lacks close_timestamp", endpoint=endpoint)
    figures = Figures()
    take = figures.take
    closed = not answer.is_open
    return contract.Trade(
        trade_id=str(answer.trade_id),
        open_ms=answer.open_timestamp,
        pair=name(answer.pair, 100),
        side="short" if answer.is_short else "long",
        is_open=answer.is_open,
        currency=_quote_currency(answer, stake_currency, endpoint),
        leverage=take("leverage", answer.leverage) or Decimal(1),
        amount=take("amount", answer.amount),
        stake_amount=take("stake_amount", answer.stake_amount),
        open_rate=take("open_rate", answer.open_rate),
        close_rate=take("close_rate", answer.close_rate) if closed else None,
        close_ms=answer.close_timestamp if closed else None,
        profit_abs=take("profit_abs", answer.close_profit_abs, if_null=NOT_TOLD) if closed else None,
        profit_ratio=take("profit_ratio", answer.close_profit, if_null=NOT_TOLD) if closed else None,
        realized_profit=None if closed else take("realized_profit", answer.realized_profit),
        fee_open_ratio=take("fee_open_ratio", answer.fee_open),
        fee_close_ratio=take("fee_close_ratio", answer.fee_close),
        funding_fees=take("funding_fees", answer.funding_fees),
        enter_tag=tag(answer.enter_tag or answer.buy_tag),
        exit_reason=tag(answer.exit_reason or answer.sell_reason),
        strategy=tag(answer.strategy),
        timeframe=timeframe(answer.timeframe),
        exchange=tag(answer.exchange),
        has_open_orders=_has_open_orders(answer),
        # From 2022.3 on orders are listed; until 2023.8 the open one stands beside them in words too.
        orders=_orders(answer.orders, endpoint) or order_in_words(answer),
        missing=figures.missing,
    )


NOT_TOLD = "the bot gave no figure"
RATIO_ALONE = "Freqtrade before 2020.6 gives an open trade's profit as a ratio alone"


# Of one bot, of which there may be 10,000. What is beyond is mapped anew with every poll.
MOST_KNOWN = 200  # trades
MOST_KNOWN_BYTES = 256 * 1024  # of their orders as answered
MOST_KNOWN_ORDERS = 2000
LONGEST_REMEMBERED = 64 * 1024  # bytes of the answer itself: some 30 trades
LONGEST_KNOWN = 512 * 1024  # bytes of the whole answer; a longer one may hold names without end


def moving(answer: answers.MovingAnswer) -> contract.Moving:
    """A trade whose entry is not filled has amount 0 (before 2023 the amount asked for) and a profit of 0."""
    figures = Figures()
    profit_abs, profit_ratio, why_not = _unrealized(answer)
    return contract.Moving(
        current_rate=figures.take("current_rate", answer.current_rate, if_null=NO_PRICE),
        profit_abs=figures.take("profit_abs", profit_abs, if_null=why_not),
        profit_ratio=figures.take("profit_ratio", profit_ratio, if_null=NO_PRICE),
        stop_rate=figures.take("stop_rate", answer.stop_loss if answer.stop_loss_abs is None else answer.stop_loss_abs),
        missing=figures.missing,
    )


def _unrealized(answer: answers.MovingAnswer) -> tuple[Decimal | None, Decimal | None, str]:
    """Absolute, as a ratio, and why the absolute one is missing if it is. Before 2020.12 under other names; before
    2020.5 `current_profit` is percent, and stands alone."""
    if answer.profit_ratio is not None or answer.current_profit is None:
        return answer.profit_abs, answer.profit_ratio, NO_PRICE
    percent = answer.current_profit_pct is None
    ratio = ratio_of(answer.current_profit) if percent else answer.current_profit
    return answer.current_profit_abs, ratio, RATIO_ALONE


def without_moving(answer: answers.TradeAnswer) -> answers.TradeAnswer:
    """The same object, left with what lasts."""
    answer.current_rate = answer.stop_loss = answer.stop_loss_abs = None
    answer.profit_abs = answer.profit_ratio = None
    answer.current_profit = answer.current_profit_pct = answer.current_profit_abs = None
    return answer


def open_trades(
    answer: list[answers.TradeAnswer], stake_currency: str, known: "KnownTrades | None" = None
) -> contract.OpenTrades:
    """What moves is taken out of the answer. Raises BadAnswer."""
    moved = [moving(each) for each in answer]
    lasting = map(without_moving, answer)
    found = known.all(lasting, stake_currency) if known else [trade(each, stake_currency, "status") for each in lasting]
    return contract.OpenTrades(tuple(map(contract.OpenTrade, found, moved)))


def open_trades_in(body: bytes, stake_currency: str, known: "KnownTrades") -> contract.OpenTrades:
    """Of a whole /status. Raises BadAnswer."""
    alone = known.moving_in(body, stake_currency)
    if alone is not None:
        return contract.OpenTrades(tuple(map(contract.OpenTrade, known.listed, moving_of(alone))))
    answer = decode(body, answers.status, "status")
    found = open_trades(answer, stake_currency, known if len(body) <= LONGEST_KNOWN else None)
    known.remember(body, found)
    return found


def moving_of(body: bytes) -> list[contract.Moving]:
    """Of each trade of a /status, which may lack all that lasts. Raises BadAnswer."""
    moved = decode(body, answers.moving, "status")
    return list(map(moving, moved))


def reads_the_same(unmoved: Unmoved, body: bytes, found: contract.OpenTrades) -> bool:
    """Whether what moves, taken out of the answer, is all that was read of it: not where a figure that moves is written
    as no genuine bot does."""
    try:
        return moving_of(unmoved.moving_in(body) or b"") == [each.moving for each in found.trades]
    except BadAnswer:
        return False


class Known(NamedTuple):
    answer: answers.TradeAnswer  # without what moves
    trade: contract.Trade
    size: int  # bytes of its orders as answered


class KnownTrades:
    """The open trades of one bot as mapped last time: their prices move with every poll, all else hardly ever."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Known] = {}
        self._stake_currency = ""
        self._bytes = self._orders = 0
        self._unmoved: Unmoved | None = None
        self.listed: list[contract.Trade] = []  # in the answer that is remembered

    def moving_in(self, body: bytes, stake_currency: str) -> bytes | None:
        """What moves in this answer, where it differs from the one that is remembered in nothing that lasts: it is of
        the trades `listed`. Else None."""
        if self._unmoved is None or stake_currency != self._stake_currency:
            return None
        return self._unmoved.moving_in(body)

    def remember(self, body: bytes, found: contract.OpenTrades) -> None:
        """Unless it is too much, or must be repaired: how, depends on all of its fields."""
        self._unmoved, self.listed = None, []
        sound = b"NaN" not in body and b"Infinity" not in body
        if not sound or len(body) > LONGEST_REMEMBERED or len(found.trades) != len(self._known):
            return
        unmoved = Unmoved(body)
        if reads_the_same(unmoved, body, found):
            self._unmoved, self.listed = unmoved, [each.trade for each in found.trades]

    def all(self, lasting: Iterable[answers.TradeAnswer], stake_currency: str) -> list[contract.Trade]:
        """The same objects as before where nothing that lasts has changed. Only what this answer lists is known
        afterwards. Raises BadAnswer."""
        before, self._known = self._known if stake_currency == self._stake_currency else {}, {}
        self._stake_currency = stake_currency
        self._bytes = self._orders = 0
        found = []
        for each in lasting:
            key = (each.trade_id, each.open_timestamp)
            known = before.get(key)
            if known is None or not _same(known.answer, each):
                each.orders = each.orders.copy()  # as decoded it holds the whole answer in memory
                known = Known(each, trade(each, stake_currency, "status"), memoryview(each.orders).nbytes)
            found.append(known.trade)
            self._keep(key, known)
        return found

    def _keep(self, key: tuple[int, int], known: Known) -> None:
        self._bytes += known.size
        self._orders += len(known.trade.orders)
        within = self._bytes <= MOST_KNOWN_BYTES and self._orders <= MOST_KNOWN_ORDERS
        if within and len(self._known) < MOST_KNOWN:
            self._known[key] = known


def _same(before: answers.TradeAnswer, now: answers.TradeAnswer) -> bool:
    try:
        return before == now
    except ArithmeticError:  # a signalling NaN equals nothing, loudly
        return False


def closed_trades(answer: answers.TradesAnswer, stake_currency: str) -> list[contract.Trade]:
    """Raises BadAnswer: an open trade among them would be counted as closed."""
    for entry in answer.trades:
        if entry.is_open:
            raise BadAnswer(f"trades: trade {entry.trade_id} is open, where only closed ones belong", endpoint="trades")
    return [trade(entry, stake_currency, "trades") for entry in answer.trades]


def _quote_currency(answer: answers.TradeAnswer, stake_currency: str, endpoint: str) -> str:
    """What the trade itself was made in: the bot's stake currency may be another one today. BTC/USDT:USDT is a future
    quoted and settled in USDT."""
    currency = answer.quote_currency or answer.pair.partition("/")[2].partition(":")[0] or stake_currency
    if not currency:
        raise BadAnswer(f"{endpoint}: trade {answer.trade_id} lacks quote_currency", endpoint=endpoint)
    return name(currency, 50)


def _has_open_orders(answer: answers.TradeAnswer) -> bool:
    """Before 2023.9: whether there is an open_order_id, or (until 2020.3 without one) an order in words."""
    if answer.has_open_orders is None:
        return answer.open_order_id is not None or bool(answer.open_order)
    return answer.has_open_orders


def timeframe(minutes: int | None) -> str | None:
    """ "5m", "1h", "1d" as settings spell it; trades count minutes."""
    if not minutes or minutes < 0:
        return None
    for unit, length in (("w", 10080), ("d", 1440), ("h", 60)):
        if minutes % length == 0:
            return f"{minutes // length}{unit}"
    return f"{minutes}m"


def _orders(raw: Raw, endpoint: str) -> tuple[contract.Order, ...]:
    return tuple(map(_order, decode(bytes(raw), answers.orders, endpoint) or ()))


def _order(order: answers.OrderAnswer) -> contract.Order:
    return contract.Order(
        order_id=name(order.order_id, 200),
        side=name(order.ft_order_side, 20),
        kind=name(order.order_type, 40),
        status=name(order.status, 40),
        is_open=bool(order.is_open),
        rate=usable(order.safe_price),
        amount=usable(order.amount),
        filled=usable(order.filled),
        remaining=usable(order.remaining),
        cost=usable(order.cost),
        placed_ms=order.order_timestamp,
        filled_ms=order.order_filled_timestamp,
        tag=tag(order.ft_order_tag),
    )
