"""Whether the mirror agrees with the bot's own count and sum of its closed trades; if not, they are read again."""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from bots.domain.account import agrees
from bots.domain.log_lines import about
from bots.domain.polling.asking import History, PollResult
from bots.domain.polling.orders import PollOrder
from bots.models import BotRun

log = logging.getLogger(__name__)

# A full reading because count or sum differ: at most this often at the ordinary pace. Signs of another database do
# not wait.
REREAD_EVERY = timedelta(minutes=10)


def after_history(result: PollResult, run: BotRun, now: datetime) -> None:
    """Go on with a full reading in parts, or compare the mirror with what the bot says of itself."""
    turn, history = result.order.turn, result.history
    assert history is not None
    if history.full:
        numbers = [int(trade.trade_id) for trade in history.trades if trade.trade_id.isdigit()]
        turn.reread_offset = history.next_offset
        turn.reread_after = max(numbers, default=0) if history.next_offset is not None else 0
        turn.full_reread_at = turn.full_reread_at if history.unasked else now
        turn.mismatches = 0
    if turn.reread_offset is None and history.next_offset is None:
        result.order.status.history_at = now
    if history.full or turn.reread_offset is not None or history.next_offset is not None:
        return
    turn.mismatches = turn.mismatches + 1 if differs(result, run, history) else 0
    rested = turn.full_reread_at is None or now - turn.full_reread_at >= REREAD_EVERY * settings.PORTAL_POLL_PACE
    if turn.mismatches >= 2 and rested:
        demand_reread(result.order, run, f"the bot's closed trades are not the {run.closed_count} of the mirror")


def differs(result: PollResult, run: BotRun, history: History) -> bool:
    total = history.total if history.total is not None else counted_by_the_bot(result)
    if total is not None and total != run.closed_count:
        return True
    profit = result.profit
    if profit is None or profit.closed_abs is None or profit.closed_count != run.closed_count:
        return False
    return not agrees(profit, run)


def counted_by_the_bot(result: PollResult) -> int | None:
    """Closed trades as the bot counts them; some releases only count the open ones with them."""
    profit, listed = result.profit, result.open_trades
    if profit is None or profit.closed_count is not None:
        return profit.closed_count if profit else None
    return None if profit.trade_count is None or listed is None else profit.trade_count - len(listed.trades)


def demand_reread(order: PollOrder, run: BotRun, reason: str) -> None:
    slug = order.bot.slug
    log.info("%s: all closed trades are read again: %s", slug, reason, extra=about(slug, run))
    order.turn.reread_offset, order.turn.reread_after = 0, 0
