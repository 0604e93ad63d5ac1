"""Where a team's alerts are told: everybody of the team sees that they are set, managers make, change and try them.

An address is typed once and never shown again: `shown` is what people know it by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import MANAGE, SEE
from accounts.caller import by
from accounts.models import Team
from accounts.views import person
from bots.domain.alerts import destinations as acts
from bots.domain.alerts.delivering.services import SERVICES
from bots.domain.audit import Actor, AuditUnavailable
from bots.models import Destination
from bots.pages.alert_silences import team_where
from bots.pages.alerts import teams_where
from bots.pages.connection_form import errors_of
from bots.pages.connections import AUDIT_DOWN
from bots.pages.showing import draw, show
from bots.pages.trades import page_of
from bots.templatetags.alerts import SEVERITIES

# What each kind asks for: (label, example, hint) of its address.
ADDRESSES = {
    Destination.MAIL: ("Mail address", "alerts@example.org", ""),
    Destination.WEBHOOK: ("Address", "https://example.org/hooks/alerts", "Each alert is sent there as JSON, signed."),
    Destination.APPRISE: ("Address", "tgram://123456789:token/chat", "An Apprise address of a chat service."),
}
SENTENCES = {
    Destination.MAIL: "A letter to one address, by the mail server of this portal.",
    Destination.WEBHOOK: "JSON to an address of your own, signed with a secret.",
    Destination.APPRISE: "Telegram, Discord, Slack, Pushover and others whose host the service fixes.",
}


@dataclass
class DestinationForm:
    """As typed; secrets never come back."""

    kind: str
    name: str = ""
    least: str = "warning"
    mode: str = ""
    enabled: bool = True
    most_per_hour: str = "20"
    address: str = ""
    secret: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict, init=False)

    @classmethod
    def of_destination(cls, row: Destination) -> Self:
        return cls(row.kind, row.name, row.least, row.mode, row.enabled, str(row.most_per_hour))

    @classmethod
    def typed(cls, kind: str, given: Mapping[str, str]) -> Self:
        names = ("name", "least", "mode", "most_per_hour", "address", "secret")
        return cls(kind, enabled=given.get("enabled") == "on", **{name: given.get(name, "").strip() for name in names})

    def wish(self) -> dict[str, Any]:
        return {
            "name": self.name, "least": self.least, "mode": self.mode, "enabled": self.enabled,
            "most_per_hour": self.most_per_hour, "address": self.address, "secret": self.secret,
        }  # fmt: skip

    def refuse(self, errors: dict[str, list[str]]) -> None:
        self.errors, self.address, self.secret = errors, "", ""

    @property
    def other_errors(self) -> list[str]:
        drawn = ("name", "least", "mode", "most_per_hour", "address", "secret")
        return [text for name, texts in self.errors.items() if name not in drawn for text in texts]

    @property
    def about(self) -> tuple[str, str, str]:
        return ADDRESSES[self.kind]

    @property
    def label(self) -> str:
        return acts.KINDS[self.kind]


@login_required
@require_safe
def destinations(request: HttpRequest, slug: str) -> HttpResponse:
    team = team_where(request, slug, SEE)
    listed = list(acts.destinations_of(person(request), team))
    last = acts.last_deliveries(listed)
    context = {
        "team": team,
        "rows": [(each, last.get(each.pk)) for each in listed],
        "may_manage": team.pk in teams_where(person(request), MANAGE),
        "here": "destinations",
        "page_title": f"Destinations of {team}",
    }
    return show(request, "alerts/destinations", context)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    team = team_where(request, slug, MANAGE)
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    if kind and kind not in acts.KINDS:
        raise Http404
    if not kind:
        kinds = [(name, label, SENTENCES[name]) for name, label in acts.KINDS.items()]
        return draw(
            request, "bots/alerts/destination_kinds.html", {"team": team, "kinds": kinds, "here": "destinations"}
        )
    if request.method != "POST":
        return draw_form(request, team, DestinationForm(kind))
    form = DestinationForm.typed(kind, request.POST.dict())
    return save(request, team, form, None)


def destination_of(request: HttpRequest, team: Team, pk: int) -> Destination:
    """Raises Http404 for another team's, and for one that was removed."""
    mine = Destination.objects.visible_to(person(request)).kept().filter(team=team)
    return get_object_or_404(mine.select_related("team"), pk=pk)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def destination(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    team = team_where(request, slug, SEE)
    found = destination_of(request, team, pk)
    if request.method != "POST":
        return draw_form(request, team, DestinationForm.of_destination(found), found)
    team_where(request, slug, MANAGE)
    return save(request, team, DestinationForm.typed(found.kind, request.POST.dict()), found)


def save(request: HttpRequest, team: Team, form: DestinationForm, found: Destination | None) -> HttpResponse:
    actor, status = Actor.of(by(request), team), 422
    try:
        if found is None:
            saved = acts.add_destination(actor, team, kind=form.kind, **form.wish())
        else:
            saved = acts.change_destination(actor, found, **form.wish())
    except ValidationError as problem:
        form.refuse(errors_of(problem))
    except AuditUnavailable:
        form.refuse({"": [AUDIT_DOWN]})
        status = 503
    else:
        messages.success(request, f"{saved.name}: saved.")
        return redirect("destination", team.slug, saved.pk)
    return draw_form(request, team, form, found, status)


def draw_form(
    request: HttpRequest, team: Team, form: DestinationForm, found: Destination | None = None, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "team": team,
        "form": form,
        "destination": found,
        "may_manage": team.pk in teams_where(person(request), MANAGE),
        "severities": [*SEVERITIES.items()],
        "services": SERVICES.values() if form.kind == Destination.APPRISE else (),
        "page_title": found.name if found else "Add a destination",
    }
    if found is not None:
        context["page"] = page_of(request, acts.deliveries_of(found))
    return show(request, "alerts/destination", context, status)


@login_required
@require_POST
def try_it(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A worker sends the test; what came of it stands among the deliveries."""
    return act_on(request, slug, pk, acts.try_destination, "a test is on its way; its outcome stands below", stay=True)


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    return act_on(request, slug, pk, acts.remove_destination, "removed, its address is erased")


def act_on(request: HttpRequest, slug: str, pk: int, act: Any, done: str, *, stay: bool = False) -> HttpResponse:
    team = team_where(request, slug, MANAGE)
    found = destination_of(request, team, pk)
    try:
        act(Actor.of(by(request), team), found)
    except ValidationError as problem:
        messages.error(request, " ".join(text for texts in errors_of(problem).values() for text in texts))
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"{found.name}: {done}.")
        return redirect("destination", slug, pk) if stay else redirect("destinations", slug)
    return redirect("destination", slug, pk)
