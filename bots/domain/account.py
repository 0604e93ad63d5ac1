"""A bot's own account of its closed trades, against what the mirror holds of them."""

from decimal import Decimal

from bots.models import BotRun
from bots.systems.contract import Profit

# Bots add floats: sums that agree to this share of what was traded are the same.
SAME_SUM = Decimal("1e-7")


def agrees(profit: Profit | None, run: BotRun | None) -> bool:
    """Whether the bot says it has the mirror's closed trades: as many, with the same sum. What it does not tell does
    not agree."""
    if profit is None or run is None or profit.closed_abs is None or profit.closed_count != run.closed_count:
        return False
    volume = max(abs(profit.closed_abs), profit.trading_volume or Decimal(0), Decimal(1))
    return abs(profit.closed_abs - run.closed_profit) <= volume * SAME_SUM
