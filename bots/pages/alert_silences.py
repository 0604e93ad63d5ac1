"""When nobody wants to hear of alerts: muting a rule or a bot, and the team's maintenance windows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import HANDLE_ALERTS, MANAGE, SEE
from accounts.caller import by
from accounts.models import Team
from accounts.views import person
from bots.domain import alerts as acts
from bots.domain.audit import Actor, AuditUnavailable
from bots.models import AlertRule, Bot, Maintenance, Mute
from bots.pages.connections import AUDIT_DOWN
from bots.pages.moments import HOURS, after, typed_moment
from bots.pages.showing import draw

MOST_PAST = 20  # windows that are over, below those to come
LONGEST_ID = 18


def team_where(request: HttpRequest, slug: str, action: str) -> Team:
    """Raises Http404 for a team the person does not belong to, PermissionDenied where his role is too low."""
    team = get_object_or_404(Team.objects.where(person(request), SEE), slug=slug)
    if not Team.objects.where(person(request), action).filter(pk=team.pk).exists():
        raise PermissionDenied(f"Your role does not allow this in {team}.")
    return team


def bot_of(request: HttpRequest, team: Team, slug: str) -> Bot | None:
    """Raises Http404 for one that is not the team's."""
    mine = Bot.objects.visible_to(person(request)).active().filter(team=team)
    return get_object_or_404(mine, slug=slug) if slug else None


def rule_of(request: HttpRequest, team: Team, number: str) -> AlertRule | None:
    """Raises Http404 for one that is not the team's."""
    if not number:
        return None
    if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_ID):
        raise Http404
    return get_object_or_404(acts.rules_of(person(request), team), pk=number)


# --- Mutes ---


@dataclass
class MuteForm:
    """As typed."""

    team: Team
    rule: AlertRule | None
    bot: Bot | None
    hours: str = "8"
    until: str = ""
    reason: str = ""
    alert: str = ""
    errors: dict[str, str] = field(default_factory=dict, init=False)

    def end(self, zone: str) -> datetime:
        """A moment that was typed goes before a choice that was left as it stood. Raises ValueError."""
        fixed = None if self.until else after(self.hours)
        return fixed or typed_moment(self.until, zone)

    @property
    def back(self) -> str:
        """Where it was asked from."""
        if self.alert.isascii() and self.alert.isdigit() and len(self.alert) <= LONGEST_ID:
            return reverse("alert", args=[self.alert])
        return reverse("alert_rules", args=[self.team.slug])


def mute_form(request: HttpRequest, team: Team, given: Mapping[str, str]) -> MuteForm:
    rule, bot = rule_of(request, team, given.get("rule", "")), bot_of(request, team, given.get("bot", ""))
    scope = given.get("scope", "both")
    return MuteForm(
        team,
        None if scope == "bot" and bot else rule,
        None if scope == "rule" and rule else bot,
        hours=given.get("hours", "8"),
        until=given.get("until", ""),
        reason=given.get("reason", ""),
        alert=given.get("alert", ""),
    )


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def mute(request: HttpRequest, slug: str) -> HttpResponse:
    team = team_where(request, slug, HANDLE_ALERTS)
    if request.method != "POST":
        return draw_mute(request, mute_form(request, team, request.GET.dict()))
    form = mute_form(request, team, request.POST.dict())
    if not form.hours and "until" not in request.POST:  # "Until..." was pressed: when is asked next
        return draw_mute(request, form)
    try:
        moment = form.end(person(request).time_zone)
        acts.mute(
            Actor.of(by(request), team), person(request), team,
            until=moment, rule=form.rule, bot=form.bot, reason=form.reason,
        )  # fmt: skip
    except ValueError as problem:
        form.errors = {"until": str(problem)}
    except acts.WrongValues as problem:
        form.errors = problem.fields
    except AuditUnavailable:
        form.errors = {"": AUDIT_DOWN}
    else:
        messages.success(request, f"{named(form)}: muted until {moment.astimezone(zone_of(request)):%Y-%m-%d %H:%M}.")
        return redirect(form.back)
    return draw_mute(request, form, 422)


def zone_of(request: HttpRequest) -> ZoneInfo:
    return ZoneInfo(person(request).time_zone)


def named(form: MuteForm) -> str:
    if form.bot and form.rule:
        return f"{form.rule.name} at {form.bot.name}"
    return form.bot.name if form.bot else form.rule.name if form.rule else str(form.team)


