"""The team's rules: what it wants to be told of. Everybody of the team reads them, managers make and change them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Self

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import HANDLE_ALERTS, MANAGE, SEE
from accounts.caller import by
from accounts.models import Team
from accounts.views import person
from bots.domain import alerts as acts
from bots.domain.alerts import KINDS, Param, RuleWish
from bots.domain.audit import Actor, AuditUnavailable
from bots.models import AlertRule, Bot
from bots.models.money import plain
from bots.pages.alert_silences import team_where
from bots.pages.alerts import teams_where
from bots.pages.connections import AUDIT_DOWN
from bots.pages.showing import draw
from bots.templatetags.alerts import SEVERITIES

RATIO = "ratio"


class Limit(NamedTuple):
    """One of a rule's parameters, as it is typed: a ratio as percent."""

    param: Param
    value: str
    error: str

    @property
    def unit(self) -> str:
        return {RATIO: "%", "choice": ""}.get(self.param.unit, self.param.unit)

    @property
    def hint(self) -> str:
        scale = 100 if self.param.unit == RATIO else 1
        least, most = (plain(number * scale) for number in (self.param.least, self.param.most))
        return "" if self.param.choices else f"{least:f} to {most:f} {self.unit}"


@dataclass
class RuleForm:
    """As typed."""

    kind: str
    name: str = ""
    severity: str = ""
    enabled: bool = True
    params: dict[str, str] = field(default_factory=dict)
    bot: str = ""
    tag: str = ""
    mode: str = ""
    remind_hours: str = ""
    errors: dict[str, str] = field(default_factory=dict, init=False)

    @classmethod
    def fresh(cls, kind: str) -> Self:
        given = {param.name: as_typed(param, param.default) for param in KINDS[kind].params}
        return cls(kind, KINDS[kind].label, KINDS[kind].severity, params=given)

    @classmethod
    def of_rule(cls, rule: AlertRule) -> Self:
        params = KINDS[rule.kind].params
        given = {param.name: as_typed(param, rule.params.get(param.name, param.default)) for param in params}
        bot, remind = rule.bot.slug if rule.bot else "", str(rule.remind_hours or "")
        return cls(rule.kind, rule.name, rule.severity, rule.enabled, given, bot, rule.tag, rule.mode, remind)

    @classmethod
    def typed(cls, kind: str, given: Mapping[str, str]) -> Self:
        name, severity, bot, tag, mode, remind = (
            given.get(field, "").strip() for field in ("name", "severity", "bot", "tag", "mode", "remind_hours")
        )
        params = {param.name: given.get(f"p-{param.name}", "").strip() for param in KINDS[kind].params}
        return cls(kind, name, severity, given.get("enabled") == "on", params, bot, tag, mode, remind)

    @property
    def about(self) -> acts.RuleKind:
        return KINDS[self.kind]

    @property
    def limits(self) -> list[Limit]:
        return [
            Limit(each, self.params.get(each.name, ""), self.errors.get(each.name, "")) for each in self.about.params
        ]

    @property
    def other_errors(self) -> list[str]:
        drawn = {"name", "severity", "bot", "tag", "mode", "remind_hours", *(each.name for each in self.about.params)}
        return [words for name, words in self.errors.items() if name not in drawn]

    def wish(self) -> RuleWish:
        """Raises WrongValues for what is no number."""
        hours = self.remind_hours
        if hours and not (hours.isascii() and hours.isdigit() and len(hours) < 6):
            raise acts.WrongValues({"remind_hours": "A whole number of hours, or nothing"})
        return RuleWish(
            self.kind, self.name, self.severity, self.enabled,
            {param.name: as_ratio(param, self.params[param.name]) for param in self.about.params},
            self.bot, self.tag, self.mode, int(hours) if hours else None,
        )  # fmt: skip

    def refuse(self, problem: acts.WrongValues) -> None:
        """Limits of ratios are told in the percent they are typed in."""
        ratios = {limit.param.name: limit.hint for limit in self.limits if limit.param.unit == RATIO}
        self.errors = {name: ratios.get(name, words) for name, words in problem.fields.items()}


def as_typed(param: Param, value: object) -> str:
    return format(plain(Decimal(str(value)) * 100), "f") if param.unit == RATIO else str(value)


def as_ratio(param: Param, text: str) -> str:
    """What is no number goes on as it is: the rule's own check says what is wrong with it."""
    if param.unit != RATIO:
        return text
    try:
        number = Decimal(text.replace(",", ".")) / 100
    except InvalidOperation:
        return text
    return format(number, "f") if number.is_finite() and abs(number) < 1000 else text


