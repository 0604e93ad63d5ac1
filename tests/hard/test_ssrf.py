"""Nobody reaches through the portal what he must not: every known way to spell, wrap, redirect or swap an address."""

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from accounts.models import User
from bots import tasks
from bots.domain.alerts.delivering import webhook
from bots.domain.polling.by_hand import poll_now
from bots.domain.polling.engine import stop_engine
from bots.models import Bot, ConnectionTest
from bots.models.doors import open_door
from bots.systems.addresses import AddressPolicy
from bots.systems.errors import AddressNotAllowed, BotError
from bots.systems.http import HttpDoor
from bots.systems.names import Names
from bots.systems.websocket import SocketDoor
from tests.bots.systems.raw_bots import http
from tests.hard.recorded_bots import RecordedBot, listening
from tests.hard.rows import connected

# Every spelling of 127.0.0.1, and addresses in which it, or the metadata service, is wrapped.
SPELLINGS = [
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "0x7f.1"),
    *("017700000001", "127.0.0.1.", "127.127.127.127", "localhost", "LOCALHOST", "localhost.", "bot.localhost"),
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
    *("[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]"),
    *("0.0.0.0", "0", "[::]", "0.0.0.1", "１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1", "127｡0｡0｡1", "ⓛocalhost"),
]
ELSEWHERE = [
    *("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "2852039166", "0xa9fea9fe"),
    *("[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "0251.0376.0251.0376"),
    *("169.254.1.1", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd12:3456::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1"),
    *("100.64.0.1", "192.0.0.192", "192.0.0.8", "198.18.0.1", "203.0.113.7", "224.0.0.1", "[ff02::1]", "240.0.0.1"),
    *("255.255.255.255", "[2001:db8::1]", "metadata", "169.254.169.254."),
]
# What is no address of a bot at all: refused in the form, before anything is asked.
NO_ADDRESS = [
    "file:///etc/passwd",
    "gopher://{host}:{port}/_GET%20/",
    "dict://{host}:{port}/info",
    "ftp://{host}:{port}/",
    "ldap://{host}:{port}/",
    "unix:///var/run/docker.sock",
    "//{host}:{port}",
    "javascript:alert(1)",
    "http://bot.example.org@{host}:{port}",
    "http://bot.example.org:pw@{host}:{port}/",
    "http://{host}:{port}\\@bot.example.org",
    "http://bot.example.org\\@{host}:{port}",
    "http://bot.example.org#@{host}:{port}/",
    "http://bot.example.org?@{host}:{port}/",
    "http://{host}:{port}/\r\nX-Injected: 1",
    "http://{host}:{port}/%0d\n",
    "http://{host}:{port}\tx/",
    "http://{host}:{port}/x?token=y",
    "http://{host}:{port}/a/../../b",
    "http://{host}:{port}:80/",
    "http://[{host}]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://{host}%00.example.org:{port}/",
    "http://ex%61mple.org:{port}/",
    "http://{host} :{port}/",
    "http:///{host}:{port}/",
    "http://:{port}/",
]


class Canary:
    """Listens on loopback, IPv4 and IPv6, on one port. Who comes here has gone where he must not."""

    def __init__(self) -> None:
        self.reached: list[bytes] = []


@contextmanager
def listening_canary():
    canary, sockets = Canary(), []
    first = socket.create_server(("0.0.0.0", 0))
    canary.port = first.getsockname()[1]
    sockets.append(first)
    second = socket.socket(socket.AF_INET6)
    second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    second.bind(("::", canary.port))
    second.listen()
    sockets.append(second)

    def take(listener):
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            canary.reached.append(b"?")
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            caller.sendall(http(b'{"status":"pong"}'))
            caller.close()

    threads = [threading.Thread(target=take, args=(listener,), daemon=True) for listener in sockets]
    for thread in threads:
        thread.start()
    try:
        yield canary
    finally:
        for listener in sockets:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in threads:
            thread.join(5)


@pytest.fixture(scope="module")
def canary():
    with listening_canary() as canary:
        yield canary


@pytest.fixture(autouse=True)
def unreached(canary):
    canary.reached.clear()
    yield
    assert canary.reached == []


@pytest.fixture
def public_only(settings):
    settings.PORTAL_ALLOWED_NETWORKS = ["public"]
    settings.PORTAL_POLL_DEADLINE_SECONDS = 2.0


@pytest.fixture
def worker(monkeypatch):
    """A test of a connection that is asked for is tried at once, by the worker's own task."""
    stop_engine()  # its door was opened under other settings
    monkeypatch.setattr(tasks.test_connection, "delay", tasks.test_connection.run)
    yield
    stop_engine()


def all_addresses(port):
    return [f"{scheme}://{host}:{port}" for host in [*SPELLINGS, *ELSEWHERE] for scheme in ("http", "https")]


def test_the_canary_would_be_reached(canary, settings, alpha):
    settings.PORTAL_ALLOWED_NETWORKS = ["loopback"]
    for host in ("127.0.0.1", "2130706433", "localhost", "[::1]", "bot.localhost"):
        poll_now(connected(alpha, f"http://{host}:{canary.port}", name=host))
    assert len(canary.reached) >= 5
    canary.reached.clear()


def test_no_spelling_of_a_forbidden_address_is_contacted_by_a_poll(canary, public_only, alpha, show):
    """The rows are written directly, as an attacker with the database's backup would: the door itself must refuse."""
    tried = 0
    for url in all_addresses(canary.port):
        bot = connected(alpha, url, name=f"bot {tried}")
        error = poll_now(bot).error
        bot.refresh_from_db()
        assert isinstance(error, BotError), url
        assert error.code in ("address_not_allowed", "wrong_settings", "name_not_found"), (url, str(error))
        assert bot.status.last_error == str(error)
        tried += 1
    show(f"SSRF through a poll: canary reached {len(canary.reached)} of {tried}")


@pytest.mark.parametrize("act", ["add", "test"])
def test_no_spelling_is_contacted_through_the_api(canary, public_only, worker, alice, act, client, show):
    tried = refused = 0
    client.force_login(alice)
    for url in [*all_addresses(canary.port), *no_addresses(canary.port)]:
        connection = {"url": url, "username": "alice", "password": "s3cret-canary"}
        body = {"name": f"bot {tried}", "team": "alpha", "system": "freqtrade", "connection": connection}
        path = "/api/v1/bots/" if act == "add" else "/api/v1/bots/test/"
        given = body if act == "add" else {key: body[key] for key in ("team", "system", "connection")}
        answer = api(alice).post(path, given)
        tried += 1
        assert answer.status_code in (201, 202, 400), (url, answer.content)
        assert b"s3cret-canary" not in answer.content
        if answer.status_code == 400:
            refused += 1
            assert set(answer.json()["fields"]["connection"]) == {"url"}, url
    outcomes = {test.outcome["code"] for test in ConnectionTest.objects.all()}
    assert outcomes <= {"address_not_allowed", "name_not_found"}
    for bot in Bot.objects.all():
        assert poll_now(bot).error.code in ("address_not_allowed", "name_not_found"), bot.connection
    show(f"SSRF through the API ({act}): canary reached {len(canary.reached)} of {tried}; {refused} field errors")


def api(user: User):
    from tests.bots.api.conftest import Caller

    caller = Caller(user)
    caller.post = lambda path, body: caller(path, "POST", body)
    return caller


def no_addresses(port):
    return [url.format(host="127.0.0.1", port=port) for url in NO_ADDRESS]


@pytest.mark.parametrize("text", NO_ADDRESS)
@pytest.mark.parametrize("act", ["save", "test"])
def test_what_is_no_address_is_an_error_at_its_field(canary, worker, alice, client, text, act, settings):
    """Although loopback is allowed here: these are refused for their shape."""
    settings.PORTAL_ALLOWED_NETWORKS = ["loopback", "public"]
    client.force_login(alice)
    url = text.format(host="127.0.0.1", port=canary.port)
    form = {"team": "alpha", "system": "freqtrade", "name": "bot", "url": url, "username": "alice"}
    answer = client.post("/bots/add/", {**form, "password": "s3cret-canary", "tags": "", "act": act})
    assert answer.status_code == 422, url
    shown = answer.content.decode()
    assert 'class="field__error"' in shown
    assert "s3cret-canary" not in shown
    assert not Bot.objects.exists()
    assert not ConnectionTest.objects.exists()


# --- names that change, redirects, own ports --------------------------------------------------------------------------


class Flipping(Names):
    """A name server under an attacker's hand: a public address first, the canary's at every later question."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        super().__init__()
        self.answers = list(answers)

    async def addresses(self, name, deadline):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


FLIPS = [
    (("192.0.2.1",), ("127.0.0.1",)),
    (("8.8.8.8", "127.0.0.1"),),
    (("127.0.0.1", "8.8.8.8"),),
    (("::ffff:127.0.0.1",),),
    (("64:ff9b::7f00:1",),),
    (("fe80::1", "::1"),),
    (("0.0.0.0",),),
]


@pytest.mark.parametrize("answers", FLIPS)
async def test_what_a_name_turns_into_is_checked_when_the_connection_is_made(canary, answers):
    door = HttpDoor(AddressPolicy.from_networks(["public"]), deadline=0.3, names=Flipping(*answers))
    for _ in range(3):
        with pytest.raises(BotError):
            await door.get(f"http://rebind.example:{canary.port}/")
    await door.aclose()


async def test_no_spelling_is_contacted_by_the_door_to_the_websockets(canary, show):
    door = SocketDoor(AddressPolicy.from_networks(["public"]), deadline=2.0)
    tried = 0
    for url in all_addresses(canary.port):
        with pytest.raises(BotError) as refused:
            await door.open(f"{url.replace('http', 'ws', 1)}/api/v1/message/ws?token=s3cret-canary")
        assert refused.value.code in ("address_not_allowed", "name_not_found"), (url, str(refused.value))
        assert "s3cret-canary" not in str(refused.value)
        tried += 1
    show(f"SSRF through a websocket: canary reached {len(canary.reached)} of {tried}")


def test_no_spelling_is_contacted_by_a_webhook(canary, settings, monkeypatch, show):
    """The address as it stands in the row, whoever wrote it there: the door to receivers must refuse, too."""
    settings.PORTAL_WEBHOOK_NETWORKS = ["public"]
    monkeypatch.setattr("bots.models.doors.WEBHOOK_SECONDS", 2.0)
    tried = 0
    for url in [*all_addresses(canary.port), *no_addresses(canary.port)]:
        outcome = webhook.post(f"{url}/s3cret-canary", "a secret that signs", "delivery-1", {})
        assert not outcome.taken, url
        assert outcome.code in ("address_not_allowed", "name_not_found", "wrong_settings"), (url, outcome)
        assert "s3cret-canary" not in outcome.words
        tried += 1
    show(f"SSRF through a webhook: canary reached {len(canary.reached)} of {tried}")


@pytest.mark.parametrize("answers", FLIPS)
async def test_what_a_name_turns_into_is_checked_for_a_websocket_too(canary, answers):
    door = SocketDoor(AddressPolicy.from_networks(["public"]), deadline=0.3, names=Flipping(*answers))
    for _ in range(3):
        with pytest.raises(BotError):
            await door.open(f"ws://rebind.example:{canary.port}/?token=x")


@pytest.mark.parametrize("status", ["301 X", "302 X", "303 X", "307 X", "308 X"])
@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://localhost:{port}/x", "http://[::1]:{port}"]
)
def test_no_redirect_leads_to_the_canary(canary, alpha, settings, status, target):
    settings.PORTAL_ALLOWED_NETWORKS = ["loopback"]
    recorded = RecordedBot()
    location = target.format(port=canary.port)
    recorded.instead["*"] = http(b"", status, f"Location: {location}", f"Refresh: 0; url={location}")
    with listening(recorded.talk) as server:
        assert poll_now(connected(alpha, server.url)).error.code == "redirected"


@pytest.mark.parametrize(
    ("database", "redis", "portal"),
    [
        ("{port}", None, "http://127.0.0.1:1"),
        ("1", "redis://x:{port}/0", "http://127.0.0.1:1"),
        ("1", None, "http://127.0.0.1:{port}"),
    ],
)
def test_the_portals_own_ports_are_closed_although_loopback_is_open(
    canary, settings, monkeypatch, database, redis, portal
):
    settings.PORTAL_ALLOWED_NETWORKS = ["loopback", "private"]
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    monkeypatch.setitem(settings.DATABASES["default"], "PORT", database.format(port=canary.port))
    settings.REDIS_URL = redis and redis.format(port=canary.port)
    settings.PORTAL_URL = portal.format(port=canary.port)

    async def ask() -> None:
        door = open_door()
        for host in ("127.0.0.1", "localhost", "[::1]", "127.9.9.9"):
            with pytest.raises(AddressNotAllowed, match="the portal's own database, broker or web server"):
                await door.get(f"http://{host}:{canary.port}/")
        await door.aclose()

    asyncio.run(ask())


def test_an_allowed_private_network_works_and_its_neighbour_does_not(alpha, settings):
    """127.8.0.0/16 stands for a VPN's range: loopback as such is not allowed here."""
    settings.PORTAL_ALLOWED_NETWORKS = ["public", "127.8.0.0/16"]
    recorded = RecordedBot()
    with listening(recorded.talk, host="127.8.0.12") as server:
        inside = connected(alpha, server.url, name="inside")
        assert poll_now(inside).error is None
        inside.refresh_from_db()
        assert (inside.status.state, inside.status.version) == ("running", "2026.9")
        outside = connected(alpha, server.url.replace("127.8", "127.9"), name="outside")
        assert poll_now(outside).error.code == "address_not_allowed"
