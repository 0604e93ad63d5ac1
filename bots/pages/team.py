"""The teams of a person: who belongs to them, and their bots with the state of each connection."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import SEE
from accounts.models import Team
from accounts.team_views import members_of
from accounts.views import person
from bots.domain.fleet import BotRow, rows_of, sorted_rows
from bots.models import Bot
from bots.pages.four_eyes import rule_shown
from bots.pages.showing import show


@login_required
@require_safe
def team(request: HttpRequest) -> HttpResponse:
    teams = list(Team.objects.where(person(request), SEE))
    bots = Bot.objects.visible_to(person(request)).select_related("team", "status")
    rows = sorted_rows(rows_of(list(bots.active()), timezone.now()), "name")
    retired = bots.exclude(retired_at=None)
    context = {
        "teams": [section_of(request, one, rows, [bot for bot in retired if bot.team_id == one.pk]) for one in teams],
        "page_title": "Team",
    }
    return show(request, "team", context)


def section_of(request: HttpRequest, one: Team, rows: list[BotRow], retired: list[Bot]) -> dict[str, Any]:
    """One team's part of the page: what accounts/_members.html needs, and its bots."""
    theirs = [row for row in rows if row.bot.team_id == one.pk]
    return {
        **members_of(one, person(request)),
        "rows": theirs,
        "retired": retired,
        "four_eyes": rule_shown(one),
        "may_pause": Team.objects.where(person(request), "pause").filter(pk=one.pk).exists(),
    }
