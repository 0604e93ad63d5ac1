"""The Celery app and its one static timetable: everything due stands in the database, the beat only says "look"."""

import os
from typing import TYPE_CHECKING

from celery import Celery
from celery.signals import beat_init, setup_logging
from django.conf import settings

from portal import keys

if TYPE_CHECKING:
    from kombu.transport.redis import Channel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


def may_give_back(channel: "Channel") -> bool:
    """Whether a message that was taken and not begun can still be put back: not over a connection that is gone.

    kombu (5.7) tries nevertheless when Redis restarts, and the worker ends with an AttributeError. What is not put back
    is announced again by the next tick."""
    return getattr(channel.connection, "client", None) is not None


if not settings.EMBEDDED:  # an installation without Redis need not load it
    from kombu.transport.redis import Channel

    Channel.do_restore = property(may_give_back)  # type: ignore[assignment]

app = Celery("portal", amqp="portal.broker:Broker")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["bots"])
# Every thread's: tasks are also called by the web server's, where Celery would else invent an app of its own.
app.set_default()


@setup_logging.connect
def leave_logging_alone(**kwargs: object) -> None:
    """settings.LOGGING stands. Without a receiver Celery gives the root the level of its command line, whose default is
    WARNING, whatever LOG_LEVEL says."""


@app.on_after_finalize.connect
def timetable(sender: Celery, **kwargs: object) -> None:
    tick = settings.PORTAL_TICK_SECONDS
    sender.conf.beat_schedule = {
        "tick": {"task": "bots.tasks.tick", "schedule": tick, "options": {"expires": max(tick, 1) * 5}},
        "commands": {"task": "bots.tasks.sweep_commands", "schedule": 1.0, "options": {"expires": 5}},
        "deliveries": {"task": "bots.tasks.deliver_alerts", "schedule": 2.0, "options": {"expires": 10}},
        "anchor": {"task": "bots.tasks.anchor_audit", "schedule": 10.0, "options": {"expires": 10}},
        "alerts": {"task": "bots.tasks.evaluate_alerts", "schedule": 60.0, "options": {"expires": 50}},
        "hourly": {"task": "bots.tasks.tidy", "schedule": 3600.0, "options": {"expires": 1800}},
    }


@beat_init.connect
def tell_of_spare_key(**kwargs: object) -> None:
    if not settings.EMBEDDED:
        keys.tell_if_spare(settings.PORTAL_SECRETS_KEYS, "the clock")
