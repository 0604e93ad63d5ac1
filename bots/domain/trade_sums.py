"""Sums over a chosen set of trades: what the Trades page and a bot's page write above and beside their rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet

from bots.domain.profit import Purse
from bots.domain.sums import ZERO, win_rate
from bots.domain.trades import OpenRow
from bots.models import Trade
from bots.models.money import ExactSum
from bots.models.rollup import Figure

GROUPINGS = ("pair", "enter_tag", "exit_reason")


@dataclass
class PurseSum:
    """Profit of some trades of one purse, in its currency; None when not one of them has a figure."""

    purse: Purse
    trades: int = 0
    profit: Decimal | None = None
    missing: int = 0  # trades without a figure: counted, but not in the sum
    stale: int = 0  # open trades whose figure is old


def unrealized_of(rows: Iterable[OpenRow]) -> list[PurseSum]:
    """Live before dry, then by currency."""
    sums: dict[Purse, PurseSum] = {}
    for row in rows:
        purse = Purse(row.trade.mode, row.trade.currency)
        add_open(sums.setdefault(purse, PurseSum(purse)), row)
    return in_order(sums.values())


def add_open(total: PurseSum, row: OpenRow) -> None:
    total.trades += 1
    total.stale += row.stale or row.late
    if row.profit_abs is None:
        total.missing += 1
    else:
        total.profit = (total.profit or ZERO) + row.profit_abs


def realized_of(closed: QuerySet[Trade]) -> list[PurseSum]:
    """Of closed trades; one query."""
    found = (
        closed.order_by()
        .values("mode", "currency")
        .annotate(trades=Count("id"), figures=Count("profit_abs"), profit=ExactSum("profit_abs"))
    )
    return in_order(
        PurseSum(Purse(row["mode"], row["currency"]), row["trades"], row["profit"], row["trades"] - row["figures"])
        for row in found
    )


def in_order(sums: Iterable[PurseSum]) -> list[PurseSum]:
    return sorted(sums, key=lambda one: (one.purse.mode != "live", one.purse.currency))


@dataclass(frozen=True)
class GroupSum:
    """Closed trades that have one thing in common, all of one purse."""

    name: str  # "" when the bot gave none
    trades: int
    wins: int
    losses: int
    profit: Decimal | None

    @property
    def win_rate(self) -> Decimal | None:
        return win_rate(self.wins, self.losses)


def grouped(closed: QuerySet[Trade], by: str, purse: Purse) -> list[GroupSum]:
    """The purse's closed trades by one of GROUPINGS, highest profit first; one query."""
    if by not in GROUPINGS:
        raise ValueError(f"by: one of {', '.join(GROUPINGS)}")
    found = (
        closed.order_by()
        .filter(mode=purse.mode, currency=purse.currency)
        .annotate(sign=Figure("profit_abs"))
        .values(by)
        .annotate(
            trades=Count("id"),
            wins=Count("profit_abs", filter=Q(sign__gt=0)),
            losses=Count("profit_abs", filter=Q(sign__lt=0)),
            profit=ExactSum("profit_abs"),
        )
    )
    groups = [GroupSum(row[by] or "", row["trades"], row["wins"], row["losses"], row["profit"]) for row in found]
    return sorted(groups, key=lambda group: (group.profit is None, -(group.profit or ZERO), group.name))
