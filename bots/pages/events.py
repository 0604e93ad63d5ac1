"""The time line of everything that happened at a person's bots."""

from collections.abc import Iterable

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.views import person
from bots.domain.events.kinds import GROUPS
from bots.domain.events.listing import EventQuery, events_for, newest_alarms
from bots.models import Bot
from bots.pages.showing import draw, show
from bots.pages.trades import page_of

MOST_TOASTS = 3
LEAST = [("warning", "Warnings and errors"), ("error", "Errors")]


@login_required
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    try:
        query, mistake = EventQuery.parse(request.GET), ""
    except ValueError as problem:
        query, mistake = EventQuery(), str(problem)
    bots = Bot.objects.visible_to(person(request)).order_by("name").values_list("slug", "name")
    context = {
        "query": query,
        "mistake": mistake,
        "is_filtered": query != EventQuery(),
        "filters": filters_of(query, bots),
        "page": page_of(request, events_for(person(request), query)),
        "page_title": "Events",
    }
    return show(request, "events", context, status=400 if mistake else 200)


def filters_of(query: EventQuery, bots: Iterable[tuple[str, str]]) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """(parameter, words for "any", chosen, choices) of each drop-down."""
    return [
        ("bot", "Any bot", query.bot, [*bots]),
        ("group", "Any kind", query.group, [*GROUPS.items()]),
        ("severity", "Any severity", query.least, LEAST),
    ]


@login_required
@require_safe
def toasts(request: HttpRequest) -> HttpResponse:
    """What an open page says at once, whatever it shows: warnings and errors since `after`."""
    after = request.GET.get("after", "")
    known = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    alarms = newest_alarms(person(request), known, MOST_TOASTS)
    newest = max((event.pk for event in alarms), default=known)
    return draw(request, "bots/_toasts.html", {"alarms": reversed(alarms), "newest": newest})
