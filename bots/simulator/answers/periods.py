"""What is summed by day, week and month, and the wallet day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..figures import profit_of
from . import times

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..bot import SimBot

Json = dict[str, Any]


def daily(bot: SimBot, number: int) -> Json | list[list[str]]:
    today = _today(bot)
    told = _periods(bot, [today - timedelta(days=back) for back in range(number)], lambda day: day)
    if not bot.release.since("2020.5"):
        return [_as_row(bot, day) for day in told["data"]]
    if not bot.release.since("2020.8"):
        return {**told, "data": [_as_texts(bot, day) for day in told["data"]]}
    return told


def weekly(bot: SimBot, number: int) -> Json:
    monday = _monday(_today(bot))
    return _periods(bot, [monday - timedelta(weeks=back) for back in range(number)], _monday)


def monthly(bot: SimBot, number: int) -> Json:
    months, first = [], _today(bot).replace(day=1)
    for _ in range(number):
        months.append(first)
        first = (first - timedelta(days=1)).replace(day=1)
    return _periods(bot, months, lambda day: day.replace(day=1))


def _today(bot: SimBot) -> date:
    return datetime.fromtimestamp(bot.now(), UTC).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _periods(bot: SimBot, starts: list[date], start_of: Callable[[date], date]) -> Json:
    """Newest first; the balance at a period's start is today's minus what came since."""
    balance_now = bot.spec.capital + sum(map(profit_of, bot.book.closed))
    earned: dict[date, list[float]] = {start: [] for start in starts}
    for trade in bot.book.closed:
        start = start_of(times.moment(trade.close_ms or 0).date())
        if start in earned:
            earned[start].append(profit_of(trade))
    rows = []
    for start in starts:
        profits = sum(earned[start], 0.0)
        balance_now -= profits
        rows.append(_period(bot, start, profits, balance_now, len(earned[start])))
    return {"data": rows, "fiat_display_currency": bot.spec.fiat, "stake_currency": bot.spec.currency}


def _period(bot: SimBot, start: date, profits: float, before: float, number: int) -> Json:
    full = {
        "date": start.isoformat(),
        "abs_profit": profits,
        "rel_profit": round(profits / before, 8) if before else 0.0,
        "starting_balance": before,
        "fiat_value": bot.fiat(profits),
        "trade_count": number,
    }
    return bot.release.shape("period", full)


def _as_texts(bot: SimBot, day: Json) -> Json:
    """Numbers in texts, 2020.5 to 2020.7."""
    number = {"abs_profit": f"{day['abs_profit']:.8f}", "trade_count": str(day["trade_count"])}
    return {**day, **number, "fiat_value": f"{day['fiat_value']:.3f}"}


def _as_row(bot: SimBot, day: Json) -> list[str]:
    """Four texts, until 2020.4."""
    number = day["trade_count"]
    amount = f"{day['abs_profit']:.8f} {bot.spec.currency}"
    worth = f"{day['fiat_value']:.3f} {bot.spec.fiat}"
    return [day["date"], amount, worth, f"{number} trade{'' if number < 2 else 's'}"]


def historic_balance(bot: SimBot) -> Json:
    """Midnight captures of the whole wallet since birth."""
    total, rows = bot.spec.capital, []
    waiting = bot.book.closed_by_time[:]
    day = times.moment(bot.born_ms).date()
    while day <= _today(bot):
        start_ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
        while waiting and (waiting[0].close_ms or 0) < start_ms:
            total += profit_of(waiting.pop(0))
        rows.append([f"{day.isoformat()}T00:00:00", start_ms, total])
        day += timedelta(days=1)
    columns = ["date", "__date_ts", "total_quote"]
    return {"columns": columns, "length": len(rows), "data": rows, "capture_start_ts": bot.born_ms}
