"""The curves of one bot: its balance over time, its profit day by day."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from bots.domain.fleet import BotRow
from bots.domain.profit import DAYS_SHOWN, ZERO, today_in
from bots.models import Bot, Snapshot

Point = tuple[datetime, Decimal]
# Word in the URL -> (what the page calls it, how far back; None: to the beginning).
PERIODS: dict[str, tuple[str, timedelta | None]] = {
    "1d": ("24 h", timedelta(days=1)),
    "14d": ("14 d", timedelta(days=14)),
    "90d": ("90 d", timedelta(days=90)),
    "all": ("All", None),
}
# A point has one grain: that of the hour or minute it begins, else fine. So finer curves take the coarser points in.
GRAINS = [[Snapshot.HOUR], [Snapshot.HOUR, Snapshot.MINUTE], [Snapshot.HOUR, Snapshot.MINUTE, Snapshot.FINE]]
ENOUGH_POINTS, MOST_POINTS = 100, 300


def period_of(word: str | None) -> str:
    return word if word in PERIODS else "14d"


def equity_of(bot: Bot, period: str) -> list[Point]:
    """Balance the bot manages, in its stake currency, oldest first; at most 300 points, the newest among them."""
    found = Snapshot.objects.filter(bot=bot, balance__isnull=False, currency=bot.status.stake_currency)
    back = PERIODS[period][1]
    if back:
        found = found.filter(at__gte=timezone.now() - back)
    points = finest_needed(found)
    stride = max(1, -(-len(points) // MOST_POINTS))
    return points[::-1][::stride][::-1]


def finest_needed(found: QuerySet[Snapshot]) -> list[Point]:
    """By the hour when that draws a curve; a young bot by the minute, or as finely as it was asked."""
    points: list[Point] = []
    for grains in GRAINS:
        rows = found.filter(grain__in=grains).order_by("at").values_list("at", "balance")
        points = [(at, balance) for at, balance in rows if balance is not None]
        if len(points) >= ENOUGH_POINTS:
            break
    return points


def daily_of(row: BotRow) -> list[tuple[date, Decimal]]:
    """Realized profit of each of the last 30 days in the team's zone."""
    today = today_in(row.bot.team.time_zone, timezone.now())
    days = [today - timedelta(days=age) for age in range(DAYS_SHOWN - 1, -1, -1)]
    return [(day, row.realized.days.get(day, ZERO)) for day in days]
