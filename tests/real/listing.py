"""What a genuine bot has, asked of itself: its trades, open and closed, as its generation tells them.

Where a release offers a second way to the same list, the portal's is not taken: `limit=0` gives all closed trades at
once up to 2025.2. Before 2020.4 a bot tells nothing of closed trades; its own database file does.
"""

import sqlite3
from pathlib import Path

from tests.direct import DirectBot
from tests.real.figures import Answer, epoch_ms

Number = tuple[int, ...]
LISTS_TRADES, STAMPS_IN_UTC, REFUSES_LIMIT_0 = (2020, 4), (2020, 8), (2025, 3)
PAGE = 200
COLUMNS = "id, pair, open_date, close_date, open_rate, stake_amount, amount, is_open"


def open_trades(bot: DirectBot, number: Number) -> list[Answer]:
    return [stamped(trade, number) for trade in bot.get("status")]


def closed_trades(bot: DirectBot, number: Number) -> list[Answer]:
    """Ascending by id; none before 2020.4."""
    if number < LISTS_TRADES:
        return []
    trades = pages(bot) if number >= REFUSES_LIMIT_0 else bot.get("trades?limit=0")["trades"]
    closed = [stamped(trade, number) for trade in trades if not trade.get("is_open")]
    return sorted(closed, key=lambda trade: trade["trade_id"])


def pages(bot: DirectBot) -> list[Answer]:
    trades: list[Answer] = []
    while True:
        page = bot.get(f"trades?limit={PAGE}&offset={len(trades)}")
        trades += page["trades"]
        if not page["trades"]:
            assert len(trades) == page["total_trades"]
            return trades


def stamped(trade: Answer, number: Number) -> Answer:
    """With its moments in epoch milliseconds and whether it is open, whatever the release says of them: before 2020.8
    only the dates are UTC, before 2020.5 there are no others."""
    trade = {"is_open": True, **trade}
    if number < STAMPS_IN_UTC:
        for name in ("open", "close"):
            date, stamp = trade.get(f"{name}_date"), trade.get(f"{name}_timestamp") or 0
            trade[f"{name}_timestamp"] = None if date is None else epoch_ms(date) + int(stamp) % 1000
    return trade


def in_the_file(database: Path) -> list[Answer]:
    """Every trade of the bot's own database, with moments in whole seconds as its API would tell them."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)
    connection.row_factory = sqlite3.Row
    try:
        return [in_milliseconds(dict(row)) for row in connection.execute(f"SELECT {COLUMNS} FROM trades")]
    finally:
        connection.close()


def in_milliseconds(row: Answer) -> Answer:
    stamps = {
        f"{name}_timestamp": epoch_ms(row[f"{name}_date"]) if row[f"{name}_date"] else None
        for name in ("open", "close")
    }
    return {**row, **stamps, "open_timestamp": int(stamps["open_timestamp"] or 0) // 1000 * 1000}
