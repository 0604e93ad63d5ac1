"""The trading desk: what becomes of orders and trades, in the book, in the log and on the websocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import messages
from .history import Entry, asked, order_name
from .market import amount_digits_of
from .trades import Order, Trade

if TYPE_CHECKING:
    from .bot import SimBot

USER = "user requested order cancel"
FORCED = "forcesold"
BOOKKEEPER = "freqtrade.persistence.trade_model"


class Desk:
    def __init__(self, bot: SimBot) -> None:
        self.bot = bot

    def enter(self, pair: str, rate: float, stake: float, tag: str | None, order_type: str) -> Trade:
        """Place an entry; a market order fills at once."""
        bot = self.bot
        at_ms = bot.next_ms()
        trade = asked(bot.spec, Entry(bot.book.next_id(), pair, rate, stake, at_ms, tag, order_type))
        bot.book.add(trade)
        order = trade.orders[0]
        bot.note("freqtrade.freqtradebot", f"Order {order.order_id} was created for {pair} and status is open.")
        bot.publish(messages.entry(bot, trade, order, filled=False))
        if order_type == "market":
            self.fill_entry(trade)
        return trade

    def add(self, trade: Trade, rate: float, stake: float, tag: str | None, order_type: str) -> Trade:
        """Place an entry that adds to what the trade holds; a market order fills at once."""
        bot, at_ms = self.bot, self.bot.next_ms()
        name = order_name(bot.dry_run, "buy", trade.pair, at_ms)
        order = Order(name, "buy", order_type, round(stake / rate, amount_digits_of(rate)), rate, at_ms, tag)
        trade.orders.append(order)
        bot.book.changed()
        bot.publish(messages.entry(bot, trade, order, filled=False))
        if order_type == "market":
            self.fill_entry(trade, order)
        return trade

    def fill_entry(self, trade: Trade, order: Order | None = None) -> None:
        order = order or trade.orders[0]
        trade.enter(order, self.bot.next_ms())
        self.bot.book.changed()
        self.bot.note(BOOKKEEPER, f"LIMIT_BUY has been fulfilled for Trade(id={trade.trade_id}).")
        self.bot.publish(messages.entry(self.bot, trade, order, filled=True))

    def exit(self, trade: Trade, rate: float, amount: float, order_type: str, reason: str) -> Order:
        """Place an exit for `amount`; a market order fills at once."""
        bot = self.bot
        at_ms = bot.next_ms()
        name = order_name(bot.dry_run, "sell", trade.pair, at_ms)
        order = Order(name, "sell", order_type, amount, rate, at_ms, reason)
        trade.orders.append(order)
        trade.exit_reason, trade.close_rate_requested = reason, rate
        bot.book.changed()
        bot.publish(messages.exit_placed(bot, trade, order))
        if order_type == "market":
            self.fill_exit(trade, order)
        return order

    def fill_exit(self, trade: Trade, order: Order) -> None:
        before = trade.realized_profit
        trade.watch(order.price)
        trade.sell(order, self.bot.next_ms())
        self.bot.book.changed()
        words = f"Marking Trade(id={trade.trade_id}) as closed." if not trade.is_open else "Partial exit filled."
        self.bot.note(BOOKKEEPER, words)
        profit = round(trade.realized_profit - before, 8)
        self.bot.publish(messages.exit_filled(self.bot, trade, order, profit))

    def fill(self, trade: Trade) -> None:
        """All its open orders fill at their price."""
        for order in trade.open_orders:
            if order.side == "buy":
                self.fill_entry(trade, order)
            else:
                self.fill_exit(trade, order)

    def cancel(self, trade: Trade, reason: str) -> bool:
        """Cancel the open orders. True when that was an unfilled entry: the trade is gone and its id free again."""
        for order in trade.open_orders:
            order.status = "canceled"
            if order.side == "buy":
                self.bot.publish(messages.entry_cancel(self.bot, trade, order, reason))
                if trade.is_filled:  # it was to add to it
                    continue
                self.bot.book.remove(trade.trade_id)
                return True
            self.bot.publish(messages.exit_cancel(self.bot, trade, order, reason))
            trade.exit_reason = None
        self.bot.book.changed()
        return False

    def part_of(self, trade: Trade, amount: float | None) -> float:
        """The amount an exit order is for, at the market's precision."""
        if amount is None or amount >= trade.amount:
            return trade.amount
        return round(amount, amount_digits_of(trade.open_rate))
