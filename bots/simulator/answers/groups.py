"""What is summed by pair, entry tag and exit reason: /performance, /entries, /exits, /mix_tags, /stats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..figures import Group, grouped, mean, ratio_of, seconds_of
from ..trades import Trade
from . import times

if TYPE_CHECKING:
    from ..bot import SimBot

Json = dict[str, Any]


def performance(bot: SimBot) -> list[Json]:
    rows = ({"pair": g.name, "profit": round(shown_ratio(bot, g) * 100, 2), **_share(bot, g)} for g in by_pair(bot))
    return [bot.release.shape("performance", row) for row in rows]


def by_pair(bot: SimBot) -> list[Group]:
    """Best profit first."""
    return bot.kept("pairs", lambda: grouped(bot.book.closed, lambda trade: trade.pair))


def entries(bot: SimBot, pair: str | None) -> list[Json]:
    found = grouped(_closed_of(bot, pair), lambda trade: trade.enter_tag or "Other")
    return [{**_share(bot, group), "enter_tag": group.name} for group in found]


def exits(bot: SimBot, pair: str | None) -> list[Json]:
    found = grouped(_closed_of(bot, pair), lambda trade: trade.exit_reason or "Other")
    return [{**_share(bot, group), "exit_reason": group.name} for group in found]


def mix_tags(bot: SimBot, pair: str | None) -> list[Json]:
    """Here the ratio stayed a sum in all releases."""
    found = grouped(_closed_of(bot, pair), lambda t: f"{t.enter_tag or 'Other'} {t.exit_reason or 'Other'}")
    return [{**_share(bot, group, group.ratio_sum), "mix_tag": group.name} for group in found]


def _closed_of(bot: SimBot, pair: str | None) -> list[Trade]:
    return [trade for trade in bot.book.closed if pair in (None, trade.pair)]


def _share(bot: SimBot, group: Group, ratio: float | None = None) -> Json:
    shown = shown_ratio(bot, group) if ratio is None else ratio
    return {
        "profit_ratio": shown,
        "profit_pct": round(shown * 100, 2),
        "profit_abs": group.profit_abs,
        "count": group.count,
    }


def shown_ratio(bot: SimBot, group: Group) -> float:
    """A sum of ratios in 2024.3, profit on stake in 2026.9; where between them it changed was not seen."""
    return group.stake_weighted if bot.release.since("2025.1") else group.ratio_sum


def stats(bot: SimBot) -> Json:
    reasons: dict[str, Json] = {}
    seconds: dict[str, list[float]] = {"wins": [], "draws": [], "losses": []}
    renamed = bot.release.since("2022.4.1")
    for trade in bot.book.closed_by_time:
        how = "wins" if ratio_of(trade) > 0 else "losses" if ratio_of(trade) < 0 else "draws"
        reason = times.reason(trade.exit_reason, renamed) or ""
        reasons.setdefault(reason, {"wins": 0, "losses": 0, "draws": 0})[how] += 1
        seconds[how].append(seconds_of(trade))
    durations = {how: mean(s) if s else None for how, s in seconds.items()}
    if not bot.release.since("2022.2"):
        return {"sell_reasons": reasons, "durations": {how: _in_words(s) for how, s in durations.items()}}
    return {_reasons_name(bot): reasons, "durations": durations}


def _reasons_name(bot: SimBot) -> str:
    return "exit_reasons" if bot.release.since("2022.4.1") else "sell_reasons"


def _in_words(seconds: float | None) -> str:
    return "N/A" if seconds is None else str(seconds)
