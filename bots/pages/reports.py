"""What the bots made: a period, grouped, as figures, charts, table and calendar. Everything stands in the URL."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.views import person
from bots.domain.reports import GROUPINGS, Report, ReportQuery, Row, report_for
from bots.domain.reports.calendar import STEPS, Sheet, month_of, run_of, sheet_of, step_for, steps_of
from bots.domain.reports.query import OF_TIME, PERIODS
from bots.models import Bot
from bots.pages.showing import draw

PERIOD_WORDS = {"7d": "7 d", "30d": "30 d", "90d": "90 d", "365d": "Year", "all": "All"}
WORDS = {"enter_tag": "enter tag", "exit_reason": "exit reason"}
MOST_ROWS = 500


@dataclass(frozen=True)
class Course:
    """One purse over the period, in steps."""

    total: Row
    steps: list[tuple[date, Decimal]]
    run: list[tuple[date, Decimal]]

    @property
    def best(self) -> tuple[date, Decimal] | None:
        return max(self.steps, key=lambda step: step[1], default=None)


@dataclass(frozen=True)
class Block:
    """The rows of one purse, and their total."""

    total: Row
    rows: list[Row]
    left_out: int


@login_required
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    given = request.GET.copy()
    if not (given.get("period") or given.get("from") or given.get("to")):
        given["period"] = "30d"
    given.setdefault("group_by", "bot")
    try:
        query, mistake = ReportQuery.parse({name: str(given[name]) for name in given}), ""
    except ValueError as problem:
        query, mistake = ReportQuery(group_by="bot", period="30d"), str(problem)
    context = context_of(person(request), query, request.GET) | {"mistake": mistake, "given": given}
    return draw(request, "bots/reports.html", context, 400 if mistake else 200)


def context_of(user: User, query: ReportQuery, given: QueryDict) -> dict[str, Any]:
    report = report_for(user, query)
    # Where the database added many bots' days up, the days themselves are still a team's.
    over_days = report if report.dated else report_for(user, replace(query, group_by="day"))
    step = step_for(over_days, given.get("step", ""))
    return {
        "report": report,
        "query": query,
        "asked": report.query,
        "sort": query.sort or ("group" if query.group_by in OF_TIME else "-profit_abs"),
        "over_time": query.group_by in OF_TIME,
        "by": WORDS.get(query.group_by, query.group_by),
        "blocks": blocks_of(report),
        "groupings": [(word, WORDS.get(word, word)) for word in GROUPINGS],
        "courses": [course_of(total, over_days, step) for total in over_days.totals if over_days.dated],
        "step": step,
        "running": report.last == report.today,
        "steps": STEPS,
        "periods": [(word, PERIOD_WORDS[word]) for word in PERIODS],
        "filters": filters_of(user, query),
        "permalink": f"?{urlencode(permanent(query, report))}",
        "files": [
            (words, f"{reverse('api-report')}?{urlencode(permanent(query, report) | {'format': form})}")
            for words, form in (("CSV", "csv"), ("Excel", "xlsx"))
        ],
        "is_filtered": bool(query.bot or query.bot_tag or query.currency or query.zone),
        **sheet_context(over_days, given),
    }


def course_of(total: Row, report: Report, step: str) -> Course:
    steps = steps_of(total, report, step)
    return Course(total, steps, run_of(steps))


def blocks_of(report: Report) -> list[Block]:
    totals = {total.purse: total for total in report.totals}
    grouped = ((purse, list(rows)) for purse, rows in groupby(report.rows, key=lambda row: row.purse))
    return [Block(totals[purse], rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS)) for purse, rows in grouped]


def sheet_context(report: Report, given: QueryDict) -> dict[str, Any]:
    """The calendar of one month of one purse."""
    if not report.totals or not report.dated:
        return {"sheet": None}
    purses = {f"{total.mode}-{total.currency}": total for total in report.totals}
    chosen = given.get("calendar", "") if given.get("calendar", "") in purses else next(iter(purses))
    sheet: Sheet = sheet_of(purses[chosen], report, month_of(given.get("month"), report))
    return {"sheet": sheet, "sheet_total": purses[chosen], "purses": list(purses.items()), "purse": chosen}


def permanent(query: ReportQuery, report: Report) -> dict[str, str]:
    """The same report tomorrow: its period as days."""
    words = {
        "group_by": query.group_by,
        "from": report.query.since and report.first.isoformat(),
        "to": report.last.isoformat(),
        "bot": query.bot,
        "bot_tag": query.bot_tag,
        "team": query.team,
        "mode": query.mode,
        "currency": query.currency,
        "tz": query.zone,
        "sort": query.sort,
    }
    return {name: word for name, word in words.items() if word}


def filters_of(user: User, query: ReportQuery) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """(parameter, words for "any", chosen, choices) of each drop-down."""
    bots = list(Bot.objects.visible_to(user).select_related("team", "status").order_by("name"))
    tags = sorted({tag for bot in bots for tag in bot.tags})
    currencies = sorted(
        {bot.status.stake_currency for bot in bots if bot.status.stake_currency} | {query.currency} - {""}
    )
    zones = sorted({"UTC", user.time_zone, *(bot.team.time_zone for bot in bots), query.zone} - {""})
    names = [(bot.slug, f"{bot.name} (retired)" if bot.retired_at else bot.name) for bot in bots]
    return [
        ("bot", "Any bot", query.bot, names),
        ("bot_tag", "Any tag", query.bot_tag, [(tag, tag) for tag in tags]),
        ("currency", "Any currency", query.currency, [(currency, currency) for currency in currencies]),
        ("tz", "Team's time zone", query.zone, [(zone, zone) for zone in zones]),
    ]
