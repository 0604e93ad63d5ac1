"""The report: rows by group, totals by currency and mode, and the days in their order.

Unlike currencies and live and dry are never added: every row and every total is of one purse.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.utils import timezone

from accounts.models import User
from bots.domain.freshness import freshness_of
from bots.domain.profit import Purse, tells_closed_trades, today_in
from bots.domain.reports.cells import Scope, cells_for
from bots.domain.reports.path import Path, path_of
from bots.domain.reports.query import OF_TIME, ReportQuery
from bots.domain.sums import ZERO, Sums
from bots.models import Bot
from bots.models.money import plain
from bots.models.rollup import UNDATED

FIGURES = (
    "trades", "wins", "losses", "draws", "without_figure", "win_rate", "profit_abs", "profit_ratio", "profit_factor",
    "expectancy", "average_held_seconds", "drawdown_abs", "sharpe", "sortino", "cumulative",
)  # fmt: skip
COLUMNS = ("group", "name", "currency", "mode", *FIGURES)  # of a row, wherever it is written
OF_THE_PATH = {"drawdown_abs", "sharpe", "sortino"}


@dataclass
class Row:
    """Closed trades that have one thing in common, all of one currency and mode. Money in the currency."""

    group: str | None  # "2026-11-21", "2026-W47", "2026-11", a bot's slug, a pair ...; None: they have none
    purse: Purse
    name: str = ""  # as people read it
    sums: Sums = field(default_factory=Sums)
    days: dict[date, Decimal] = field(default_factory=dict)
    period: tuple[date, date] | None = None  # first and last day, where all of them were read
    cumulative: Decimal | None = None  # profit from the period's beginning to this group's end; only over time

    @property
    def mode(self) -> str:
        return self.purse.mode

    @property
    def currency(self) -> str:
        return self.purse.currency

    @property
    def profit_abs(self) -> Decimal | None:
        return plain(self.sums.profit) if self.sums.figures else None

    def figure(self, name: str) -> Any:
        """One of FIGURES; None: not known or not defined."""
        if name in ("profit_abs", "cumulative"):
            value = getattr(self, name)
        else:
            value = getattr(self.path if name in OF_THE_PATH else self.sums, name)
        return plain(value) if isinstance(value, Decimal) else value

    @cached_property
    def path(self) -> Path:
        """Only of rows that somebody looks at: it costs more than all their sums."""
        return path_of(self.days, *self.period) if self.period else Path()

    def add(self, day: date | None, sums: Sums) -> None:
        self.sums.add(sums)
        if day not in (None, UNDATED) and sums.figures:
            assert day is not None
            self.days[day] = self.days.get(day, ZERO) + sums.profit

    def take_in(self, other: "Row") -> None:
        self.sums.add(other.sums)
        for day, profit in other.days.items():
            self.days[day] = self.days.get(day, ZERO) + profit


@dataclass(frozen=True)
class Report:
    query: ReportQuery  # with the period as days
    rows: list[Row]
    totals: list[Row]  # live before dry, then by currency
    today: date
    zone: str  # in which days begin; several teams' own zones: "UTC, Asia/Tokyo"
    dated: bool  # the days were read one by one: drawdown, Sharpe and Sortino are there
    bots: int
    fresh: int
    oldest_age_seconds: float | None
    not_whole: list[str]  # slugs of bots whose closed trades are not read to their end, or not told

    @property
    def first(self) -> date:
        """The first day of the period, or the first with a close."""
        return self.query.since or min((day for total in self.totals for day in total.days), default=self.today)

    @property
    def last(self) -> date:
        return self.query.until or self.today


def report_for(user: User, query: ReportQuery, now: datetime | None = None) -> Report:
    """Of the bots this person may see, retired ones among them: what they made is part of the past."""
    now = now or timezone.now()
    scope = scope_for(user, query)
    today = max((today_in(zone, now) for zone in ({query.zone} - {""} or scope.zones)), default=today_in("UTC", now))
    query = query.within(today)
    names = {bot.pk: bot for bot in scope.bots}
    rows: dict[tuple[Any, Purse], Row] = {}
    totals: dict[Purse, Row] = {}
    dated = True
    for group, purse, day, sums in cells_for(query, scope):
        shown = min(day, today) if day else None  # a bot whose clock is ahead closes tomorrow: that is today
        dated = dated and day is not None
        key, name = label(query.group_by, shown if query.group_by in OF_TIME else group, names)
        row = rows.get((key, purse))
        if row is None:
            row = rows[key, purse] = Row(key, purse, name)
        row.add(shown, sums)
    for row in rows.values():
        totals.setdefault(row.purse, Row(None, row.purse, "together")).take_in(row)
    report = Report(
        query=query,
        rows=list(rows.values()),
        totals=sorted(totals.values(), key=lambda row: in_order(row.purse)),
        today=today,
        zone=query.zone or ", ".join(sorted(scope.zones)) or "UTC",
        dated=dated,
        **ages(scope.bots, now),
    )
    return finished(report)


# Of a bot, for a report: not what it has open, which is long.
NEEDED = (
    "team__slug", "team__time_zone", "name", "slug", "system", "tags", "poll_plan", "retired_at", "status__seen_at",
    "status__history_at", "status__capabilities",
)  # fmt: skip


def scope_for(user: User, query: ReportQuery) -> Scope:
    visible = Bot.objects.visible_to(user).select_related("team", "status").only(*NEEDED)
    bots = [bot for bot in visible if query.team in ("", bot.team.slug)]
    chosen = [bot for bot in bots if query.bot in ("", bot.slug) and (not query.bot_tag or query.bot_tag in bot.tags)]
    return Scope(chosen, whole=not (query.bot or query.bot_tag))


def ages(bots: list[Bot], now: datetime) -> dict[str, Any]:
    active = [bot for bot in bots if bot.retired_at is None]
    fresh = [freshness_of(bot, bot.status, now) for bot in active]
    unread = [bot.slug for bot in active if bot.status.history_at is None or not tells_closed_trades(bot.status)]
    return {
        "bots": len(bots),
        "fresh": sum(one.fresh for one in fresh),
        "oldest_age_seconds": max((one.age_seconds for one in fresh if one.age_seconds is not None), default=None),
        "not_whole": unread,
    }


def label(group_by: str, group: Any, bots: dict[int, Bot]) -> tuple[str | None, str]:
    """(what programs read, what people read)."""
    if group_by == "bot":
        return bots[group].slug, bots[group].name
    if group_by not in OF_TIME:
        return group or None, group or "not given"
    if group == UNDATED:
        return None, "closed, day not told"
    text = {"day": group.isoformat(), "week": "{}-W{:02}".format(*group.isocalendar()), "month": f"{group:%Y-%m}"}
    return text[group_by], text[group_by]


def in_order(purse: Purse) -> tuple[bool, str]:
    return purse.mode != "live", purse.currency


def finished(report: Report) -> Report:
    """What needs all cells: paths, running sums, the order."""
    over_time = report.query.group_by in OF_TIME
    for row in [*([] if over_time else report.rows), *report.totals]:
        if report.dated:
            row.period = (report.first, report.last)
    if over_time:
        run_up(report.rows)
    report.rows[:] = ordered(report.rows, report.query.sort or ("group" if over_time else "-profit_abs"))
    return report


def run_up(rows: Iterable[Row]) -> None:
    """What closed on no known day comes before all days, so that the last sum is the total."""
    reached: dict[Purse, Decimal] = {}
    for row in sorted(rows, key=lambda row: row.group or ""):
        reached[row.purse] = reached.get(row.purse, ZERO) + row.sums.profit
        row.cumulative = None if row.group is None else reached[row.purse]


def ordered(rows: list[Row], sort: str) -> list[Row]:
    """Purse by purse, in each by one figure; rows without it stand last, the group decides between equals."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    by_name = sorted(rows, key=lambda row: row.name)  # between "Roi" and "roi"
    by_group = sorted(by_name, key=lambda row: (row.group is None, row.name.lower()), reverse=down and name == "group")
    if name != "group":
        have = sorted(
            (row for row in by_group if row.figure(name) is not None), key=lambda row: row.figure(name), reverse=down
        )
        by_group = have + [row for row in by_group if row.figure(name) is None]
    return sorted(by_group, key=lambda row: in_order(row.purse))


def written(row: Row) -> dict[str, Any]:
    """As API, CSV and workbook give it: by COLUMNS."""
    return {"group": row.group, "name": row.name, "currency": row.currency, "mode": row.mode} | {
        name: row.figure(name) for name in FIGURES
    }


def days_of(total: Row, report: Report) -> Iterator[tuple[date, Decimal]]:
    """Every day of the period with its profit, oldest first."""
    for number in range(report.first.toordinal(), report.last.toordinal() + 1):
        day = date.fromordinal(number)
        yield day, plain(total.days.get(day, ZERO))
