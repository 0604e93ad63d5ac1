"""The kill switch of a team: no new entries on all its bots, or exit everything, confirmed by a word typed by hand."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import SEE
from accounts.caller import by
from accounts.models import Team, User
from accounts.views import person
from bots.domain import commands as acts
from bots.domain.audit import Actor
from bots.models import CommandBatch
from bots.pages.bulk import Wish, carry_out
from bots.pages.showing import draw


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def kill_switch(request: HttpRequest, slug: str) -> HttpResponse:
    user = person(request)
    team = get_object_or_404(Team.objects.where(user, SEE), slug=slug)
    wishes = {kind: wish_of(user, team, kind) for kind in kinds_for(user, team)}
    if not wishes:
        raise PermissionDenied(f"Your role does not allow this in {team}.")
    if request.method != "POST":
        return draw_switch(request, team, wishes)
    return pull(request, team, wishes)


def kinds_for(user: User, team: Team) -> list[str]:
    return [kind for kind, action in acts.KILLS.items() if Team.objects.where(user, action).filter(pk=team.pk).exists()]


def wish_of(user: User, team: Team, kind: str) -> Wish:
    return Wish(user, team, acts.bots_of(user, team), acts.KILLS[kind], kind)


def pull(request: HttpRequest, team: Team, wishes: dict[str, Wish]) -> HttpResponse:
    """Raises Http404 for a kind nobody knows, PermissionDenied for one the role does not allow."""
    kind = request.POST.get("kind", "")
    if kind not in acts.KILLS:
        raise Http404
    if kind not in wishes:
        raise PermissionDenied(f"Your role does not allow this in {team}.")
    wish = wishes[kind]
    wish.take(request.POST.dict())

    def asking() -> CommandBatch:
        actor = Actor.of(by(request), team)
        more = {"key": wish.key, "typed": wish.typed}
        return acts.pull(actor, person(request), team, kind, wish.reason, modes=wish.confirmed_modes, **more).batch

    return carry_out(request, wish, asking, lambda status: draw_switch(request, team, wishes, status))


def draw_switch(request: HttpRequest, team: Team, wishes: dict[str, Wish], status: int = 200) -> HttpResponse:
    earlier = CommandBatch.objects.filter(team=team).exclude(kind=CommandBatch.BULK)[:5]
    context: dict[str, Any] = {"team": team, "wishes": [*wishes.values()], "earlier": earlier}
    return draw(request, "bots/commands/kill_switch.html", context, status)
