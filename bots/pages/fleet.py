"""The home page: every bot a person may see, and what they earned."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import MANAGE
from accounts.models import Team
from accounts.views import person
from bots.domain.alerts import open_by_bot
from bots.domain.commands.listing import latest_of_bots
from bots.domain.events.listing import newest_for
from bots.domain.fleet import Day, Fleet, FleetQuery, Total, fleet_for
from bots.domain.freshness import WORDS
from bots.domain.profit import ZERO, Purse
from bots.models import Bot
from bots.pages.showing import show
from bots.templatetags.commands import action_word

BULK = ("pause", "start", "stop", "reload_config", "force_exit_all")  # offered for many bots at once
COLUMNS = (("today", "Today"), ("d7", "7 days"), ("d30", "30 days"), ("all", "All time"), ("unrealized", "Unrealized"))

NEWS = 8  # events beside the curves


@dataclass(frozen=True)
class Strip:
    """The totals as the strip sets them: one leads in large type, its mode's others below, the other mode's last."""

    lead: Total
    beside: list[Total]
    other_mode: list[Total]


@dataclass(frozen=True)
class Course:
    """Realized profit of one purse, day by day."""

    total: Total
    days: list[tuple[date, Decimal]]
    cumulative: list[tuple[date, Decimal]]

    @property
    def winning(self) -> int:
        return sum(profit > 0 for _, profit in self.days)

    @property
    def best(self) -> Decimal:
        return max((profit for _, profit in self.days), default=ZERO)

    @property
    def first(self) -> date:
        return self.days[0][0]


@login_required
@require_safe
def fleet(request: HttpRequest) -> HttpResponse:
    query = FleetQuery.parse(request.GET)
    return show(request, "fleet", fleet_context(request, query, fleet_for(person(request), query)))


def fleet_context(request: HttpRequest, query: FleetQuery, found: Fleet) -> dict[str, Any]:
    strip = strip_of(found.totals)
    courses = [course_of(total, found.days) for total in found.totals if total.all or total.d30]
    return {
        "fleet": found,
        "query": query,
        "sort": query.sort,
        "columns": COLUMNS,
        "strip": strip,
        "courses": courses,
        "lead_course": next((course for course in courses if strip and course.total is strip.lead), None),
        "stale_bots": [row for row in found.rows if row.stale or row.late],
        "unread_bots": [row for row in found.rows if row.currency and row.status.history_at is None],
        "untold_bots": [row for row in found.rows if row.untold],
        "never_seen": sum(row.age_seconds is None for row in found.rows),
        "filters": filters_of(found, query),
        "is_filtered": query != FleetQuery(sort=query.sort),
        "latest": latest_of_bots(person(request)),
        "alarmed": open_by_bot(person(request)),
        "operated_teams": set(Team.objects.where(person(request), "stop").values_list("pk", flat=True)),
        "bulk_actions": [(action, action_word(action)) for action in BULK],
        "news": newest_for(person(request), NEWS),
        "may_add": Team.objects.where(person(request), MANAGE).exists(),
    }


def strip_of(totals: list[Total]) -> Strip | None:
    """The purse of most bots leads, a live one before any dry one."""
    if not totals:
        return None
    lead = min(totals, key=lambda total: (total.mode != "live", -total.bots, total.currency))
    same = [total for total in totals if total.mode == lead.mode and total is not lead]
    return Strip(lead, same, [total for total in totals if total.mode != lead.mode])


def course_of(total: Total, days: Iterable[Day]) -> Course:
    purse = Purse(total.mode, total.currency)
    daily = [(day.date, day.profit.get(purse, ZERO)) for day in days]
    reached = (total.all or ZERO) - sum((profit for _, profit in daily), ZERO)
    cumulative = []
    for day, profit in daily:
        reached += profit
        cumulative.append((day, reached))
    return Course(total, daily, cumulative)


def filters_of(found: Fleet, query: FleetQuery) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """(parameter, words for "any", chosen, choices) of each drop-down."""
    labels = dict(Bot._meta.get_field("system").flatchoices)
    return [
        ("state", "Any state", query.state, [*WORDS.items()]),
        ("system", "Any system", query.system, [(key, labels.get(key, key)) for key in found.systems]),
        ("tag", "Any tag", query.tag, [(tag, tag) for tag in found.tags]),
        ("currency", "Any currency", query.currency, [(currency, currency) for currency in found.currencies]),
    ]
