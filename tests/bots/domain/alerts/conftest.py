"""Makers of alerts and of what makes them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import Role
from accounts.models import Team, User
from bots.domain.alerts.kinds import KINDS
from bots.domain.alerts.params import checked_params
from bots.domain.audit import Actor
from bots.models import Alert, AlertRule, Bot
from tests import builders


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
