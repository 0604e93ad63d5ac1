"""One person of each kind, and one thing of each kind for them to try their hands on. Everything belongs to Alpha."""

import uuid
from copy import deepcopy
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone

from accounts.access import Role
from accounts.models import ApiSession, Invitation, Membership
from bots.domain import alerts, commands
from bots.domain.audit import Actor
from bots.models import (
    Alert,
    AlertRule,
    AuditEntry,
    Bot,
    Command,
    CommandBatch,
    ConnectionTest,
    Delivery,
    Destination,
    FourEyes,
    Maintenance,
    Mute,
)
from bots.models.sealing import seal
from tests import builders
from tests.matrix.contract import ACTIONS

TEAM = ("viewer", "operator", "trader", "manager")
# A manager of another team; a superuser who is in no team; a manager of this one who was deactivated; nobody at all.
OUTSIDE = ("foreign manager", "superuser", "deactivated", "stranger")
EVERYBODY = (*TEAM, *OUTSIDE)
# What a refused act must have left as it was.
WATCHED = (
    Bot, Command, CommandBatch, FourEyes, Membership, Invitation, AuditEntry, ConnectionTest, ApiSession,
    Alert, AlertRule, Mute, Maintenance, Destination, Delivery,
)  # fmt: skip
ALSO = ("force_enter_side", "force_exit_partial", "unlock_by_pair")


@pytest.fixture(scope="module")
def made(once):
    return scene_of(builders.team("Alpha"), builders.team("Beta"))


@pytest.fixture
def scene(made, db):
    return deepcopy(made)


def scene_of(alpha, beta):
    people = {name: member_of(alpha, name, name) for name in TEAM}
    people["foreign manager"] = member_of(beta, "foreign", Role.MANAGER)
    people["superuser"] = builders.person("root", is_superuser=True)
    people["deactivated"] = member_of(alpha, "gone", Role.MANAGER)
    people["deactivated"].is_active = False
    people["deactivated"].save()
    people["stranger"] = None
    builders.a_bot(beta, "foreign", status={"capabilities": [*ACTIONS]})
    # "starting": a batch leaves out bots that are already what the action would make of them.
    bot = builders.a_bot(alpha, "trend", status={"capabilities": [*ACTIONS, *ALSO], "state": "starting"})
    bot.set_secret("password", "let-me-in")
    bot.save()
    orders = [{"order_id": "o1", "side": "buy", "is_open": True}]
    trade = builders.a_trade(bot, trade_id="500", pair="NEAR/USDT", orders=orders)
    return SimpleNamespace(people=people, alpha=alpha, bot=bot, trade=trade)


def member_of(team, name, role):
    person = builders.person(name)
    builders.member(person, team, role)
    return person


@pytest.fixture(scope="module")
def things(made):
    """What the paths of the routes name."""
    return things_of(made)


def things_of(scene):
    asker = member_of(scene.alpha, "asker", Role.TRADER)
    FourEyes.objects.create(team=scene.alpha, actions=["start"])
    waiting = commands.ask(Actor("asker"), asker, scene.bot, "start", {}).command
    batch = commands.ask_many(Actor("asker"), asker, scene.alpha, [scene.bot], "stop", {}).batch
    batch.commands.update(state=Command.REFUSED)
    # Another action: a later "stop" would leave nothing of the batch to repeat.
    unknown = commands.ask(Actor("asker"), asker, scene.bot, "reload_config", {}).command
    Command.objects.filter(pk=unknown.pk).update(state=Command.UNKNOWN)
    invited = Invitation.objects.create(
        team=scene.alpha, email="new@example.org", role="viewer", token_hash="x" * 64,
        invited_by=scene.people["manager"], expires_at=waiting.expires_at,
    )  # fmt: skip
    destination = Destination.objects.create(
        team=scene.alpha, kind="mail", name="On call", sealed={"address": seal("a@example.org", "x")}
    )
    return {
        "destination": destination.pk,
        "waiting": waiting.pk, "unknown": unknown.pk, "batch": batch.pk, "bot": "trend", "trade": scene.trade.pk,
        "team": "alpha", "member": scene.people["viewer"].memberships.get().pk, "invitation": invited.pk,
        "uuid": uuid.uuid4(), **things_of_alerts(scene),
    }  # fmt: skip


def things_of_alerts(scene):
    manager, now = scene.people["manager"], timezone.now()
    rule = next(rule for rule in alerts.rules_of(manager, scene.alpha) if rule.kind == "version_changed")
    alert = Alert.objects.create(
        team=scene.alpha, rule=rule, bot=scene.bot, kind=rule.kind, key="x", severity="info", text="x", since=now
    )
    span = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
    actor = Actor("manager")
    return {
        "rule": rule.pk,
        "alert": alert.pk,
        "mute": alerts.mute(actor, manager, scene.alpha, until=span["ends_at"], rule=rule).pk,
        "window": alerts.plan_maintenance(actor, manager, scene.alpha, **span).pk,
    }


def everything():
    """All that is watched, in one comparable value: asked for so often that the ORM would take a tenth of all tests."""
    with connection.cursor() as cursor:
        return {model.__name__: rows_of(cursor, model._meta) for model in WATCHED}


def rows_of(cursor, table):
    cursor.execute(f'SELECT * FROM "{table.db_table}" ORDER BY "{table.pk.column}"')
    return cursor.fetchall()
