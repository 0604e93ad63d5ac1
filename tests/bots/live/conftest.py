"""A real web server on a loopback port, and browsers that are websocket clients."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import uvicorn
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from bots.live import hub
from bots.models import Bot, BotStatus
from portal.embedded import bound_socket, web_config


@dataclass
class Server:
    port: int
    uvicorn: uvicorn.Server

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def server(django_db_setup: None, quick_looks: None) -> Iterator[Server]:
    """As the portal runs it, in a thread."""
    listener = bound_socket("127.0.0.1", 0)
    # Small buffers, so that a browser that reads nothing is felt at once.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    web = uvicorn.Server(web_config())
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not web.started and time.monotonic() < until:
        time.sleep(0.02)
    yield Server(listener.getsockname()[1], web)
    web.should_exit = True
    thread.join(5)
    hub.reader.submit(connections.close_all).result(5)


@pytest.fixture(scope="module", autouse=True)
def quick_looks() -> Iterator[None]:
    """Sessions are looked at every 0.3 s instead of every 3; also between two tests, since the hub would sleep on into
    the second."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hub, "RECHECK_SECONDS", 0.3)
        yield


def logged_in(user: User) -> str:
    """The key of a fresh web session of the person."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key


@pytest.fixture
def browse(server: Server) -> Iterator[Callable[..., ClientConnection]]:
    """browse(session_key, ...) opens a socket as a page of this portal would."""
    opened = ExitStack()

    def browse(session_key: str = "", origin: str | None = server.origin, **more: object) -> ClientConnection:
        cookies = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session_key}"} if session_key else {}
        url = f"ws://127.0.0.1:{server.port}{more.pop('path', '/ws/fleet/')}"
        headers = {**cookies, **more.pop("headers", {})}
        page = connect(url, origin=origin, additional_headers=headers, proxy=None, close_timeout=0.2, **more)
        return opened.enter_context(page)

    with opened:
        yield browse


def heard(browser: ClientConnection, timeout: float = 60) -> dict:
    return json.loads(browser.recv(timeout))


def silent(browser: ClientConnection, seconds: float) -> bool:
    try:
        browser.recv(seconds)
    except TimeoutError:
        return True
    return False


def a_bot(team: object, name: str, seq: int = 0) -> Bot:
    bot = Bot(team=team, name=name, system="freqtrade", connection={"url": "http://127.0.0.1:9"})
    bot.slug = bot.free_slug()
    bot.save()
    BotStatus.objects.create(bot=bot, seq=seq)
    return bot
