"""The door for browsers' websockets: /ws/fleet/, for a logged-in person on a page of this very portal.

The server says {"hello": {"seq": {slug: seq}, "server_time": iso}}, then {"bot": slug, "what": [...], "seq": n}, and
{"bye": "logged_out" | "role_changed" | "slow"} before it closes. A "ping" is answered {"pong": iso}. Where the
database is further than what was announced, `what` says "missed".
"""

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils import timezone

from bots.live.browser import CLOSE_CODES, DEAF, Browser, Receive, Send
from bots.live.hub import Hub, hub_here
from bots.live.visitors import Visitor

PATH = "/ws/fleet/"
REFUSED = {"type": "websocket.close", "code": 1008}


async def websocket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ASGI application. Whoever is not welcome is refused before the handshake is accepted (HTTP 403)."""
    await receive()  # websocket.connect
    hub = hub_here()
    try:
        visitor = await welcome_visitor(hub, scope)
    except (DatabaseError, TimeoutError) as failure:
        hub.complain(failure)
        visitor = None
    if visitor is None:
        await send(REFUSED)
        return
    await send({"type": "websocket.accept"})
    await serve(hub, visitor, receive, send)


async def welcome_visitor(hub: Hub, scope: dict[str, Any]) -> Visitor | None:
    """None for another path, another origin or nobody logged in. Raises DatabaseError, TimeoutError."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if scope["path"] != PATH or not is_own_origin(headers, scope["scheme"]):
        return None
    key = parse_cookie(headers.get(b"cookie", "")).get(settings.SESSION_COOKIE_NAME)
    return await hub.visitors.ask(key) if key else None


def is_own_origin(headers: dict[bytes, str], scheme: str) -> bool:
    """The page that opens the socket came from PORTAL_URL, or from the scheme and host of this very request."""
    origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
    domain, _ = split_domain_port(host)
    if not origin or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    # With an https PORTAL_URL a proxy ends TLS before us: a page that came by plain http is no page of ours.
    own_scheme = "https" if settings.SECURE or scheme == "wss" else "http"
    portal = urlsplit(str(settings.PORTAL_URL))
    return origin in (f"{own_scheme}://{host}", f"{portal.scheme}://{portal.netloc}")


async def serve(hub: Hub, visitor: Visitor, receive: Receive, send: Send) -> None:
    """Joined first and greeted then: what changes in between is told twice rather than never."""
    browser = Browser(visitor, send)
    hub.join(browser)
    try:
        hello = await greeting(hub, visitor) if await hub.heard() else None
        if hello is None:
            await send({"type": "websocket.close", "code": CLOSE_CODES[DEAF]})
        else:
            await browser.serve(receive, hello)
    finally:
        hub.leave(browser)


async def greeting(hub: Hub, visitor: Visitor) -> str | None:
    """None when the database does not answer."""
    try:
        seqs = await hub.seqs_seen_by(visitor)
    except (DatabaseError, TimeoutError) as failure:
        hub.complain(failure)
        return None
    return json.dumps({"hello": {"seq": seqs, "server_time": timezone.now().isoformat()}})
