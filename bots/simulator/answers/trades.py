"""Trades as /status, /trade/{id}, /trades and the commands show them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..trades import Order, Trade
from . import times

if TYPE_CHECKING:
    from ..bot import SimBot

Json = dict[str, Any]


def open_trade(bot: SimBot, trade: Trade) -> Json:
    """One trade, open or closed, with its figures at the current rate."""
    rate = (bot.rate(trade.pair) if trade.is_open else trade.close_rate) or 0.0
    fixed = bot.kept(f"trade/{trade.trade_id}", lambda: _fixed(bot, trade))
    moving = {**profit_now(bot, trade, rate), **distances(bot, trade, rate), **_totals(bot, trade, rate)}
    former = {} if bot.release.since("2021.4") else {"base_currency": bot.spec.currency}  # which is the quote
    return {**fixed, **bot.release.shape("trade", moving), **former}


def _fixed(bot: SimBot, trade: Trade) -> Json:
    """What does not follow the price."""
    orders = [bot.release.shape("order", _order(trade, order)) for order in trade.orders]
    return bot.release.shape("trade", {**lasting(bot, trade), **_market(bot, trade), "orders": orders})


def lasting(bot: SimBot, trade: Trade) -> Json:
    """The union of all releases."""
    return {**_identity(bot, trade), **_entry(bot, trade), **_exit(bot, trade), **_stop(bot, trade)}


def fresh_trade(bot: SimBot, trade: Trade) -> Json:
    """What forceenter answers: no figures that need a current rate."""
    full = {
        **lasting(bot, trade),
        **dict.fromkeys(("profit_ratio", "profit_pct", "profit_abs", "profit_fiat")),
        **_market(bot, trade),
        "orders": [bot.release.shape("order", _order(trade, order)) for order in trade.orders],
    }
    full.pop("open_order", None)
    return without_stop(bot, bot.release.shape("trade", full))


def without_stop(bot: SimBot, answer: Json) -> Json:
    """Bots of 2020 and 2021 set the stop in the next turn of their loop."""
    if bot.release.since("2022.4.1"):
        return answer
    stops = {name: 0.0 if name.endswith(("loss", "abs")) else None for name in answer if "stop_loss" in name}
    return {**answer, **stops}


def listed_trade(bot: SimBot, trade: Trade) -> Json:
    """One closed trade of /trades: unfiltered, so with other fields than /trade/{id}."""
    lasted = ((trade.close_ms or trade.open_ms) - trade.open_ms) // 1000
    full = {
        **lasting(bot, trade),
        **_profit_closed(trade),
        **_market(bot, trade),
        "trade_duration_s": lasted,
        "trade_duration": lasted // 60,
        "contract_size": 1.0,
        "precision_mode_price": 4,
        "orders": [bot.release.shape("listed_order", _listed_order(trade, order)) for order in trade.orders],
    }
    full.pop("open_order")
    return bot.release.shape("listed_trade", full)


def _identity(bot: SimBot, trade: Trade) -> Json:
    return {
        "trade_id": trade.trade_id,
        "pair": trade.pair,
        "base_currency": trade.base,
        "quote_currency": trade.quote,
        "is_open": trade.is_open,
        "is_short": False,
        "exchange": bot.spec.exchange,
        "strategy": trade.strategy,
        "timeframe": bot.timeframe_minutes,
        "buy_tag": trade.enter_tag,
        "enter_tag": trade.enter_tag,
        "nr_of_successful_entries": trade.entries_filled,
        "nr_of_successful_exits": trade.exits_filled,
        "has_open_orders": bool(trade.open_orders),
        "open_order_id": trade.open_orders[0].order_id if trade.open_orders else None,
        "open_order": _order_words(trade),
    }


def _order_words(trade: Trade) -> str | None:
    pending = trade.open_orders
    return f"({pending[0].order_type} {pending[0].side} rem={pending[0].amount:.8f})" if pending else None


def _shows_hopes(bot: SimBot, trade: Trade) -> bool:
    """Older bots show a trade whose entry waits as if it held what was asked for (2022.9.1; 2026.9 says 0.0)."""
    return not trade.is_filled and not bot.release.since("2024.4")


def _entry(bot: SimBot, trade: Trade) -> Json:
    paid = trade.max_stake_amount if trade.is_filled else None
    return {
        "amount": trade.amount_requested if _shows_hopes(bot, trade) else trade.amount,
        "amount_requested": trade.amount_requested,
        "stake_amount": trade.stake_amount,
        "max_stake_amount": paid,
        "fee_open": trade.fee,
        "fee_open_cost": None if paid is None else paid * trade.fee,
        "fee_open_currency": None if paid is None else trade.quote,
        "open_date": times.text(trade.open_ms),
        "open_date_hum": times.ago(trade.open_ms, bot.now_ms()),
        "open_timestamp": trade.open_ms,
        "open_fill_date": times.text(trade.open_fill_ms),
        "open_fill_timestamp": trade.open_fill_ms,
        "open_rate": trade.open_rate,
        "open_rate_requested": trade.orders[0].price if trade.orders else trade.open_rate,
        "open_trade_value": trade.hoped_value if _shows_hopes(bot, trade) else trade.open_value,
    }


def _exit(bot: SimBot, trade: Trade) -> Json:
    ratio = trade.close_profit
    reason = times.reason(trade.exit_reason, bot.release.since("2022.4.1"))
    status = None if trade.exit_reason is None else "" if trade.is_open else "closed"
    realized = trade.realized_profit
    part = realized / trade.entered_value if trade.entered_value and trade.exits_filled else None
    return {
        "fee_close": trade.fee,
        "fee_close_cost": trade.fee_close_cost,
        "fee_close_currency": trade.quote if trade.fee_close_cost is not None else None,
        "close_date": times.text(trade.close_ms),
        "close_date_hum": times.ago(trade.close_ms, bot.now_ms()) if trade.close_ms else None,
        "close_timestamp": trade.close_ms,
        "close_rate": trade.close_rate,
        "close_rate_requested": trade.close_rate_requested,
        "close_profit": ratio,
        "close_profit_pct": _percent(ratio if ratio is not None else part),
        "close_profit_abs": trade.close_profit_abs,
        "realized_profit": realized,
        "realized_profit_ratio": part,
        "sell_reason": reason,
        "exit_reason": reason,
        "exit_order_status": status,
        "sell_order_status": status,
    }


def _profit_closed(trade: Trade) -> Json:
    return {
        "profit_ratio": trade.close_profit,
        "profit_pct": _percent(trade.close_profit),
        "profit_abs": trade.close_profit_abs,
    }


def profit_now(bot: SimBot, trade: Trade, rate: float) -> Json:
    if not trade.is_open:
        profit = trade.close_profit_abs or 0.0
        now: Json = {**_profit_closed(trade), "profit_fiat": bot.fiat(profit)}
    elif not trade.is_filled:
        now = {"profit_ratio": 0.0, "profit_pct": 0.0, "profit_abs": 0.0, "profit_fiat": 0.0}
    else:
        ratio, profit = trade.profit_ratio(rate), trade.profit_abs(rate)
        now = {
            "profit_ratio": ratio,
            "profit_pct": _percent(ratio),
            "profit_abs": profit,
            "profit_fiat": bot.fiat(profit),
        }
    old = {
        "current_profit": now["profit_ratio"],
        "current_profit_pct": now["profit_pct"],
        "current_profit_abs": now["profit_abs"],
    }
    return {**now, **old, "current_rate": rate}


def _stop(bot: SimBot, trade: Trade) -> Json:
    stop = _stop_rate(bot, trade)
    ratio = None if _shows_hopes(bot, trade) else trade.stop_ratio
    return {
        "stop_loss_abs": stop,
        "stop_loss_ratio": ratio,
        "stop_loss_pct": _percent(ratio),
        "stoploss_order_id": None,
        "stoploss_last_update": None,
        "stoploss_last_update_timestamp": None,
        "initial_stop_loss_abs": stop,
        "initial_stop_loss_ratio": ratio,
        "initial_stop_loss_pct": _percent(ratio),
        "min_rate": trade.min_rate or None,
        "max_rate": trade.max_rate,
    }


def _stop_rate(bot: SimBot, trade: Trade) -> float:
    return 0.0 if _shows_hopes(bot, trade) else round(trade.open_rate * (1 + trade.stop_ratio), 8)


def distances(bot: SimBot, trade: Trade, rate: float) -> Json:
    """From the current rate, and from the entry, to the stop."""
    stop = _stop_rate(bot, trade)
    ratio = round(stop / rate - 1, 8) if rate else math.nan
    at_entry = trade.profit_abs(stop)
    return {
        "stoploss_current_dist": round(stop - rate, 8),
        "stoploss_current_dist_ratio": ratio,
        "stoploss_current_dist_pct": _percent(ratio),
        "stoploss_entry_dist": at_entry,
        "stoploss_entry_dist_ratio": round(at_entry / trade.open_value, 8) if trade.open_value else 0.0,
    }


def _market(bot: SimBot, trade: Trade) -> Json:
    steps = bot.release.since("2025.1")
    return {
        "leverage": 1.0,
        "interest_rate": 0.0,
        "liquidation_price": None,
        "funding_fees": 0.0,
        "trading_mode": "spot",
        "amount_precision": 1e-05 if steps else 5.0,
        "price_precision": 0.01 if steps else 2.0,
        "precision_mode": 4 if steps else 2,
    }


def _totals(bot: SimBot, trade: Trade, rate: float) -> Json:
    """Realized and open profit together; nothing of it once the trade is closed."""
    if not trade.is_open:
        return {"total_profit_abs": 0.0, "total_profit_fiat": 0.0, "total_profit_ratio": None}
    total = trade.realized_profit + (trade.profit_abs(rate) if trade.is_filled else 0.0)
    return {
        "total_profit_abs": total,
        "total_profit_fiat": bot.fiat(total),
        "total_profit_ratio": round(total / trade.entered_value, 8) if trade.entered_value else None,
    }


def _order(trade: Trade, order: Order) -> Json:
    return {
        "pair": trade.pair,
        "order_id": order.order_id,
        "status": order.status,
        "remaining": round(order.amount - order.filled, 8),
        "amount": order.amount,
        "safe_price": order.price,
        "cost": order.cost,
        "filled": order.filled,
        "ft_order_side": order.side,
        "order_type": order.order_type,
        "is_open": order.is_open,
        "order_timestamp": order.placed_ms,
        "order_filled_timestamp": order.filled_ms,
        "ft_fee_base": None,
        "ft_order_tag": order.tag,
    }


def _listed_order(trade: Trade, order: Order) -> Json:
    return {
        **_order(trade, order),
        "ft_is_entry": order.side == "buy",
        "average": order.price,
        "price": order.price,
        "order_date": times.text(order.placed_ms),
        "order_filled_date": times.text(order.filled_ms),
        "funding_fee": 0.0,
    }


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else ratio if math.isnan(ratio) else round(ratio * 100, 2)
