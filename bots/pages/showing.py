"""A page, or only its live regions: the same URL, the same data, the same partials."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def show(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """`bots/<name>.html`; with `?fragment=<name>` the partial `bots/_<name>.html` that the page is made of."""
    wants_fragment = request.GET.get("fragment") == name
    answer = render(request, f"bots/_{name}.html" if wants_fragment else f"bots/{name}.html", context, status=status)
    # Figures of a person's bots: never kept by a proxy, nor shown by "back" after logging out.
    answer["Cache-Control"] = "private, no-store"
    return answer
