"""Team Alpha has a webhook, and a mail address at a real mail server; both listen on loopback."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain.alerts.delivering import Postman, carry_due, due, queue
from bots.domain.alerts.destinations import add_destination
from bots.domain.audit import Actor
from bots.models import Alert, Bot, Delivery, Destination
from tests.builders import a_bot
from tests.receivers import MailServer, Receiver, mail_server, webhooks

SECRET = "a secret that signs"


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.PORTAL_WEBHOOK_NETWORKS = ["loopback"]
    with webhooks() as receiver:
        yield receiver


@pytest.fixture
def mails(settings) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 2
        settings.DEFAULT_FROM_EMAIL = "portal@example.org"
        yield server


@pytest.fixture
def actor(alice: User) -> Actor:
    return Actor("alice", alice.pk, "manager")


@pytest.fixture
def hook(actor: Actor, alpha: Team, receiver: Receiver) -> Destination:
    address = f"{receiver.url}/hooks/k3y?token=t0ken"
    return add_destination(actor, alpha, kind="webhook", name="Operations", address=address, secret=SECRET)


@pytest.fixture
def box(actor: Actor, alpha: Team, mails: MailServer) -> Destination:
    return add_destination(actor, alpha, kind="mail", name="On call", address="oncall@example.org")


@pytest.fixture
def bot(alpha: Team) -> Bot:
    return a_bot(alpha)


def an_alert(bot: Bot, **values: object) -> Alert:
    now = timezone.now()
    given = {
        "team": bot.team,
        "bot": bot,
        "kind": "unreachable",
        "key": f"1/{bot.pk}/{Alert.objects.count()}",
        "severity": "error",
        "mode": "live",
        "text": "has not answered for 12 min",
        "since": now - timedelta(minutes=12),
        "announced_at": now,
    }
    return Alert.objects.create(**{**given, **values})


def opened(bot: Bot, count: int = 1, **values: object) -> list[Alert]:
    """So many alerts of the bot, handed to the destinations."""
    alerts = [an_alert(bot, **values) for _ in range(count)]
    queue(alerts, Delivery.OPENED)
    return alerts


def cleared(*alerts: Alert) -> None:
    for alert in alerts:
        alert.cleared_at = timezone.now()
        alert.save()
    queue(alerts, Delivery.CLEARED)


def carried(destination: Destination) -> int:
    """What a worker's postman sends there now; how many."""
    return Postman().carry(destination.pk)


def later(**span: float) -> None:
    """As if so much time had passed for everything that is waiting, claimed or sent."""
    for delivery in Delivery.objects.all():
        for name in ("next_try_at", "claimed_at", "begun_at", "created_at"):
            if getattr(delivery, name) is not None:
                setattr(delivery, name, getattr(delivery, name) - timedelta(**span))
        delivery.save()


__all__ = ["an_alert", "carried", "carry_due", "cleared", "due", "later", "opened"]
