"""What follows from the order of the days: how far profit fell, and how steadily it came."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bots.domain.sums import ZERO
from bots.models.money import WIDE

# Markets of these bots never close.
DAYS_A_YEAR = 365
PLACES = Decimal("1e-6")


@dataclass(frozen=True)
class Path:
    """Figures over days. None: not defined, or the days were not read."""

    drawdown_abs: Decimal | None = None
    sharpe: Decimal | None = None
    sortino: Decimal | None = None


def path_of(days: Mapping[date, Decimal], first: date, last: date) -> Path:
    """`days`: profit of the days that had a close, in one currency; every other day from first to last made nothing."""
    count = (last - first).days + 1
    return Path(drawdown(days), sharpe(days, count), sortino(days, count))


def drawdown(days: Mapping[date, Decimal]) -> Decimal:
    """The deepest fall of the cumulative profit from its highest point before, both at the ends of days; in money, zero
    or more. The beginning of the period counts as a point, at zero."""
    reached = peak = deepest = ZERO
    for day in sorted(days):
        reached += days[day]
        peak = max(peak, reached)
        deepest = max(deepest, peak - reached)
    return deepest


def sharpe(days: Mapping[date, Decimal], count: int) -> Decimal | None:
    """Mean over sample standard deviation of the daily profit, times the root of 365.

    W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management, 1994, with a riskless return of zero. Profit
    stands for return: against a capital that stays the same it cancels out. None for less than two days, or when every
    day made the same.
    """
    if count < 2:
        return None
    mean = WIDE.divide(sum(days.values(), ZERO), Decimal(count))
    idle = (count - len(days)) * mean * mean
    variance = WIDE.divide(sum(((profit - mean) ** 2 for profit in days.values()), idle), Decimal(count - 1))
    return yearly(mean, variance)


def sortino(days: Mapping[date, Decimal], count: int) -> Decimal | None:
    """As sharpe, over the downside deviation: the root of the mean square of the losing days, over all days.

    F. A. Sortino and L. N. Price, "Performance Measurement in a Downside Risk Framework", Journal of Investing, 1994,
    with a target of zero. None when no day lost.
    """
    if count < 2:
        return None
    mean = WIDE.divide(sum(days.values(), ZERO), Decimal(count))
    losses = sum((profit**2 for profit in days.values() if profit < 0), ZERO)
    return yearly(mean, WIDE.divide(losses, Decimal(count)))


def yearly(mean: Decimal, variance: Decimal) -> Decimal | None:
    if not variance:
        return None
    ratio = WIDE.divide(mean, WIDE.sqrt(variance)) * Decimal(DAYS_A_YEAR).sqrt(WIDE)
    return ratio.quantize(PLACES, context=WIDE)
