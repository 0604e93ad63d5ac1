"""Alerts on their way to people: queued with the alert, carried by workers, recorded with their outcome.

queue writes who is to be told, in the transaction in which an alert opens, clears or is told again;
carry_due is the tick's; forget_old the hourly task's.
"""

from django.utils import timezone

from bots.domain.alerts.delivering.postman import Postman, postman, stop_postman
from bots.domain.alerts.delivering.queueing import queue
from bots.domain.alerts.delivering.rounds import due, forget_old, take_back_lost

__all__ = [
    "Postman",
    "carry_due",
    "due",
    "forget_old",
    "postman",
    "queue",
    "stop_postman",
    "take_back_lost",
]


def carry_due() -> None:
    """Every few seconds, in a worker: hand this process's postman what is due; returns at once."""
    now = timezone.now()
    take_back_lost(now)
    destinations = due(now)
    if destinations:
        postman().submit(destinations)
