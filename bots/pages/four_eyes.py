"""Which actions of a team wait for a second person: set by its managers, on the Team page."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.caller import by
from accounts.models import Team
from accounts.team_views import team_managed
from bots.domain.audit import Actor, AuditUnavailable
from bots.domain.commands.approving import FOUR_EYES_ACTIONS, four_eyes_of, set_four_eyes
from bots.pages.connection_form import errors_of
from bots.pages.connections import AUDIT_DOWN


def rule_shown(team: Team) -> dict[str, Any]:
    """What templates/bots/commands/_four_eyes.html needs."""
    rule = four_eyes_of(team)
    return {
        "choices": [(action, action in rule.actions) for action in FOUR_EYES_ACTIONS],
        "chosen": [action for action in FOUR_EYES_ACTIONS if action in rule.actions],
        "wait_minutes": rule.wait_minutes,
    }


@login_required
@require_POST
def change(request: HttpRequest, slug: str) -> HttpResponse:
    team = team_managed(request, slug)
    minutes = request.POST.get("wait_minutes", "")
    wait = int(minutes) if minutes.isascii() and minutes.isdigit() and len(minutes) < 6 else 0
    try:
        set_four_eyes(Actor.of(by(request), team), team, request.POST.getlist("actions"), wait)
    except ValidationError as problem:
        messages.error(request, " ".join(text for texts in errors_of(problem).values() for text in texts))
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"{team}: which commands wait for a second person is saved.")
    return redirect("team")
