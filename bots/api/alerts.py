"""`alerts/`: what is wrong, who has taken it on; `mutes/` and `maintenance/`: when nobody wants to hear of it."""

from collections.abc import Callable, Iterable
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Team
from bots.api.alert_shapes import AlertRemarkInput, AlertShape, MaintenanceInput, MaintenanceShape, MuteInput, MuteShape
from bots.api.doors import View, acting, asked, checked
from bots.domain import alerts as acts
from bots.domain.events.kinds import SEVERITIES
from bots.models import Alert, AlertRule, Bot, Maintenance, Mute

FILTERS = [
    OpenApiParameter("state", enum=list(acts.STATES), description="uncleared: open or acknowledged"),
    OpenApiParameter("kind", enum=list(acts.KINDS)),
    OpenApiParameter("severity", enum=list(SEVERITIES), description="This one or a graver one"),
    OpenApiParameter("team", description="Slug"),
    OpenApiParameter("bot", description="Slug"),
    OpenApiParameter("bot_tag"),
    OpenApiParameter("mode", enum=["live", "dry"], description="When it opened"),
    OpenApiParameter("from", description="ISO date or date-time: opened at or after"),
    OpenApiParameter("to", description="... at or before"),
]
TEAM = OpenApiParameter("team", description="Slug; else of all your teams")
PLAIN = (
    *("id", "state", "kind", "severity", "mode", "text", "detail", "data", "since", "opened_at", "last_at", "times"),
    *("silent", "announced_at", "acknowledged_at", "remark", "cleared_at", "cleared_why"),
)


class AlertsView(View):
    def asked_team(self, request: Request) -> Team | None:
        slug = request.query_params.get("team", "")
        return self.visible_team(slug) if slug else None

    def bot_in(self, team: Team, slug: str) -> Bot | None:
        """Raises ValidationError for a bot that is not there, also when it is another team's."""
        if not slug:
            return None
        bot = Bot.objects.visible_to(self.user).active().filter(team=team, slug=slug).first()
        if bot is None:
            raise ValidationError({"bot": [f"No bot of {team.slug} is called {slug}"]})
        return bot


class Alerts(AlertsView):
    @extend_schema(operation_id="alerts_list", parameters=FILTERS, responses=AlertShape(many=True))
    def get(self, request: Request) -> Response:
        """What is or was wrong at the bots you may see: open ones first, then acknowledged ones, then cleared ones."""
        found = acts.alerts_for(self.user, asked(acts.AlertQuery.parse, request))
        return self.paged(found, written_alerts, open=acts.count_open(self.user))


class OnAlert(AlertsView):
    def alert(self, number: int) -> Alert:
        return get_object_or_404(acts.alerts_for(self.user), pk=number)

    def act(self, number: int, request: Request, act: Callable[..., Alert]) -> Response:
        alert = self.alert(number)
        remark = checked(AlertRemarkInput(data=request.data))["remark"]
        with acting():
            act(self.actor_in(alert.team), self.user, alert, remark)
        return Response(written_alert(self.alert(number)))


class OneAlert(OnAlert):
    @extend_schema(operation_id="alerts_read", responses=AlertShape)
    def get(self, request: Request, number: int) -> Response:
        return Response(written_alert(self.alert(number)))


class AcknowledgeAlert(OnAlert):
    serializer_class = AlertRemarkInput

    @extend_schema(operation_id="alerts_acknowledge", request=AlertRemarkInput, responses=AlertShape)
    def post(self, request: Request, number: int) -> Response:
        """You look after it: it reminds nobody and stays until it clears. 409 no_longer_open."""
        return self.act(number, request, acts.acknowledge)


class CloseAlert(OnAlert):
    serializer_class = AlertRemarkInput

    @extend_schema(operation_id="alerts_close", request=AlertRemarkInput, responses=AlertShape)
    def post(self, request: Request, number: int) -> Response:
        """Of what tells of events. 409 clears_by_itself, no_longer_open."""
        return self.act(number, request, acts.close)


