"""What is wrong and what was: the list, one alert with whom it was told to, and the acts on it: take on, close."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.access import HANDLE_ALERTS, SEE
from accounts.caller import by
from accounts.models import Team, User
from accounts.views import person
from bots.domain import alerts as acts
from bots.domain.audit import Actor, AuditUnavailable
from bots.models import Alert, Bot
from bots.pages.connections import AUDIT_DOWN
from bots.pages.events import LEAST
from bots.pages.showing import show
from bots.pages.trades import page_of

# What is asked for by the page's own switch: what stands now unless told otherwise.
STANDS, ALL = "uncleared", "all"
SWITCH = [("", "Now"), ("acknowledged", "Taken on"), ("cleared", "Over"), (ALL, "All")]
MOST_DELIVERIES = 50


@login_required
@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    user, state = person(request), request.GET.get("state", "")
    wanted = {**request.GET.dict(), "state": {"": STANDS, ALL: ""}.get(state, state)}
    try:
        query, mistake = acts.AlertQuery.parse(wanted), ""
    except ValueError as problem:
        query, mistake = acts.AlertQuery(state=STANDS), str(problem)
    context = {
        "query": query,
        "state": state,
        "switch": SWITCH,
        "mistake": mistake,
        "is_filtered": query != acts.AlertQuery(state=query.state),
        "filters": filters_of(user, query),
        "waiting": acts.count_open(user),
        "page": page_of(request, acts.alerts_for(user, query)),
        "handled_teams": teams_where(user, HANDLE_ALERTS),
        "mutes": acts.mutes_of(user),
        "windows": acts.maintenance_of(user),
        "teams": list(Team.objects.where(user, SEE)),
        "page_title": "Alerts",
    }
    return show(request, "alerts/list", context, status=400 if mistake else 200)


def teams_where(user: User, action: str) -> set[int]:
    return set(Team.objects.where(user, action).values_list("pk", flat=True))


def filters_of(user: User, query: acts.AlertQuery) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """(parameter, words for "any", chosen, choices) of each drop-down."""
    bots = Bot.objects.visible_to(user).order_by("name").values_list("slug", "name")
    return [
        ("bot", "Any bot", query.bot, [*bots]),
        ("severity", "Any severity", query.least, LEAST),
        ("kind", "Any kind", query.kind, [(name, kind.label) for name, kind in acts.KINDS.items()]),
    ]


def alert_of(request: HttpRequest, pk: int) -> Alert:
    """Raises Http404 for an alert of a team the person does not belong to."""
    return get_object_or_404(acts.alerts_for(person(request)), pk=pk)


@login_required
@require_safe
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    found, user = alert_of(request, pk), person(request)
    context: dict[str, Any] = {
        "alert": found,
        "page_title": f"{found.bot or 'Portal'}: {found.text}",
        "may_handle": found.team_id in teams_where(user, HANDLE_ALERTS),
        "may_close": acts.may_close(found) and found.cleared_at is None,
        "deliveries": found.deliveries.select_related("destination", "part_of").order_by("-pk")[:MOST_DELIVERIES],
        "mutes": [muted for muted in acts.mutes_of(user, found.team) if silences(muted, found)],
    }
    return show(request, "alerts/alert", context)


def silences(muted: Any, found: Alert) -> bool:
    """Whether this mute is about this alert."""
    return muted.rule_id in (None, found.rule_id) and muted.bot_id in (None, found.bot_id)


@login_required
@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    return act_on(request, pk, acts.acknowledge, "taken on")


@login_required
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    return act_on(request, pk, acts.close, "closed")


def act_on(request: HttpRequest, pk: int, act: Callable[[Actor, User, Alert, str], Alert], done: str) -> HttpResponse:
    """Do it and go back to where it was asked; what is in the way is said there. Raises PermissionDenied."""
    found = alert_of(request, pk)
    name = found.bot or "The portal"
    try:
        act(Actor.of(by(request), found.team), person(request), found, request.POST.get("remark", ""))
    except acts.RoleTooLow as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except acts.ActRefused as refusal:
        messages.error(request, f"{name}: {refusal}")
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"{name}: {found.text}: {done}.")
    return redirect("alerts") if request.POST.get("back") == "list" else redirect("alert", found.pk)