def draw_mute(request: HttpRequest, form: MuteForm, status: int = 200) -> HttpResponse:
    user = person(request)
    context = {
        "form": form,
        "team": form.team,
        "rules": acts.rules_of(user, form.team),
        "bots": Bot.objects.visible_to(user).active().filter(team=form.team).order_by("name"),
        "hours": HOURS,
    }
    return draw(request, "bots/alerts/mute.html", context, status)


@login_required
@require_POST
def unmute(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    team = team_where(request, slug, HANDLE_ALERTS)
    muted = get_object_or_404(Mute.objects.handled_by(person(request)).filter(team=team), pk=pk)
    return end(
        request, lambda: acts.unmute(actor(request, team), person(request), muted), "alert_rules", team, "lifted"
    )


# --- Maintenance ---


@dataclass
class WindowForm:
    """As typed. Nothing as its begin is now."""

    bot: str = ""
    starts_at: str = ""
    hours: str = "1"
    ends_at: str = ""
    reason: str = ""
    errors: dict[str, str] = field(default_factory=dict, init=False)

    def span(self, zone: str) -> tuple[datetime, datetime]:
        """Raises WrongValues."""
        wrong: dict[str, str] = {}
        moments: dict[str, datetime] = {}
        for name in ("starts_at", "ends_at"):
            try:
                moments[name] = self.moment(name, zone, moments.get("starts_at"))
            except ValueError as problem:
                wrong[name] = str(problem)
        if wrong:
            raise acts.WrongValues(wrong)
        return moments["starts_at"], moments["ends_at"]

    def moment(self, name: str, zone: str, start: datetime | None) -> datetime:
        text = getattr(self, name)
        if name == "starts_at" and not text:
            return timezone.now()
        fixed = after(self.hours, start) if name == "ends_at" and not text else None
        return fixed or typed_moment(text, zone)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def maintenance(request: HttpRequest, slug: str) -> HttpResponse:
    team = team_where(request, slug, SEE)
    given = request.POST if request.method == "POST" else request.GET
    form = WindowForm(**{name: given.get(name, "") for name in ("bot", "starts_at", "ends_at", "reason")})
    form.hours = given.get("hours", "1")
    if request.method != "POST":
        return draw_maintenance(request, team, form)
    team_where(request, slug, MANAGE)
    user, bot = person(request), bot_of(request, team, form.bot)
    try:
        begin, finish = form.span(user.time_zone)
        acts.plan_maintenance(
            actor(request, team), user, team, starts_at=begin, ends_at=finish, bot=bot, reason=form.reason
        )
    except acts.WrongValues as problem:
        form.errors = problem.fields
    except AuditUnavailable:
        form.errors = {"": AUDIT_DOWN}
    else:
        messages.success(request, f"{bot or team}: maintenance is planned.")
        return redirect("maintenance", team.slug)
    return draw_maintenance(request, team, form, 422)


def draw_maintenance(request: HttpRequest, team: Team, form: WindowForm, status: int = 200) -> HttpResponse:
    user, now = person(request), timezone.now()
    windows = acts.maintenance_of(user, team).order_by("starts_at", "pk")
    past = Maintenance.objects.visible_to(user).filter(team=team).exclude(pk__in=windows.values("pk"))
    context = {
        "team": team,
        "form": form,
        "windows": windows,
        "past": past.select_related("bot")[:MOST_PAST],
        "now": now,
        "hours": HOURS,
        "bots": Bot.objects.visible_to(user).active().filter(team=team).order_by("name"),
        "may_manage": Team.objects.where(user, MANAGE).filter(pk=team.pk).exists(),
        "here": "maintenance",
    }
    return draw(request, "bots/alerts/maintenance.html", context, status)


@login_required
@require_POST
def end_maintenance(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    team = team_where(request, slug, MANAGE)
    window = get_object_or_404(Maintenance.objects.managed_by(person(request)).filter(team=team), pk=pk)

    def act() -> Maintenance:
        return acts.end_maintenance(actor(request, team), person(request), window)

    return end(request, act, "maintenance", team, "ended")


def actor(request: HttpRequest, team: Team) -> Actor:
    return Actor.of(by(request), team)


def end(request: HttpRequest, act: Callable[[], Mute | Maintenance], then: str, team: Team, done: str) -> HttpResponse:
    """Do it and go back to the list; what is in the way is said there."""
    try:
        ended = act()
    except acts.ActRefused as refusal:
        messages.error(request, str(refusal))
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"{ended.bot or getattr(ended, 'rule', None) or team}: {done}.")
    return redirect(then, team.slug)
