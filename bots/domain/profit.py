"""Realized profit: one implementation of each figure, for pages, API and exports.

A trade counts in the currency and mode it was made in, on the day it closed in its team's time zone. Unlike currencies
and live and dry are never added. Trades the bot no longer has, and closed ones without a figure, are in no sum.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bots.domain.latest import Latest, latest
from bots.domain.sums import ZERO, win_rate
from bots.models import Bot, BotDay, BotLifetime, BotStatus
from bots.systems.contract import Daily, Performance, Profit

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
        return win_rate(self.wins, self.losses)


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
    for total in BotLifetime.objects.filter(bot__in=ids):
        sums = found[total.bot_id][Purse(total.mode, total.currency)]
        sums.all, sums.wins, sums.losses, sums.trades = total.profit, total.wins, total.losses, total.trades
        sums.without_figure = total.trades - total.figures
    days = BotDay.objects.filter(bot__in=ids, day__gte=today - timedelta(days=DAYS_SHOWN - 1))
    for bot, mode, currency, day, profit in days.values_list("bot", "mode", "currency", "day", "profit"):
        add_day(found[bot][Purse(mode, currency)], day, profit, today)
    return found


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
