"""/whitelist, /blacklist, /locks and /pair_candles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..locks import Lock
from . import times

if TYPE_CHECKING:
    from ..bot import SimBot

Json = dict[str, Any]

CANDLE = ["date", "open", "high", "low", "close", "volume"]
SIGNALS = ["ma_fast", "ma_slow", "enter_tag", "enter_long", "exit_tag", "exit_long"]
MARKS = ["__date_ts", "_enter_long_signal_close", "_exit_long_signal_close"]


def whitelist(bot: SimBot) -> Json:
    pairs = list(bot.spec.whitelist)
    return {"whitelist": pairs, "length": len(pairs), "method": ["StaticPairList"]}


def blacklist(bot: SimBot, errors: dict[str, str] | None = None) -> Json:
    """`errors`: pair -> what was wrong with it; the status stays 200."""
    full = {
        "blacklist": bot.blacklist,
        "blacklist_expanded": bot.blacklist,
        "errors": {pair: {"error_msg": message} for pair, message in (errors or {}).items()},
        "length": len(bot.blacklist),
        "method": ["StaticPairList"],
    }
    return bot.release.shape("blacklist", full)


def locks(bot: SimBot) -> Json:
    active = bot.locks.active(bot.now() * 1000)
    return {"lock_count": len(active), "locks": [bot.release.shape("locks", lock_json(lock)) for lock in active]}


def lock_json(lock: Lock) -> Json:
    return {
        "id": lock.lock_id,
        "active": lock.active,
        "lock_end_time": times.text(lock.end_ms),
        "lock_end_timestamp": lock.end_ms,
        "lock_time": times.text(lock.start_ms),
        "lock_timestamp": lock.start_ms,
        "pair": lock.pair,
        "side": lock.side,
        "reason": lock.reason,
    }


def pair_candles(bot: SimBot, pair: str, timeframe: str, limit: int, columns: list[str] | None = None) -> Json:
    """An unknown pair is no error but an empty list."""
    known = pair in bot.spec.whitelist
    shown = [*CANDLE, *[name for name in SIGNALS if columns is None or name in columns or name.endswith("long")]]
    rows = [_candle(bot, pair, minutes_ms, shown) for minutes_ms in _starts(bot, limit)] if known else []
    full = {
        "strategy": bot.spec.strategy,
        "pair": pair,
        "timeframe": timeframe,
        "timeframe_ms": bot.timeframe_minutes * 60_000,
        "columns": [*shown, *MARKS] if known else [],
        "all_columns": [*CANDLE, *SIGNALS] if known else [],
        "data": rows,
        "annotations": [],
        **_signals(rows, shown),
        **_span(bot, rows),
    }
    return bot.release.shape("pair_candles", full)


def _starts(bot: SimBot, limit: int) -> list[int]:
    size = bot.timeframe_minutes * 60_000
    last = int(bot.now() * 1000) // size * size
    return [last - back * size for back in range(limit, 0, -1)]


def _candle(bot: SimBot, pair: str, start_ms: int, shown: list[str]) -> list[Any]:
    size = bot.timeframe_minutes * 60
    rates = [bot.market.rate(pair, start_ms / 1000 + size * part / 4) for part in range(5)]
    fast, slow = sum(rates[-3:]) / 3, sum(rates) / 5
    up = rates[-1] > rates[0]
    values = {
        "date": times.iso(start_ms, zulu=True) if bot.release.since("2023.8") else times.text(start_ms),
        "open": rates[0],
        "high": max(rates),
        "low": min(rates),
        "close": rates[-1],
        "volume": round(1 + abs(rates[-1] / rates[0] - 1) * 1000, 6),
        "ma_fast": fast,
        "ma_slow": slow,
        "enter_tag": "trend_up" if up else "",
        "enter_long": 1.0 if up else None,
        "exit_tag": "" if up else "trend_down",
        "exit_long": None if up else 1.0,
    }
    return [*(values[name] for name in shown), start_ms, rates[-1] if up else None, None if up else rates[-1]]


def _signals(rows: list[list[Any]], shown: list[str]) -> Json:
    enters = sum(1 for row in rows if row[shown.index("enter_long")])
    exits = sum(1 for row in rows if row[shown.index("exit_long")])
    return {
        "length": len(rows),
        "buy_signals": enters,
        "sell_signals": exits,
        "enter_long_signals": enters,
        "exit_long_signals": exits,
        "enter_short_signals": 0,
        "exit_short_signals": 0,
    }


def _span(bot: SimBot, rows: list[list[Any]]) -> Json:
    at = bot.last_process if rows else 0.0
    first, last = (rows[0][-3], rows[-1][-3]) if rows else (0, 0)
    zulu = bot.release.since("2023.8")
    return {
        "last_analyzed": times.iso(at * 1000, zulu=True) if zulu else times.text(int(at * 1000)),
        "last_analyzed_ts": int(at),
        "data_start_ts": first,
        "data_start": f"{times.text(first)}+00:00" if rows else "",
        "data_stop": f"{times.text(last)}+00:00" if rows else "",
        "data_stop_ts": last,
    }