class Mutes(AlertsView):
    serializer_class = MuteInput

    @extend_schema(operation_id="mutes_list", parameters=[TEAM], responses=MuteShape(many=True))
    def get(self, request: Request) -> Response:
        """Those that hold now."""
        return self.paged(acts.mutes_of(self.user, self.asked_team(request)), lambda page: map(written_mute, page))

    @extend_schema(operation_id="mutes_create", request=MuteInput, responses={201: MuteShape})
    def post(self, request: Request) -> Response:
        """Nobody is told of the rule's alerts, the bot's, or (both) the rule's at this bot; they are recorded."""
        given = checked(MuteInput(data=request.data))
        team = self.visible_team(given["team"])
        bot, until, reason = self.bot_in(team, given["bot"]), given["until"], given["reason"]
        with acting():
            rule = self.rule_in(team, given["rule"])
            muted = acts.mute(self.actor_in(team), self.user, team, until=until, rule=rule, bot=bot, reason=reason)
        return Response(written_mute(muted), status=201)

    def rule_in(self, team: Team, number: int | None) -> AlertRule | None:
        if number is None:
            return None
        rule = acts.rules_of(self.user, team).filter(pk=number).first()
        if rule is None:
            raise ValidationError({"rule": [f"No rule of {team.slug} has this number"]})
        return rule


class OneMute(AlertsView):
    @extend_schema(operation_id="mutes_lift", responses={204: None})
    def delete(self, request: Request, number: int) -> Response:
        """Before its time. 409 no_longer_open."""
        muted = get_object_or_404(Mute.objects.visible_to(self.user).select_related("team", "bot", "rule"), pk=number)
        with acting():
            acts.unmute(self.actor_in(muted.team), self.user, muted)
        return Response(status=204)


class MaintenanceWindows(AlertsView):
    serializer_class = MaintenanceInput

    @extend_schema(operation_id="maintenance_list", parameters=[TEAM], responses=MaintenanceShape(many=True))
    def get(self, request: Request) -> Response:
        """Under way and planned."""
        found = acts.maintenance_of(self.user, self.asked_team(request))
        return self.paged(found, lambda page: map(written_window, page))

    @extend_schema(operation_id="maintenance_create", request=MaintenanceInput, responses={201: MaintenanceShape})
    def post(self, request: Request) -> Response:
        """Of a bot, or of all the team's. What is still wrong when it ends is told then."""
        given = checked(MaintenanceInput(data=request.data))
        team = self.visible_team(given.pop("team"))
        bot = self.bot_in(team, given.pop("bot"))
        given.setdefault("starts_at", timezone.now())
        with acting():
            window = acts.plan_maintenance(self.actor_in(team), self.user, team, bot=bot, **given)
        return Response(written_window(window), status=201)


class OneMaintenanceWindow(AlertsView):
    @extend_schema(operation_id="maintenance_end", responses={204: None})
    def delete(self, request: Request, number: int) -> Response:
        """Before its time, or called off. 409 no_longer_open."""
        mine = Maintenance.objects.visible_to(self.user).select_related("team", "bot")
        window = get_object_or_404(mine, pk=number)
        with acting():
            acts.end_maintenance(self.actor_in(window.team), self.user, window)
        return Response(status=204)


def written_alerts(alerts: Iterable[Alert]) -> Iterable[dict[str, Any]]:
    return map(written_alert, alerts)


def written_alert(alert: Alert) -> dict[str, Any]:
    plain = {name: getattr(alert, name) for name in PLAIN if name != "id"}
    place = {"team": alert.team.slug, "bot": alert.bot.slug if alert.bot else None, "rule": alert.rule_id}
    people = {"acknowledged_by": alert.acknowledged_by_name, "cleared_by": alert.cleared_by_name}
    return {"id": alert.pk, **plain, **place, **people, "may_close": acts.may_close(alert)}


def written_mute(muted: Mute) -> dict[str, Any]:
    return {
        "id": muted.pk,
        "team": muted.team.slug,
        "rule": muted.rule_id,
        "bot": muted.bot.slug if muted.bot else None,
        "until": muted.until,
        "reason": muted.reason,
        "muted_by": muted.muted_by_name,
        "created_at": muted.created_at,
    }


def written_window(window: Maintenance) -> dict[str, Any]:
    return {
        "id": window.pk,
        "team": window.team.slug,
        "bot": window.bot.slug if window.bot else None,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "reason": window.reason,
        "planned_by": window.planned_by_name,
        "created_at": window.created_at,
    }
