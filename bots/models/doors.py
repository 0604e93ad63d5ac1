"""The door to the bots, as this installation allows it: only processes that speak to bots open one."""

import resource
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from bots.systems.addresses import AddressPolicy, OwnPorts, checked_webhook_url
from bots.systems.http import HttpDoor
from bots.systems.websocket import SocketDoor

__all__ = ["checked_webhook_url", "open_door", "open_socket_door", "open_webhook_door", "own_ports"]

WEBHOOK_SECONDS = 10.0
WEBHOOK_ANSWER_BYTES = 64 * 1024


def open_door() -> HttpDoor:
    """One per event loop. Call inside the running loop."""
    return HttpDoor(
        AddressPolicy.from_networks(settings.PORTAL_ALLOWED_NETWORKS, own_ports()),
        deadline=settings.PORTAL_POLL_DEADLINE_SECONDS,
        max_bytes=settings.PORTAL_MAX_ANSWER_BYTES,
        user_agent=f"bot-portal/{settings.VERSION}",
        kept_connections=kept_connections(),
    )


def kept_connections() -> int:
    """One a bot, as far as this process may have files open: the bots' websockets have one each as well, and a third of
    them is for all else."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 10_000 if files == resource.RLIM_INFINITY else min(files // 3, 10_000)


def open_socket_door() -> SocketDoor:
    """The same for websockets. One per event loop."""
    return SocketDoor(
        AddressPolicy.from_networks(settings.PORTAL_ALLOWED_NETWORKS, own_ports()),
        deadline=settings.PORTAL_POLL_DEADLINE_SECONDS,
        user_agent=f"bot-portal/{settings.VERSION}",
    )


def open_webhook_door() -> HttpDoor:
    """To receivers of alerts: other networks may be open to them than to bots. One per event loop."""
    return HttpDoor(
        AddressPolicy.from_networks(settings.PORTAL_WEBHOOK_NETWORKS, own_ports()),
        deadline=WEBHOOK_SECONDS,
        max_bytes=WEBHOOK_ANSWER_BYTES,
        user_agent=f"bot-portal/{settings.VERSION}",
        kept_connections=1,
    )


def own_ports() -> OwnPorts:
    database: dict[str, Any] = settings.DATABASES["default"]
    engines = {int(database["PORT"] or 5432)} if "postgresql" in database["ENGINE"] else set()
    if settings.REDIS_URL and not settings.REDIS_URL.startswith("unix"):
        engines.add(urlsplit(settings.REDIS_URL).port or 6379)
    web = urlsplit(settings.PORTAL_URL)
    return OwnPorts(frozenset(engines), frozenset({web.port or (443 if web.scheme == "https" else 80)}))
