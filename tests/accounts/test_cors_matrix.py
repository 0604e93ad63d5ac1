"""Every kind of origin against every kind of request: exact answers, through the whole stack, as WSGI and as ASGI."""

from collections.abc import Mapping

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpResponse
from django.test import AsyncClient, Client

from accounts import origins, tokens
from accounts.caller import By, Caller
from accounts.models import AllowedOrigin, User

LISTED = "https://app.example.org"
IDN = "https://xn--bcher-kva.example"
WELCOME = {LISTED, IDN}
ORIGINS = {
    "listed": LISTED,
    "listed, IDN in punycode": IDN,
    "IDN as typed": "https://bücher.example",
    "unlisted": "https://evil.example",
    "null": "null",
    "empty": "",
    "sub-domain": "https://sub.app.example.org",
    "parent domain": "https://example.org",
    "suffix trick": "https://app.example.org.evil.example",
    "prefix trick": "https://evil-app.example.org",
    "user trick": "https://app.example.org@evil.example",
    "other port": "https://app.example.org:8443",
    "default port spelled out": "https://app.example.org:443",
    "other scheme": "http://app.example.org",
    "upper case": "https://APP.example.org",
    "trailing slash": "https://app.example.org/",
    "trailing dot": "https://app.example.org.",
    "two at once": "https://app.example.org, https://evil.example",
    "disabled": "https://old.example.org",
    "wildcard": "*",
    "not a URL": "https://[::1",
}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
KINDS: dict[str, tuple[str, str, Mapping[str, str]]] = {
    "simple": ("GET", "/api/v1/me/", {}),
    "with a token": ("GET", "/api/v1/bots/", {"Authorization": "Bearer x"}),
    "preflight": ("OPTIONS", "/api/v1/token/", PREFLIGHT),
    "credentialed": ("GET", "/api/v1/me/", {"Cookie": "session=stolen"}),
    "unknown path": ("GET", "/api/v1/nothing/", {}),
    "page": ("GET", "/login/", {}),
    "page's preflight": ("OPTIONS", "/login/", PREFLIGHT),
    "admin": ("GET", "/admin/login/", {}),
    "health": ("GET", "/livez", {}),
}
NOT_SHARED = {"page", "page's preflight", "admin", "health"}


@pytest.fixture(autouse=True)
def allow_list(transactional_db: None) -> None:
    origins.failed_at.clear()
    for origin in (*WELCOME, "https://old.example.org"):
        origins.save(AllowedOrigin(origin=origin, enabled=origin in WELCOME), By())


def cross_origin_words(answer: HttpResponse) -> dict[str, str]:
    return {name: value for name, value in answer.items() if name.lower().startswith("access-control-")}


def expected(origin: str, kind: str) -> dict[str, str]:
    if kind in NOT_SHARED or origin not in WELCOME:
        return {}
    words = {"access-control-allow-origin": origin, "access-control-expose-headers": "Retry-After"}
    if kind == "preflight":
        words["access-control-allow-headers"] = "accept, authorization, content-type, idempotency-key"
        words["access-control-allow-methods"] = "DELETE, GET, OPTIONS, PATCH, POST, PUT"
        words["access-control-max-age"] = "300"
    return words


def wrong(name: str, kind: str, answer: HttpResponse) -> list[str]:
    found = []
    if cross_origin_words(answer) != expected(ORIGINS[name], kind):
        found.append(f"{name}, {kind}: {cross_origin_words(answer)}")
    if kind not in NOT_SHARED and "origin" not in answer.get("Vary", "").lower():
        found.append(f"{name}, {kind}: a cache would give this answer to another origin")
    if answer.status_code >= 500:
        found.append(f"{name}, {kind}: {answer.status_code}")
    return found


def test_every_origin_gets_its_answer_and_no_other() -> None:
    browser = Client(raise_request_exception=False)
    found = []
    for name, origin in ORIGINS.items():
        for kind, (method, path, headers) in KINDS.items():
            answer = browser.generic(method, path, headers={**headers, "Origin": origin})
            found += wrong(name, kind, answer)
    assert found == []


async def test_on_the_event_loop_too() -> None:
    browser = AsyncClient(raise_request_exception=False)
    found = []
    for name, origin in ORIGINS.items():
        if not origin.isascii():  # an ASGI server hands on bytes; this client refuses to write these
            continue
        for kind, (method, path, headers) in KINDS.items():
            answer = await browser.generic(method, path, headers={**headers, "Origin": origin})
            found += wrong(name, kind, answer)
    await sync_to_async(connections.close_all)()
    assert found == []


def test_with_a_good_token_the_answer_is_there_and_only_a_listed_origin_is_named(alice: User) -> None:
    token = {"Authorization": f"Bearer {tokens.issue(alice, Caller()).access}"}
    found = []
    for name, origin in ORIGINS.items():
        answer = Client().get("/api/v1/me/", headers={**token, "Origin": origin})
        assert (answer.status_code, answer.json()["username"]) == (200, "alice")
        found += wrong(name, "with a good token", answer)
    assert found == []


def test_without_an_origin_there_is_nothing_to_say_and_nothing_to_ask(django_assert_num_queries) -> None:
    browser = Client()
    with django_assert_num_queries(0):
        assert cross_origin_words(browser.get("/livez")) == {}
    assert cross_origin_words(browser.get("/api/v1/me/")) == {}


def test_a_preflight_costs_one_query(django_assert_num_queries) -> None:
    asked = {**PREFLIGHT, "Origin": LISTED}
    browser = Client()
    browser.options("/api/v1/token/", headers=asked)  # notes the use
    with django_assert_num_queries(1):
        assert browser.options("/api/v1/token/", headers=asked)["Access-Control-Allow-Origin"] == LISTED
