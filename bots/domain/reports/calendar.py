"""A report's days as steps of a chart and as the sheet of one month."""

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from bots.domain.reports.report import Report, Row, days_of
from bots.domain.sums import ZERO
from bots.models.money import plain

STEPS = {"day": "Days", "week": "Weeks", "month": "Months"}
MOST_BARS = 125


def step_for(report: Report, wanted: str) -> str:
    """The one asked for, if so many bars can be drawn; else the finest that can."""
    days = (report.last - report.first).days + 1
    fit = [step for step, length in (("day", 1), ("week", 7), ("month", 30)) if days / length <= MOST_BARS] or ["month"]
    return wanted if wanted in fit else fit[0]


def steps_of(total: Row, report: Report, step: str) -> list[tuple[date, Decimal]]:
    """(first day of the step, profit in it), oldest first; steps of nothing among them."""
    found: dict[date, Decimal] = {}
    for day, profit in days_of(total, report):
        begin = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[step]
        found[begin] = found.get(begin, ZERO) + profit
    return list(found.items())


def run_of(steps: list[tuple[date, Decimal]]) -> list[tuple[date, Decimal]]:
    """The running sum at the end of each step."""
    reached, points = ZERO, []
    for day, profit in steps:
        reached += profit
        points.append((day, reached))
    return points


@dataclass(frozen=True)
class Cell:
    day: date
    profit: Decimal | None  # None: no close on this day, or outside the report's period
    inside: bool  # of the period
    today: bool


@dataclass(frozen=True)
class Sheet:
    """One month of one purse. Weeks begin on Monday; days of the neighbouring months are None."""

    first: date
    weeks: list[list[Cell | None]]
    total: Decimal
    up: int
    down: int
    flat: int
    best: tuple[date, Decimal] | None
    worst: tuple[date, Decimal] | None
    before: date | None  # the month before, when the period reaches there
    after: date | None


def month_of(text: str | None, report: Report) -> date:
    """2026-11 as its first day, kept within the period; else the period's last month."""
    try:
        wanted = date.fromisoformat(f"{text}-01")
    except ValueError:
        wanted = report.last
    return min(max(wanted, report.first), report.last).replace(day=1)


def sheet_of(total: Row, report: Report, first: date) -> Sheet:
    inside = {
        day: plain(profit) for day, profit in total.days.items() if (day.year, day.month) == (first.year, first.month)
    }
    span = [day for day in month_days(first) if report.first <= day <= report.last]
    before, after = first - timedelta(days=1), first + timedelta(days=31)
    return Sheet(
        first=first,
        weeks=list(weeks_of(first, inside, report)),
        total=sum(inside.values(), ZERO),
        up=sum(profit > 0 for profit in inside.values()),
        down=sum(profit < 0 for profit in inside.values()),
        flat=len(span) - sum(profit != 0 for profit in inside.values()),
        best=max(inside.items(), key=lambda item: item[1], default=None),
        worst=min(inside.items(), key=lambda item: item[1], default=None),
        before=before if before >= report.first else None,
        after=after.replace(day=1) if after.replace(day=1) <= report.last else None,
    )


def month_days(first: date) -> list[date]:
    return [first.replace(day=number) for number in range(1, calendar.monthrange(first.year, first.month)[1] + 1)]


def weeks_of(first: date, days: Mapping[date, Decimal], report: Report) -> Iterator[list[Cell | None]]:
    for week in calendar.Calendar().monthdatescalendar(first.year, first.month):
        yield [
            Cell(day, days.get(day), report.first <= day <= report.last, day == report.today)
            if day.month == first.month
            else None
            for day in week
        ]
