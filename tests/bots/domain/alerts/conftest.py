"""Makers of alerts and of what makes them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import Role
from accounts.models import Team, User
from bots.domain.alerts.evaluating import evaluate
from bots.domain.alerts.kinds import KINDS
from bots.domain.alerts.params import checked_params
from bots.domain.audit import Actor
from bots.domain.events import Happened, record
from bots.models import Alert, AlertDefaults, AlertRule, Bot, BotStatus, Delivery, Destination, PollTurn
from tests import builders

MINUTE = timedelta(minutes=1)


@pytest.fixture
def dave(alpha: Team) -> User:
    """Operator of team Alpha."""
    dave = builders.person("dave")
    builders.member(dave, alpha, Role.OPERATOR)
    return dave


def as_actor(user: User) -> Actor:
    return Actor(name=user.username, id=user.pk)


def a_rule(team: Team, kind: str, *, params: dict[str, object] | None = None, **values: object) -> AlertRule:
    declared = KINDS[kind]
    given = {"name": declared.label, "severity": declared.severity, "params": checked_params(declared, params or {})}
    return AlertRule.objects.create(team=team, kind=kind, **{**given, **values})


def an_alert(bot: Bot, rule: AlertRule | None = None, **values: object) -> Alert:
    """Open since five minutes, told to whoever wants to know."""
    rule = rule or a_rule(bot.team, "unreachable")
    then = timezone.now() - timedelta(minutes=5)
    given = {"kind": rule.kind, "key": f"{rule.pk}:{bot.pk}:", "severity": rule.severity, "mode": "live"}
    given |= {"text": "has not answered for 5 min", "since": then, "opened_at": then, "announced_at": then}
    return Alert.objects.create(team=bot.team, bot=bot, rule=rule, **{**given, **values})


class Minutes:
    """The tick: each call is a minute later, everything of which the database says that it was just read with it."""

    def __init__(self):
        self.now = timezone.now()

    def __call__(self, minutes=1, *, asked=True):
        self.now += minutes * MINUTE
        if asked:
            fresh = {"answered_at": self.now, "seen_at": self.now, "history_at": self.now}
            BotStatus.objects.filter(failing_since=None).exclude(state="unknown").update(**fresh)
            PollTurn.objects.update(next_poll_at=self.now + MINUTE)
        return evaluate(self.now)


@pytest.fixture
def tick():
    return Minutes()


@pytest.fixture
def quiet_alpha(alpha):
    """A team that has no rules but those of the test."""
    AlertDefaults.objects.create(team=alpha)
    return alpha


def now_says(bot: Bot, **values: object) -> None:
    BotStatus.objects.filter(pk=bot.pk).update(**values)


def told() -> list[tuple[str, str]]:
    return list(Alert.objects.open().order_by("pk").values_list("text", "detail"))


def states() -> list[str]:
    return [alert.state for alert in Alert.objects.order_by("pk")]


def a_destination(team, **values):
    return Destination.objects.create(team=team, kind="webhook", name="room", **values)


def deliveries() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("what", flat=True))


def an_event(bot, kind, at, *, text="happened", detail="", key="", **data):
    said = Happened(
        kind=kind,
        team_id=bot.team_id,
        bot_id=bot.pk,
        at=at,
        key=key or f"{kind} {at}",
        text=text,
        detail=detail,
        data=data,
    )
    (event,) = record([said], at)
    return event
