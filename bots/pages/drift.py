"""Which settings differ between the bots, and who has which."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.views import person
from bots.domain.drift import Drift, DriftQuery, drift_for
from bots.models import Bot
from bots.pages.showing import draw


@login_required
@require_safe
def drift(request: HttpRequest) -> HttpResponse:
    query = DriftQuery.parse(request.GET)
    found = drift_for(person(request), query)
    context = {
        "drift": found,
        "query": query,
        "filters": filters_of(found, query),
        "is_filtered": query != DriftQuery(lacking=query.lacking),
    }
    return draw(request, "bots/drift.html", context)


def filters_of(found: Drift, query: DriftQuery) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """(parameter, words for "any", chosen, choices) of each drop-down."""
    labels = dict(Bot._meta.get_field("system").flatchoices)
    return [
        ("strategy", "Any strategy", query.strategy, [(name, name) for name in found.strategies]),
        ("tag", "Any tag", query.tag, [(tag, tag) for tag in found.tags]),
        ("system", "Any system", query.system, [(key, labels.get(key, key)) for key in found.systems]),
    ]
