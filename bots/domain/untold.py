"""Bots that tell nothing of a trade once it is closed (Freqtrade before 2020.4).

What leaves their open trades is kept as closed, its figures not given and so in no sum. What the bot itself sums up by
day and by pair stands in its readings, to be shown as the bot's own sums.
"""

from collections.abc import Iterable
from datetime import datetime

from bots.domain.polling.asking import PollResult
from bots.models import BotRun, Trade

NOT_TOLD = "this bot's release tells nothing of closed trades"
LOST = ("close_date", "close_rate", "profit_abs", "profit_ratio")
BEGUN_AGAIN = "trades are numbered from the beginning again"


def end_untold(run: BotRun, result: PollResult, now: datetime) -> int:
    """Trades that left the open ones. An entry that was still waiting was cancelled, as far as anyone can know: it is
    gone, and its id is free again. Returns how many count as closed."""
    if not result.ended:
        return 0
    rows = open_rows(run, result.ended)
    for row in rows:
        row.changed_at = now
        if entry_waits(row):
            row.gone_at = now
        else:
            row.is_open, row.realized_profit = False, None
            row.missing = [*row.missing, *({"figure": figure, "reason": NOT_TOLD} for figure in LOST)]
    Trade.objects.bulk_update(rows, ["is_open", "realized_profit", "missing", "gone_at", "changed_at"])
    return len(rows)


def open_rows(run: BotRun, keys: Iterable[tuple[str, int]]) -> list[Trade]:
    wanted = set(keys)
    found = Trade.objects.filter(run=run, is_open=True, gone_at=None, trade_id__in=[key[0] for key in wanted])
    return [row for row in found if (row.trade_id, row.open_ms) in wanted]


def entry_waits(row: Trade) -> bool:
    return any(order["is_open"] and order["side"] == "buy" for order in row.orders)


def begun_again(run: BotRun, result: PollResult) -> str:
    """Why this can not be the run's database any more; "" when it can.

    A filled trade stays in the bot's table, and a new one is numbered above all that are there: a new trade under a
    known number, or fewer trades than are known to have closed, come from another table.
    """
    profit = result.profit
    if profit is not None:
        counts = [count for count in (profit.closed_count, profit.trade_count) if count is not None]
        if counts and min(counts) < run.closed_count:
            return f"the bot counts {min(counts)} trades, {run.closed_count} are known to have closed"
    new = new_numbers(run, result)
    return BEGUN_AGAIN if new and min(new) <= highest_filled(run) else ""


def new_numbers(run: BotRun, result: PollResult) -> list[int]:
    listed = result.open_trades
    shown = {(each.trade.trade_id, each.trade.open_ms) for each in (listed.trades if listed else ())}
    known = Trade.objects.filter(run=run, trade_id__in=[trade_id for trade_id, _ in shown])
    unknown = shown - set(known.values_list("trade_id", "open_ms"))
    return [int(trade_id) for trade_id, _ in unknown if trade_id.isdigit()]


def highest_filled(run: BotRun) -> int:
    counted = Trade.objects.filter(run=run, gone_at=None).only("trade_id", "orders")
    return max((int(row.trade_id) for row in counted if row.trade_id.isdigit() and not entry_waits(row)), default=-1)
