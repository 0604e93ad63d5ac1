"""Realized profit: one implementation of each figure, for pages, API and exports.

A trade counts in the currency and mode it was made in, on the day it closed in its team's time zone. Unlike currencies
and live and dry are never added. Trades the bot no longer has, and closed ones without a figure, are in no sum.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from bots.domain.latest import Latest, latest
from bots.models import Bot, BotStatus, Trade
from bots.models.money import ExactSum, exact
from bots.systems.contract import Daily, Performance, Profit

ZERO = Decimal(0)
DAYS_SHOWN = 30


class Purse(NamedTuple):
    """What may be added: one currency in one mode."""

    mode: str  # live, dry
    currency: str


@dataclass
class Realized:
    """Sums of one bot in one purse, in its currency. d7 and d30 count today as their last day."""

    today: Decimal = ZERO
    d7: Decimal = ZERO
    d30: Decimal = ZERO
    all: Decimal = ZERO
    wins: int = 0
    losses: int = 0
    trades: int = 0
    without_figure: int = 0  # closed trades whose profit the bot does not give
    days: dict[date, Decimal] = field(default_factory=dict)  # the last 30 days that had a close

    @property
    def win_rate(self) -> Decimal | None:
        """Winning among decided trades, as a ratio; None before the first."""
        decided = self.wins + self.losses
        return exact(Decimal(self.wins) / decided) if decided else None


def tells_closed_trades(status: BotStatus) -> bool:
    """False: what leaves the open trades of this bot is never heard of again, and no sum of ours has it."""
    return not status.capabilities or "closed_trades" in status.capabilities


OWN_SUMS = "bot's own sums"


@dataclass(frozen=True)
class OwnSums:
    """What a bot that tells nothing of its closed trades sums up itself: shown under the name `label`, added to
    nothing. Its days are UTC days, whatever the team's zone."""

    days: Latest[Daily]
    pairs: Latest[Performance]
    profit: Latest[Profit]
    label: str = OWN_SUMS


def own_sums(bot: Bot, now: datetime) -> OwnSums | None:
    """None where the mirror holds every closed trade, and while the bot gave none of them."""
    if tells_closed_trades(bot.status):
        return None
    sums = OwnSums(latest(bot, "daily", now), latest(bot, "performance", now), latest(bot, "profit", now))
    return sums if sums.days.value or sums.pairs.value or sums.profit.value else None


def today_in(zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone)).date()


def realized_by_bot(bots: Iterable[int], today: date) -> dict[int, dict[Purse, Realized]]:
    """Bot id -> purse -> sums. Two queries, whatever the number of bots."""
    ids = list(bots)
    found: dict[int, dict[Purse, Realized]] = defaultdict(lambda: defaultdict(Realized))
    for row in lifetime(ids):
        sums = found[row["bot"]][Purse(row["mode"], row["currency"])]
        sums.all = row["profit"] or ZERO
        sums.wins, sums.losses, sums.trades = row["wins"], row["losses"], row["trades"]
        sums.without_figure = row["trades"] - row["figures"]
    for row in by_day(ids, today - timedelta(days=DAYS_SHOWN - 1)):
        add_day(found[row["bot"]][Purse(row["mode"], row["currency"])], row["close_day"], row["profit"] or ZERO, today)
    return found


def lifetime(ids: list[int]) -> Iterable[Any]:
    return (
        Trade.objects.closed()
        .filter(bot__in=ids)
        .values("bot", "mode", "currency")
        .annotate(
            profit=ExactSum("profit_abs"),
            trades=Count("id"),
            figures=Count("profit_abs"),
            wins=Count("id", filter=Q(profit_abs__gt=0)),
            losses=Count("id", filter=Q(profit_abs__lt=0)),
        )
        .order_by()
    )


def by_day(ids: list[int], first: date) -> Iterable[Any]:
    return (
        Trade.objects.closed()
        .filter(bot__in=ids, close_day__gte=first)
        .values("bot", "mode", "currency", "close_day")
        .annotate(profit=ExactSum("profit_abs"))
        .order_by()
    )


def add_day(sums: Realized, day: date, profit: Decimal, today: date) -> None:
    day = min(day, today)  # a bot whose clock is ahead closes tomorrow: that is today
    age = (today - day).days
    sums.days[day] = sums.days.get(day, ZERO) + profit
    sums.d30 += profit
    if age < 7:
        sums.d7 += profit
    if age <= 0:
        sums.today += profit


def curve(sums: Realized, today: date) -> list[Decimal]:
    """Cumulative profit at the end of each of the last 30 days, oldest first."""
    reached, points = sums.all - sums.d30, []
    for age in range(DAYS_SHOWN - 1, -1, -1):
        reached += sums.days.get(today - timedelta(days=age), ZERO)
        points.append(reached)
    return points
