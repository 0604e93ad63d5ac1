"""A page, or only its live regions: the same URL, the same data, the same partials."""

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.views import person


def show(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """`bots/<name>.html`; with `?fragment=<name>` the partial `bots/_<name>.html` that the page is made of.

    A name may have a folder: `commands/list` is `bots/commands/list.html`, its fragment `list` is `_list.html` there.
    """
    folder, slash, leaf = name.rpartition("/")
    wants_fragment = request.GET.get("fragment") == leaf
    return draw(request, f"bots/{folder}{slash}{'_' if wants_fragment else ''}{leaf}.html", context, status)


def draw(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Moments are written in the person's zone: `zone` in the context, UTC unless chosen otherwise."""
    zone = person(request).time_zone
    with timezone.override(ZoneInfo(zone)):
        answer = render(request, template, {**context, "zone": zone}, status=status)
    # Figures of a person's bots: never kept by a proxy, nor shown by "back" after logging out.
    answer["Cache-Control"] = "private, no-store"
    return answer
