"""`alert-rules/`: what a team wants to be told of."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.access import SEE
from accounts.models import Team
from bots.api.alert_shapes import AlertRuleChange, AlertRuleInput, AlertRuleShape, RuleKindShape
from bots.api.alerts import TEAM, AlertsView
from bots.api.doors import acting, checked
from bots.domain import alerts as acts
from bots.domain.alerts.kinds import CHOICE
from bots.domain.alerts.rules import make_first_rules
from bots.models import AlertRule


class RulesView(AlertsView):
    def rules(self) -> QuerySet[AlertRule]:
        return AlertRule.objects.visible_to(self.user).select_related("bot", "team").order_by("team__name", "pk")

    def rule(self, number: int) -> AlertRule:
        return get_object_or_404(self.rules(), pk=number)


class AlertRules(RulesView):
    serializer_class: type[Serializer[Any]] = AlertRuleInput

    @extend_schema(operation_id="alert_rules_list", parameters=[TEAM], responses=AlertRuleShape(many=True))
    def get(self, request: Request) -> Response:
        """A team begins with sensible ones."""
        team = self.asked_team(request)
        make_first_rules([team] if team else list(Team.objects.where(self.user, SEE)))
        rules = self.rules().filter(team=team) if team else self.rules()
        return self.paged(rules, lambda page: map(written_rule, page))

    @extend_schema(operation_id="alert_rules_create", request=AlertRuleInput, responses={201: AlertRuleShape})
    def post(self, request: Request) -> Response:
        """For managers. 400 wrong_values names the fields, of `params` by their own names."""
        given = checked(AlertRuleInput(data=request.data))
        team = self.visible_team(given.pop("team"))
        with acting():
            rule = acts.save_rule(self.actor_in(team), self.user, team, acts.RuleWish(**given))
        return Response(written_rule(rule), status=201)


class OneAlertRule(RulesView):
    serializer_class: type[Serializer[Any]] = AlertRuleChange

    @extend_schema(operation_id="alert_rules_read", responses=AlertRuleShape)
    def get(self, request: Request, number: int) -> Response:
        return Response(written_rule(self.rule(number)))

    @extend_schema(operation_id="alert_rules_change", request=AlertRuleChange, responses=AlertRuleShape)
    def patch(self, request: Request, number: int) -> Response:
        """For managers. A rule keeps its kind; changing it clears its open alerts, what is wrong opens anew."""
        rule = self.rule(number)
        given = checked(AlertRuleChange(data=request.data, partial=True))
        with acting():
            saved = acts.save_rule(self.actor_in(rule.team), self.user, rule.team, changed(rule, given), rule)
        return Response(written_rule(saved))

    @extend_schema(operation_id="alert_rules_remove", responses={204: None})
    def delete(self, request: Request, number: int) -> Response:
        """For managers. Its alerts stay in the list, cleared."""
        rule = self.rule(number)
        with acting():
            acts.remove_rule(self.actor_in(rule.team), self.user, rule)
        return Response(status=204)


class AlertRuleKinds(AlertsView):
    pagination_class = None

    @extend_schema(operation_id="alert_rules_kinds", responses=RuleKindShape(many=True))
    def get(self, request: Request) -> Response:
        """What rules there can be, with their parameters and units."""
        return Response([written_kind(name, kind) for name, kind in acts.KINDS.items()])


def changed(rule: AlertRule, given: Mapping[str, Any]) -> acts.RuleWish:
    now = {**written_rule(rule), **given, "params": {**rule.params, **given.get("params", {})}}
    names = ("kind", "name", "severity", "enabled", "params", "bot", "tag", "mode", "remind_hours")
    return acts.RuleWish(**{name: now[name] for name in names})


def written_rule(rule: AlertRule) -> dict[str, Any]:
    plain = ("kind", "name", "enabled", "severity", "params", "tag", "mode", "remind_hours", "changed_at")
    return {
        "id": rule.pk,
        "team": rule.team.slug,
        "bot": rule.bot.slug if rule.bot else "",
        **{name: getattr(rule, name) for name in plain},
    }


def written_kind(name: str, kind: acts.RuleKind) -> dict[str, Any]:
    plain = {field: getattr(kind, field) for field in ("label", "sentence", "severity", "lasting", "of_portal")}
    return {"kind": name, **plain, "params": [written_param(param) for param in kind.params]}


def written_param(param: acts.Param) -> dict[str, Any]:
    bounded = param.unit != CHOICE
    limits = {"least": str(param.least) if bounded else "", "most": str(param.most) if bounded else ""}
    plain = {field: getattr(param, field) for field in ("name", "label", "unit", "default")}
    return {**plain, **limits, "choices": list(param.choices)}
