"""What every request passes: the client's address, cross-origin doors, the set-up page."""

from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client

from accounts.models import AllowedOrigin, LoginFailure, User
from portal.middleware import FORWARDED, Proxies, TrustedProxies

PROXY, CLIENT, LIAR = "10.0.0.5", "192.0.2.7", "203.0.113.66"


def seen(settings, peer: str, trusted: list[str], **headers: str) -> HttpRequest:
    """The request as the views get it."""
    settings.PORTAL_TRUSTED_PROXIES = trusted
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": peer, **headers}
    TrustedProxies(lambda request: HttpResponse())(request)
    return request


def address(settings, peer: str, trusted: list[str], forwarded_for: str) -> str:
    return seen(settings, peer, trusted, HTTP_X_FORWARDED_FOR=forwarded_for).META["REMOTE_ADDR"]


@pytest.mark.parametrize(
    ("peer", "trusted", "forwarded_for", "client"),
    [
        (CLIENT, [], LIAR, CLIENT),
        (CLIENT, [PROXY], LIAR, CLIENT),
        (PROXY, [PROXY], CLIENT, CLIENT),
        (PROXY, [PROXY], f"{LIAR}, {CLIENT}", CLIENT),
        (PROXY, ["10.0.0.0/8"], f"{LIAR}, {CLIENT}, 10.0.0.9", CLIENT),
        (PROXY, ["10.0.0.0/8"], "10.0.0.8, 10.0.0.9", "10.0.0.8"),
        (PROXY, [PROXY], "", PROXY),
        (PROXY, [PROXY], "unknown", PROXY),
        (PROXY, [PROXY], f"{LIAR}, <script>", PROXY),
        (PROXY, [PROXY], f"{CLIENT}:4711", CLIENT),
        (PROXY, [PROXY], "[2001:db8::1]:4711", "2001:db8::1"),
        (PROXY, [PROXY], "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.5", [PROXY], CLIENT, CLIENT),
        ("2001:db8::5", ["2001:db8::/32"], CLIENT, CLIENT),
        ("", ["unix"], CLIENT, CLIENT),
        ("", [PROXY], LIAR, ""),
    ],
)
def test_whose_word_counts(settings, peer: str, trusted: list[str], forwarded_for: str, client: str) -> None:
    assert address(settings, peer, trusted, forwarded_for) == client


@pytest.mark.parametrize("trusted", [[], [PROXY]])
def test_no_forwarded_header_goes_further(settings, trusted: list[str]) -> None:
    request = seen(settings, PROXY, trusted, **dict.fromkeys(FORWARDED, CLIENT))
    assert set(request.META) - {"REMOTE_ADDR"} <= {"wsgi.url_scheme", "portal.forwarded"}


@pytest.mark.parametrize(
    ("trusted", "said", "secure"),
    [([PROXY], "https", True), ([PROXY], "http", False), ([PROXY], "gopher", False), ([], "https", False)],
)
def test_whether_the_way_is_secure(alice: User, settings, trusted: list[str], said: str, secure: bool) -> None:
    settings.PORTAL_TRUSTED_PROXIES = trusted
    answer = Client(REMOTE_ADDR=PROXY).get("/login/", HTTP_X_FORWARDED_PROTO=said)
    assert answer.wsgi_request.is_secure() is secure


async def test_behind_an_asgi_server_it_is_the_same(settings) -> None:
    settings.PORTAL_TRUSTED_PROXIES = ["127.0.0.1"]
    headers = {"X-Forwarded-For": f"{LIAR}, {CLIENT}", "X-Forwarded-Proto": "https"}
    answer = await AsyncClient().get("/static/css/portal.css", headers=headers)
    request = answer.asgi_request
    assert (request.META["REMOTE_ADDR"], request.is_secure()) == (CLIENT, True)
    assert "x-forwarded-for" not in request.headers


def test_a_wrong_name_of_a_proxy_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="PORTAL_TRUSTED_PROXIES"):
        Proxies(["proxy.example.org"])


def test_a_spoofed_address_does_not_get_around_the_throttle(alice: User) -> None:
    def guess(number: int) -> int:
        spoofed = {"HTTP_X_FORWARDED_FOR": f"203.0.113.{number}", "HTTP_X_REAL_IP": f"203.0.113.{number}"}
        sent = {"username": "alice", "password": "wrong"}
        return Client(REMOTE_ADDR=CLIENT).post("/login/", sent, **spoofed).status_code

    assert [guess(number) for number in range(12)] == [200] * 10 + [429] * 2
    assert set(LoginFailure.objects.values_list("network", flat=True)) == {CLIENT}


@pytest.mark.parametrize("path", ["/livez", "/static/css/portal.css", "/api/v1/me/", "/setup/"])
def test_some_doors_are_open_before_the_set_up(db: None, path: str) -> None:
    assert Client().get(path).headers.get("Location") is None


@pytest.mark.django_db(transaction=True)
async def test_cross_origin_questions_work_on_the_event_loop() -> None:
    await AllowedOrigin.objects.acreate(origin="https://app.example.org")
    browser = AsyncClient()
    welcome = await browser.get("/api/v1/me/", headers={"Origin": "https://app.example.org"})
    stranger = await browser.get("/api/v1/me/", headers={"Origin": "https://evil.example"})
    page = await browser.get("/setup/", headers={"Origin": "https://app.example.org"})
    assert [answer.status_code for answer in (welcome, stranger, page)] == [401, 401, 200]
    assert [answer.headers.get("Access-Control-Allow-Origin") for answer in (welcome, stranger, page)] == [
        "https://app.example.org",
        None,
        None,
    ]
    # The views ran in a thread, whose connection would keep PostgreSQL from dropping the database.
    await sync_to_async(connections.close_all)()


def test_the_project_has_one_place_that_reads_forwarded_headers() -> None:
    root = Path(__file__).resolve().parents[2]
    readers = [
        path.relative_to(root).as_posix()
        for room in ("accounts", "bots", "portal")
        for path in (root / room).rglob("*.py")
        if "X_FORWARDED" in path.read_text() or "x-forwarded" in path.read_text().lower()
    ]
    assert readers == ["portal/middleware.py"]
