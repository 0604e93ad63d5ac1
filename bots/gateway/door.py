"""The gateway's door, an ASGI application: each bot in Freqtrade's own language, under /gateway/{slug}/api/v1/.

No bot is spoken to yet: everything below /gateway/ is 501, a websocket is refused before its handshake, and there is
nothing anywhere else. /livez says that the process answers, /readyz (503 when not) that its database does.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http.request import split_domain_port, validate_host

from bots.models.sealing import require_private_key

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PREFIX = "/gateway/"
PATIENCE_SECONDS = 3.0
SAFE_METHODS = ("GET", "HEAD")


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, object]
    headers: dict[str, str] = field(default_factory=dict)


NOT_FOUND = Answer(404, {"detail": "There is nothing at this path.", "code": "not_found"})
NOT_BUILT = Answer(501, {"detail": "No bot is spoken to through the gateway yet.", "code": "not_implemented"})
WRONG_HOST = Answer(400, {"detail": "This portal is not called by this name.", "code": "wrong_host"})
WRONG_METHOD = Answer(405, {"detail": "This is read with GET.", "code": "method_not_allowed"}, {"Allow": "GET, HEAD"})


def open_gateway() -> "Gateway":
    """For a process of its own. Raises ImproperlyConfigured where no bot's password could be opened."""
    require_private_key()
    return Gateway()


class Gateway:
    """Serves what begins with /gateway/, and as a process of its own also tells how it is."""

    def __init__(self) -> None:
        self.looking = ThreadPoolExecutor(1, thread_name_prefix="gateway-readyz")
        self.look: Future[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await say(await self.answer(scope), scope["method"], send)
        else:
            raise NotImplementedError(f"the gateway does not speak {scope['type']}")

    async def answer(self, scope: Scope) -> Answer:
        path: str = scope["path"]
        if not is_called_by_name(scope):
            return WRONG_HOST
        if path.startswith(PREFIX):
            return NOT_BUILT
        if path not in ("/livez", "/readyz"):
            return NOT_FOUND
        if scope["method"] not in SAFE_METHODS:
            return WRONG_METHOD
        return Answer(200, {"alive": True}) if path == "/livez" else await self.readiness()

    async def readiness(self) -> Answer:
        """One look at a time: a database that hangs is said in time, and holds one thread."""
        if self.look is None or self.look.done():
            self.look = self.looking.submit(look_at_database)
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self.look)), PATIENCE_SECONDS)
        except (DatabaseError, TimeoutError):
            return Answer(503, {"ready": False, "database": {"ok": False}})
        return Answer(200, {"ready": True, "database": {"ok": True}})


def look_at_database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def is_called_by_name(scope: Scope) -> bool:
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"host"]
    domain, _ = split_domain_port(hosts[0]) if len(hosts) == 1 else ("", "")
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


async def say(answer: Answer, method: str, send: Send) -> None:
    body = json.dumps(answer.body).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **answer.headers,
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
