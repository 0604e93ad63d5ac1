"""The doors of the process: HTTP and the browsers' websocket (`application`), or the gateway's alone (`gateway`)."""

import os
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# Somebody waits for each answer: a database that hangs is said within seconds.
os.environ.setdefault("PORTAL_DATABASE_SECONDS", "7")
# Every request has a thread of its own: what it kept nobody would use again, and it would stay open for a long time.
os.environ.setdefault("PORTAL_DATABASE_KEPT_SECONDS", "0")

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

from portal import keys

pages = get_asgi_application()

from bots.gateway.door import PREFIX, Gateway, Receive, Scope, Send, open_gateway  # noqa: E402  needs the apps loaded
from bots.live.door import websocket  # noqa: E402

Door = Callable[[Scope, Receive, Send], Awaitable[None]]


def with_gateway(door: Door) -> Door:
    """One process is everything: the gateway's door, too."""
    gateway = Gateway()

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        await (gateway if scope.get("path", "").startswith(PREFIX) else door)(scope, receive, send)

    return either


def open_application() -> Door:
    """Pages, API and the browsers' websocket; in an installation of one process the gateway, too."""
    door: Door = ProtocolTypeRouter({"http": pages, "websocket": websocket})
    if settings.EMBEDDED:
        return with_gateway(door)
    # A team's web processes do not hold the key that the gateway needs.
    keys.tell_if_spare(settings.PORTAL_SECRETS_KEYS, "a web process")
    return door


DOORS = {"application": open_application, "gateway": open_gateway}


@cache
def __getattr__(name: str) -> Any:
    """Opened when asked for: only the gateway's own process must hold the private key, and only it should."""
    if name in DOORS:
        return DOORS[name]()
    raise AttributeError(name)
