"""/profit and /profit_all."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..figures import Closed, Drawdown, closed_figures, risk_figures
from . import times
from .groups import by_pair, shown_ratio

if TYPE_CHECKING:
    from ..bot import SimBot

Json = dict[str, Any]


def profit(bot: SimBot) -> Json:
    closed = bot.kept("closed", lambda: closed_figures(bot.book.closed_by_time, bot.spec.capital))
    full = {
        **_sums(bot, "closed", closed.coin, [closed.ratio_mean, closed.ratio_sum]),
        **_all_sums(bot, closed),
        **_counts_and_dates(bot, closed),
        **_quality(closed),
        **_risk(bot, closed),
        **_drawdown("max_drawdown", closed.worst),
        **_current_drawdown(closed.current),
    }
    if not bot.release.since("2021.7"):
        full = _former_percent(bot, full)
    return bot.release.shape("profit", full)


def _former_percent(bot: SimBot, full: Json) -> Json:
    """`_percent` was a mean per trade until 2021.2, and away until 2021.6."""
    names = ("profit_closed_percent", "profit_all_percent")
    if bot.release.since("2021.3"):
        return {name: value for name, value in full.items() if name not in names}
    return {**full, **{name: full[f"{name}_mean"] for name in names}}


def profit_all(bot: SimBot) -> Json:
    return {"all": profit(bot), "long": None, "short": None}


def _sums(bot: SimBot, which: str, coin: float, ratios: list[float]) -> Json:
    on_start, (average, total) = coin / bot.spec.capital, ratios
    return {
        f"profit_{which}_coin": coin,
        f"profit_{which}_percent_mean": _percent(average),
        f"profit_{which}_ratio_mean": average,
        f"profit_{which}_percent_sum": _percent(total),
        f"profit_{which}_ratio_sum": total,
        f"profit_{which}_percent": _percent(on_start),
        f"profit_{which}_ratio": on_start,
        f"profit_{which}_fiat": bot.fiat(coin),
    }


def _all_sums(bot: SimBot, closed: Closed) -> Json:
    """Closed and open together: one open trade without a price makes every figure NaN."""
    now = [(trade, bot.rate(trade.pair)) for trade in bot.book.open if trade.is_filled]
    coin = closed.coin + sum(trade.realized_profit + trade.profit_abs(rate) for trade, rate in now)
    ratios = closed.ratio_sum + sum(trade.profit_ratio(rate) for trade, rate in now)
    number = closed.count + len(bot.book.open)
    return _sums(bot, "all", _rounded(coin), [ratios / number if number else 0.0, ratios])


def _counts_and_dates(bot: SimBot, closed: Closed) -> Json:
    trades = [*bot.book.closed, *bot.book.open]
    first = min((trade.open_ms for trade in trades), default=0)
    latest = max((trade.open_ms for trade in trades), default=0)
    now_ms = bot.now() * 1000
    dated = bot.release.since("2023.5")
    return {
        "trade_count": len(trades),
        "closed_trade_count": closed.count,
        "first_trade_date": (times.text(first) if first else "") if dated else times.ago(first, now_ms),
        "first_trade_humanized": times.ago(first, now_ms),
        "first_trade_timestamp": first,
        "latest_trade_date": (times.text(latest) if latest else "") if dated else times.ago(latest, now_ms),
        "latest_trade_humanized": times.ago(latest, now_ms),
        "latest_trade_timestamp": latest,
        "avg_duration": str(timedelta(seconds=int(closed.seconds_mean))),
        "bot_start_timestamp": bot.born_ms,
        "bot_start_date": times.text(bot.born_ms),
        **_best_pair(bot),
    }


def _best_pair(bot: SimBot) -> Json:
    weighted = bot.release.since("2025.1")
    pairs = by_pair(bot)
    best = pairs[0] if pairs and weighted else max(pairs, key=lambda group: group.ratio_sum, default=None)
    ratio = shown_ratio(bot, best) if best else 0.0
    return {
        "best_pair": best.name if best else "",
        "best_rate": round(ratio * 100, 2),
        "best_pair_profit_ratio": ratio,
        "best_pair_profit_abs": best.profit_abs if best else 0.0,
    }


def _quality(closed: Closed) -> Json:
    return {
        "winning_trades": closed.wins,
        "losing_trades": closed.losses,
        "profit_factor": closed.profit_factor,
        "winrate": closed.wins / closed.count if closed.count else 0.0,
        "expectancy": closed.expectancy,
        "expectancy_ratio": closed.expectancy_ratio,
        "trading_volume": closed.volume,
    }


def _risk(bot: SimBot, closed: Closed) -> Json:
    days = max(1.0, (bot.now() - bot.born_ms / 1000) / 86_400)
    growth = max(0.0, 1 + closed.coin / bot.spec.capital) ** (365 / days) - 1
    calmar = closed.coin / bot.spec.capital / days * 365 / closed.worst.ratio if closed.worst.ratio else -100.0
    return {**risk_figures(closed.returns, days), "calmar": calmar, "cagr": growth}


def _drawdown(name: str, fall: Drawdown) -> Json:
    return {
        name: fall.ratio,
        f"{name}_abs": fall.abs,
        f"{name}_start": times.text(fall.start_ms) if fall.start_ms else "",
        f"{name}_start_timestamp": fall.start_ms,
        f"{name}_end": times.text(fall.end_ms) if fall.end_ms else "",
        f"{name}_end_timestamp": fall.end_ms,
    }


def _current_drawdown(fall: Drawdown) -> Json:
    shown = _drawdown("current_drawdown", fall)
    return {name: value for name, value in shown.items() if "_end" not in name} | {"current_drawdown_high": fall.high}


def _percent(ratio: float) -> float:
    return ratio if math.isnan(ratio) else round(ratio * 100, 2)


def _rounded(coin: float) -> float:
    return coin if math.isnan(coin) else round(coin, 8)
