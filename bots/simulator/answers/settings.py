"""/show_config, /version, /health, /sysinfo, /logs and the strategy's endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import times

if TYPE_CHECKING:
    from ..bot import SimBot

Json = dict[str, Any]

CODE = "from freqtrade.strategy import IStrategy\n\n\nclass {name}(IStrategy):\n    timeframe = {timeframe!r}\n"
PLOT = {"main_plot": {"ma_fast": {"color": "blue"}, "ma_slow": {}}, "subplots": {}}


def version(bot: SimBot) -> Json:
    return {"version": bot.release.text}


def show_config(bot: SimBot) -> Json:
    web = bot.faults.webserver_mode
    full = {
        "version": bot.release.text,
        "strategy_version": None if web else "sim-1",
        "api_version": bot.release.api_version,
        **_money(bot),
        **_strategy_settings(bot, web),
        **_orders(bot),
        **_former_names(bot),
        "exchange": bot.spec.exchange,
        "demo_trading": False,
        "force_entry_enable": bot.spec.force_entry,
        "bot_name": bot.spec.name,
        "state": "" if web else bot.state,
        "runmode": "webserver" if web else "dry_run" if bot.dry_run else "live",
        "position_adjustment_enable": bot.spec.position_adjustment,
        "max_entry_position_adjustment": -1,
    }
    return bot.release.shape("show_config", full)


def _money(bot: SimBot) -> Json:
    stake = bot.spec.stake
    return {
        "dry_run": str(bot.dry_run) if bot.release.versions == (2021, 1) else bot.dry_run,
        "trading_mode": "spot",
        "margin_mode": "",
        "short_allowed": False,
        "stake_currency": bot.spec.currency,
        "stake_amount": str(stake) if bot.release.since("2022.2") else stake,
        "available_capital": None,
        "stake_currency_decimals": 8 if bot.spec.currency == "BTC" else 3,
        "max_open_trades": float(bot.max_open_trades) if bot.release.since("2023.1") else bot.max_open_trades,
    }


def _strategy_settings(bot: SimBot, web: bool) -> Json:
    return {
        "minimal_roi": {} if web else {"0": 0.03, "60": 0.012, "180": 0.0 if bot.release.since("2022.4.1") else -1},
        "stoploss": None if web else -0.1,
        "stoploss_on_exchange": False,
        "trailing_stop": None if web else False,
        "trailing_stop_positive": None,
        "trailing_stop_positive_offset": None if web else 0.0,
        "trailing_only_offset_is_reached": None if web else False,
        "use_custom_stoploss": None if web else False,
        "strategy": bot.spec.strategy,
        "timeframe": None if web else bot.spec.timeframe,
        "timeframe_ms": 0 if web else bot.timeframe_minutes * 60_000,
        "timeframe_min": 0 if web else bot.timeframe_minutes,
    }


def _orders(bot: SimBot) -> Json:
    book = {"price_side": "same", "use_order_book": True, "order_book_top": 1}
    depth = {"enabled": False, "bids_to_ask_delta": 1}
    types = {
        "entry": "limit",
        "exit": "limit",
        "emergency_exit": "market",
        "force_exit": "market",
        "force_entry": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
        "stoploss_on_exchange_interval": None,
    }
    return {
        "unfilledtimeout": {"entry": 20, "exit": 20, "unit": "seconds", "exit_timeout_count": 0},
        "order_types": None if bot.faults.webserver_mode else bot.release.shape("order_types", types),
        "exit_pricing": book,
        "entry_pricing": {**book, "price_last_balance": 0.0, "check_depth_of_market": depth},
    }


def _former_names(bot: SimBot) -> Json:
    """Until 2022.3."""
    depth = {"enabled": False, "bids_to_ask_delta": 1}
    book = {"use_order_book": False, "order_book_top": 1}
    ask = {"order_book_min": 1, "order_book_max": 1, "price_side": "bid"}
    sell = {"use_sell_signal": True, "sell_profit_only": False, "ignore_roi_if_buy_signal": False}
    late = {"sell_profit_offset": 0.0, "ignore_buying_expired_candle_after": 0}
    return {
        "ticker_interval": bot.spec.timeframe,
        "forcebuy_enabled": bot.spec.force_entry,
        "ask_strategy": {**book, **ask, **sell, **late},
        "bid_strategy": {**book, "ask_last_balance": 0.0, "price_side": "ask", "check_depth_of_market": depth},
    }


def health(bot: SimBot) -> Json:
    """`*_ts` are epoch seconds here, unlike everywhere else."""
    at, zulu = bot.last_process, bot.release.since("2023.8")
    full = {
        "last_process": times.iso(at * 1000, zulu),
        "last_process_ts": int(at),
        "bot_start": times.iso(bot.born_ms // 1000 * 1000, zulu),
        "bot_start_ts": bot.born_ms // 1000,
        "bot_startup": times.iso(bot.started * 1000, zulu),
        "bot_startup_ts": int(bot.started),
    }
    return bot.release.shape("health", full)


def sysinfo(bot: SimBot) -> Json:
    full = {
        "cpu_pct": [21.4, 17.9],
        "cpu_load": [{"cpu": 0, "pct": 21.4}, {"cpu": 1, "pct": 17.9}],
        "cpu_load_avg": {"1m": 0.42, "5m": 0.38, "15m": 0.33},
        "cpu_count": 2,
        "cpu_avg": 19.65,
        "ram_pct": 34.1,
    }
    return bot.release.shape("sysinfo", full)


def logs(bot: SimBot, limit: int | None) -> Json:
    """The newest `limit` lines, oldest first; the time is epoch ms as a float."""
    lines = list(bot.log)[-limit:] if limit else list(bot.log)
    return {"log_count": len(lines), "logs": lines}


def strategies(bot: SimBot) -> Json:
    return {"strategies": [bot.spec.strategy]}


def strategy(bot: SimBot) -> Json:
    code = CODE.format(name=bot.spec.strategy, timeframe=bot.spec.timeframe)
    full: Json = {"strategy": bot.spec.strategy, "timeframe": bot.spec.timeframe, "params": [], "code": code}
    return bot.release.shape("strategy", full)


def markets(bot: SimBot) -> Json:
    def market(pair: str) -> Json:
        base, _, quote = pair.partition("/")
        return {"symbol": pair, "base": base, "quote": quote, "spot": True, "swap": False, "active": True}

    return {"markets": {pair: market(pair) for pair in sorted(bot.spec.whitelist)}, "exchange_id": bot.spec.exchange}
