"""A bot's own account of its closed trades, against what the mirror holds of them."""

from collections.abc import Iterable
from decimal import Decimal

from bots.models import BotRun
from bots.systems.contract import Profit

# Bots add floats: sums that agree to this share of what was traded are the same ...
SAME_SUM = Decimal("1e-7")
# ... and where no reading bears them out: to the place they are rounded to, and to what adding in another order makes.
ROUNDED, REORDERED = Decimal("1e-8"), Decimal("1e-12")


def agrees(profit: Profit, run: BotRun) -> bool:
    """Whether it counts as many closed trades as the mirror holds, with the same sum. Not, where it does not tell."""
    return off(profit, run) <= volume(profit) * SAME_SUM


def is_to_the_letter(profit: Profit, run: BotRun, opened: Iterable[int]) -> bool:
    """Whether it can be of no other closed trades: count and sum agree, and so does the opening of the newest trade to
    the millisecond. `opened`: epoch ms, of the open trades."""
    newest = max([run.anchor_ms, *opened])
    return profit.latest_trade_ms == newest and off(profit, run) <= ROUNDED + volume(profit) * REORDERED


def off(profit: Profit, run: BotRun) -> Decimal:
    """By how much the sums differ; infinitely where other trades are counted, or the bot does not tell."""
    if profit.closed_abs is None or profit.closed_count != run.closed_count:
        return Decimal("Infinity")
    return abs(profit.closed_abs - run.closed_profit)


def volume(profit: Profit) -> Decimal:
    return max(abs(profit.closed_abs or Decimal(0)), profit.trading_volume or Decimal(0), Decimal(1))
