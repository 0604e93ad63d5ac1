"""Trades as the releases before 2020.12 show them: fields by the release that brought them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..trades import Trade
from . import trades

if TYPE_CHECKING:
    from ..bot import SimBot

Json = dict[str, Any]

# First release with it -> the fields of a trade, open or closed.
LASTING = {
    "2020.1": "trade_id pair open_date_hum open_date close_date_hum close_date open_rate close_rate amount stake_amount"
    " stop_loss stop_loss_pct initial_stop_loss initial_stop_loss_pct",
    "2020.4": "is_open fee_open fee_close open_rate_requested open_trade_price close_rate_requested close_profit"
    " sell_reason min_rate max_rate strategy ticker_interval open_order_id",
    "2020.5": "open_timestamp close_timestamp",
    "2020.6": "exchange timeframe fee_open_cost fee_open_currency fee_close_cost fee_close_currency close_profit_abs"
    " sell_order_status stop_loss_abs stop_loss_ratio stoploss_order_id stoploss_last_update"
    " stoploss_last_update_timestamp initial_stop_loss_abs initial_stop_loss_ratio",
    "2020.8": "amount_requested",
}
# ... and what /status adds.
MOVING = {
    "2020.1": "base_currency close_profit current_rate current_profit open_order",
    "2020.5": "close_profit_pct current_profit_pct",
    "2020.6": "current_profit_abs stoploss_current_dist stoploss_current_dist_ratio stoploss_entry_dist"
    " stoploss_entry_dist_ratio",
    "2020.8": "stoploss_current_dist_pct",
}


def open_trade(bot: SimBot, trade: Trade) -> Json:
    """Of /status. The profit is in percent until 2020.4, a ratio after; a close would be in words."""
    rate = (bot.rate(trade.pair) if trade.is_open else trade.close_rate) or 0.0
    now = trades.profit_now(bot, trade, rate)
    full = {**_lasting(bot, trade), **trades.distances(bot, trade, rate), **now}
    full["base_currency"] = bot.spec.currency  # which is the quote
    full["close_profit"] = full["close_profit_pct"] = None
    if not bot.release.since("2020.5"):
        full["current_profit"] = now["current_profit_pct"]
    return _only(bot, full, LASTING, MOVING)


def listed_trade(bot: SimBot, trade: Trade) -> Json:
    """Of /trades and of the commands."""
    return _only(bot, _lasting(bot, trade), LASTING)


def _lasting(bot: SimBot, trade: Trade) -> Json:
    full = trades.lasting(bot, trade)
    shift_ms = 0 if bot.release.since("2020.8") else bot.spec.zone_hours * 3_600_000
    return {
        **full,
        "open_timestamp": trade.open_ms - shift_ms,
        "close_timestamp": None if trade.close_ms is None else trade.close_ms - shift_ms,
        "stop_loss": full["stop_loss_abs"],
        "initial_stop_loss": full["initial_stop_loss_abs"],
        "ticker_interval": full["timeframe"],
        "open_trade_price": full["open_trade_value"],
    }


def _only(bot: SimBot, full: Json, *tables: dict[str, str]) -> Json:
    known = [names for table in tables for since, names in table.items() if bot.release.since(since)]
    return {name: full[name] for names in known for name in names.split()}
