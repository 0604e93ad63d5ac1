"""The gateway's door before there is anything behind it: it says so, in the language of programs."""

import asyncio
import json

import pytest
from django.core.exceptions import ImproperlyConfigured

from bots.gateway.door import Gateway, open_gateway
from portal.asgi import with_gateway


def asked(door, path, method="GET", host="testserver", kind="http"):
    """(status, headers, body) of an ASGI application; of a websocket the code with which it is refused."""
    said = []
    scope = {"type": kind, "path": path, "method": method, "headers": [(b"host", host.encode())]}

    async def receive():
        return {"type": "http.request", "body": b""} if kind == "http" else {"type": "websocket.connect"}

    async def send(message):
        said.append(message)

    asyncio.run(door(scope, receive, send))
    if kind == "websocket":
        return said
    headers = {name.decode(): value.decode() for name, value in said[0]["headers"]}
    body = said[1]["body"]
    return said[0]["status"], headers, json.loads(body) if body else None


@pytest.mark.parametrize("path", ["/gateway/alpha/api/v1/ping", "/gateway/no-such-bot/api/v1/status", "/gateway/"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_no_bot_is_spoken_to_yet_and_none_is_told_from_another(path, method):
    status, headers, body = asked(Gateway(), path, method)
    assert (status, body["code"]) == (501, "not_implemented")
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/login/", "/api/v1/bots/", "/admin/", "/metrics", "/gatewayish/"])
def test_the_gateway_serves_no_page_and_no_api(path):
    status, _, body = asked(Gateway(), path)
    assert (status, body) == (404, {"detail": "There is nothing at this path.", "code": "not_found"})


def test_a_websocket_is_refused_before_its_handshake():
    said = asked(Gateway(), "/gateway/alpha/api/v1/message/ws", kind="websocket")
    assert said == [{"type": "websocket.close", "code": 1008}]


def test_livez_asks_nobody():
    assert asked(Gateway(), "/livez")[::2] == (200, {"alive": True})
    status, headers, body = asked(Gateway(), "/livez", "HEAD")
    assert (status, headers["content-length"], body) == (200, "15", None)
    assert asked(Gateway(), "/livez", "POST")[:2][0] == 405


@pytest.mark.django_db(transaction=True)
def test_readyz_says_whether_the_database_answers(monkeypatch):
    assert asked(Gateway(), "/readyz")[::2] == (200, {"ready": True, "database": {"ok": True}})
    monkeypatch.setattr("bots.gateway.door.PATIENCE_SECONDS", 0.0)
    assert asked(Gateway(), "/readyz")[::2] == (503, {"ready": False, "database": {"ok": False}})


@pytest.mark.parametrize("host", ["evil.example", "", "testserver.evil.example"])
def test_a_stranger_s_name_for_the_portal_is_refused(host, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    assert asked(Gateway(), "/gateway/alpha/api/v1/ping", host=host)[2]["code"] == "wrong_host"
    assert asked(Gateway(), "/gateway/alpha/api/v1/ping", host="testserver:8443")[0] == 501


def test_a_gateway_that_could_open_no_password_does_not_start(settings):
    settings.PORTAL_SECRETS_KEYS = []
    with pytest.raises(ImproperlyConfigured, match="PORTAL_SECRETS_KEY is not set"):
        open_gateway()


def test_the_one_process_that_is_everything_has_the_gateway_s_door_beside_the_pages():
    async def pages(scope, receive, send):
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert asked(with_gateway(pages), "/gateway/alpha/api/v1/ping")[0] == 501
    assert asked(with_gateway(pages), "/")[0] == 299
