"""What the bot says on its websocket. Trade messages are flat; the exchange is written "Binance" here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .answers import times
from .locks import Lock
from .trades import Order, Trade

if TYPE_CHECKING:
    from .bot import SimBot

Message = dict[str, Any]

# Topic -> first release that knows it. One unknown topic makes a bot ignore the whole subscription.
TOPICS = {
    "status": "2022.9",
    "warning": "2022.9",
    "startup": "2022.9",
    "entry": "2022.9",
    "entry_fill": "2022.9",
    "entry_cancel": "2022.9",
    "exit": "2022.9",
    "exit_fill": "2022.9",
    "exit_cancel": "2022.9",
    "protection_trigger": "2022.9",
    "protection_trigger_global": "2022.9",
    "strategy_msg": "2022.9",
    "whitelist": "2022.9",
    "analyzed_df": "2022.9",
    "new_candle": "2022.12",
    "exception": "2023.3",
    "liquidation_warning": "2026.9",
}


def entry(bot: SimBot, trade: Trade, order: Order, filled: bool) -> Message:
    full = {
        "type": "entry_fill" if filled else "entry",
        **_common(bot, trade, order),
        "order_type": None if filled and not bot.release.since("2022.12") else order.order_type,
        "stake_amount": trade.stake_amount,
        "amount": order.amount,
        "open_rate": order.price,
        "open_date": _date(bot, trade.open_ms),
        "current_rate": order.price,
    }
    return bot.release.shape("entry_message", full)


def entry_cancel(bot: SimBot, trade: Trade, order: Order, reason: str) -> Message:
    """Its date has no zone in any release."""
    full = {
        **entry(bot, trade, order, filled=False),
        "type": "entry_cancel",
        "amount": 0.0 if bot.release.since("2024.4") else order.amount,
        "open_date": _naive(trade.open_ms),
        "reason": f"{reason}, fully cancelled",
    }
    return bot.release.shape("entry_cancel_message", full)


def exit_placed(bot: SimBot, trade: Trade, order: Order) -> Message:
    """`exit`: the order is placed; the trade has not ended."""
    profit = trade.profit_abs(order.price, order.amount)
    return _exit(bot, trade, order, "exit", profit, final=False)


def exit_filled(bot: SimBot, trade: Trade, order: Order, profit: float) -> Message:
    """`profit`: of the part just sold, in stake currency."""
    return _exit(bot, trade, order, "exit_fill", profit, final=not trade.is_open)


def exit_cancel(bot: SimBot, trade: Trade, order: Order, reason: str) -> Message:
    """Profit figures are garbage (-100 %) when nothing was filled; real bots send exactly this."""
    full = {
        **_common(bot, trade, order),
        "type": "exit_cancel",
        "gain": "loss",
        "limit": 0,
        "order_rate": 0,
        "order_type": order.order_type,
        "amount": 0.0,
        "open_rate": trade.open_rate,
        "current_rate": bot.rate(trade.pair),
        "profit_amount": -trade.open_value,
        "profit_ratio": -1.0,
        "sell_reason": None,
        "exit_reason": None,
        "open_date": _naive(trade.open_ms),
        "close_date": _zoned(int(bot.now() * 1000)),
        "reason": reason,
        "stake_amount": trade.stake_amount,
    }
    return bot.release.shape("exit_cancel_message", full)


def protection(lock: Lock) -> Message:
    return {
        "type": "protection_trigger",
        "base_currency": lock.pair.partition("/")[0],
        "id": lock.lock_id,
        "pair": lock.pair,
        "lock_time": times.text(lock.start_ms),
        "lock_timestamp": lock.start_ms,
        "lock_end_time": times.text(lock.end_ms),
        "lock_end_timestamp": lock.end_ms,
        "reason": lock.reason,
        "side": lock.side,
        "active": lock.active,
    }


def strategy_message(words: str) -> Message:
    return {"type": "strategy_msg", "msg": words}


def warning(words: str) -> Message:
    return {"type": "warning", "status": words}


def exception(words: str) -> Message:
    return {"type": "exception", "status": words}


def whitelist(bot: SimBot) -> Message:
    return {"type": "whitelist", "data": list(bot.spec.whitelist)}


def new_candle(bot: SimBot, pair: str) -> Message:
    return {"type": "new_candle", "data": [pair, bot.spec.timeframe, "spot"]}


def knows(bot: SimBot, topic: object) -> bool:
    return isinstance(topic, str) and topic in TOPICS and bot.release.since(TOPICS[topic])


def _common(bot: SimBot, trade: Trade, order: Order) -> Message:
    return {
        "trade_id": trade.trade_id,
        "buy_tag": trade.enter_tag,
        "enter_tag": trade.enter_tag,
        "exchange": bot.spec.exchange.capitalize(),
        "pair": trade.pair,
        "leverage": 1.0,
        "direction": "Long",
        "limit": order.price,
        "order_rate": order.price,
        "stake_currency": bot.spec.currency,
        "base_currency": trade.base,
        "quote_currency": trade.quote,
        "fiat_currency": bot.spec.fiat or None,
        "sub_trade": False,
    }


def _exit(bot: SimBot, trade: Trade, order: Order, kind: str, profit: float, *, final: bool) -> Message:
    filled = kind == "exit_fill"
    ratio = profit / (order.amount * trade.open_rate * (1 + trade.fee))
    full = {
        **_common(bot, trade, order),
        "type": kind,
        "gain": "profit" if profit > 0 else "loss",
        "order_type": "" if filled and not bot.release.since("2022.12") else order.order_type,
        "amount": order.amount,
        "open_rate": trade.open_rate,
        "close_rate": order.price,
        "current_rate": None if filled else order.price,
        "profit_amount": profit,
        "profit_ratio": round(ratio, 8),
        "sell_reason": trade.exit_reason,
        "exit_reason": trade.exit_reason,
        "open_date": _date(bot, trade.open_ms),
        "close_date": _date(bot, order.filled_ms or order.placed_ms),
        "stake_amount": trade.stake_amount,
        "cumulative_profit": trade.realized_profit if filled else 0.0,
        "final_profit_ratio": trade.close_profit if final else None,
        "is_final_exit": final,
        "sub_trade": filled and not final,
    }
    return bot.release.shape("exit_message", full)


def _date(bot: SimBot, ms: int) -> str:
    return _zoned(ms) if bot.release.since("2023.3") else _naive(ms)


def _zoned(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _naive(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None).isoformat()