# --- Pages ---


@login_required
@require_safe
def rules(request: HttpRequest, slug: str) -> HttpResponse:
    team, user = team_where(request, slug, SEE), person(request)
    context = {
        "team": team,
        "rules": acts.rules_of(user, team),
        "standing": standing(user, team),
        "mutes": acts.mutes_of(user, team),
        "may_manage": team.pk in teams_where(user, MANAGE),
        "may_handle": team.pk in teams_where(user, HANDLE_ALERTS),
        "here": "rules",
    }
    return draw(request, "bots/alerts/rules.html", context)


def standing(user: Any, team: Team) -> dict[int, int]:
    """rule's pk -> how many of its alerts are not over."""
    counts: dict[int, int] = {}
    for rule in acts.open_alerts(user, team=team, rule__isnull=False).values_list("rule", flat=True):
        counts[rule] = counts.get(rule, 0) + 1
    return counts


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    team = team_where(request, slug, MANAGE)
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    if kind and kind not in KINDS:
        raise Http404
    if not kind:
        return draw(request, "bots/alerts/rule_kinds.html", {"team": team, "kinds": KINDS.items(), "here": "rules"})
    if request.method != "POST":
        return draw_form(request, team, RuleForm.fresh(kind))
    return save(request, team, RuleForm.typed(kind, request.POST.dict()), None)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Whoever may only look gets the rules' list, where this one stands."""
    team, user = team_where(request, slug, SEE), person(request)
    found = get_object_or_404(acts.rules_of(user, team), pk=pk)
    if request.method == "POST":
        team_where(request, slug, MANAGE)
        return save(request, team, RuleForm.typed(found.kind, request.POST.dict()), found)
    if team.pk not in teams_where(user, MANAGE):
        return redirect("alert_rules", team.slug)
    return draw_form(request, team, RuleForm.of_rule(found), found)


def save(request: HttpRequest, team: Team, form: RuleForm, found: AlertRule | None) -> HttpResponse:
    status = 422
    try:
        saved = acts.save_rule(Actor.of(by(request), team), person(request), team, form.wish(), found)
    except acts.WrongValues as problem:
        form.refuse(problem)
    except AuditUnavailable:
        form.errors, status = {"": AUDIT_DOWN}, 503
    except acts.NoLongerOpen as problem:
        messages.error(request, f"{form.name}: {problem}.")
        return redirect("alert_rules", team.slug)
    else:
        messages.success(request, f"{saved.name}: saved.")
        return redirect("alert_rules", team.slug)
    return draw_form(request, team, form, found, status)


def draw_form(
    request: HttpRequest, team: Team, form: RuleForm, found: AlertRule | None = None, status: int = 200
) -> HttpResponse:
    mine = Bot.objects.visible_to(person(request)).filter(team=team)
    kept = found.bot_id if found is not None else None  # also when it is retired: else "all bots" stood chosen
    bots = list(mine.filter(Q(retired_at=None) | Q(pk=kept)).order_by("name"))
    context = {
        "team": team,
        "form": form,
        "rule": found,
        "bots": bots,
        "tags": sorted({tag for bot in bots for tag in bot.tags}),
        "severities": [*SEVERITIES.items()],
        "here": "rules",
    }
    return draw(request, "bots/alerts/rule.html", context, status)


@login_required
@require_POST
def switch(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """On or off, and nothing else about it."""
    team = team_where(request, slug, MANAGE)
    found = get_object_or_404(AlertRule.objects.managed_by(person(request)).filter(team=team), pk=pk)
    form = RuleForm.of_rule(found)
    form.enabled = request.POST.get("enabled") == "on"
    try:
        acts.save_rule(Actor.of(by(request), team), person(request), team, form.wish(), found)
    except acts.ActRefused as problem:
        messages.error(request, f"{found.name}: {problem}.")
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"{found.name}: {'on' if form.enabled else 'off'}.")
    return redirect("alert_rules", team.slug)


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    team = team_where(request, slug, MANAGE)
    found = get_object_or_404(AlertRule.objects.managed_by(person(request)).filter(team=team), pk=pk)
    try:
        acts.remove_rule(Actor.of(by(request), team), person(request), found)
    except acts.NoLongerOpen as problem:
        messages.error(request, f"{found.name}: {problem}.")
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"{found.name}: removed.")
    return redirect("alert_rules", team.slug)
