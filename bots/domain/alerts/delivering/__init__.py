"""Alerts to people: `queue` writes down who is to be told of what; the workers tell them."""

from bots.domain.alerts.delivering.queueing import queue

__all__ = ["queue"]
