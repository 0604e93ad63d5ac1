"""Whatever the API answers, a listed origin may read it, no other may, and no cache mistakes one for the other."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts import api, origins
from accounts.announcements import NotRecorded
from accounts.caller import By
from accounts.models import AllowedOrigin, User
from portal import turns
from tests.builders import PASSWORD

LISTED, UNLISTED = "https://app.example.org", "https://evil.example"
JSON = {"content_type": "application/json"}
ASKED = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def listed(transactional_db: None) -> None:
    origins.failed_at.clear()
    origins.save(AllowedOrigin(origin=LISTED), By())


def token_of(username: str) -> str:
    answer = Client().post("/api/v1/token/", {"username": username, "password": PASSWORD}, **JSON)
    return f"Bearer {answer.json()['access']}"


def browser_at(origin: str) -> Client:
    return Client(raise_request_exception=False, headers={"Origin": origin})


def read_by(origin: str, answer: HttpResponse) -> bytes | None:
    """What the page of that origin gets to see; None: its browser keeps the answer from it."""
    assert "origin" in answer["Vary"].lower()
    assert "Access-Control-Allow-Credentials" not in answer
    return answer.content if answer.get("Access-Control-Allow-Origin") == origin else None


def test_a_listed_origin_reads_with_a_token_what_its_person_may_see_and_no_other_origin_does(alice: User) -> None:
    token = {"Authorization": token_of("alice")}
    answer = browser_at(LISTED).get("/api/v1/me/", headers=token)
    assert answer.status_code == 200
    assert b'"username":"alice"' in (read_by(LISTED, answer) or b"")
    for stranger in (UNLISTED, "null", f"{LISTED}:8443", "https://sub.app.example.org"):
        same = browser_at(stranger).get("/api/v1/me/", headers=token)
        assert (same.status_code, read_by(stranger, same)) == (200, None)


def test_there_is_no_304_that_an_answer_to_another_origin_could_stand_behind(alice: User) -> None:
    token = {"Authorization": token_of("alice")}
    answer = browser_at(LISTED).get("/api/v1/me/", headers={**token, "If-None-Match": "*"})
    assert (answer.status_code, answer.get("ETag"), answer.get("Last-Modified")) == (200, None, None)


def test_a_disabled_origin_reads_nothing_from_that_moment(alice: User) -> None:
    token, row = {"Authorization": token_of("alice")}, AllowedOrigin.objects.get()
    row.enabled = False
    origins.save(row, By())
    answer = browser_at(LISTED).get("/api/v1/me/", headers=token)
    assert (answer.status_code, read_by(LISTED, answer)) == (200, None)


def failing(error: Exception) -> Callable[..., HttpResponse]:
    def fail(*args: object) -> HttpResponse:
        raise error

    return fail


def too_often(browser: Client) -> HttpResponse:
    for _ in range(11):
        answer = browser.post("/api/v1/token/", {"username": "alice", "password": "wrong"}, **JSON)
    return answer


ANSWERS: dict[int, Callable[[Client], HttpResponse]] = {
    301: lambda browser: browser.get("/api/v1/me"),
    400: lambda browser: browser.post("/api/v1/token/", {}, **JSON),
    401: lambda browser: browser.get("/api/v1/me/"),
    404: lambda browser: browser.get("/api/v1/nothing/"),
    405: lambda browser: browser.get("/api/v1/token/"),
    415: lambda browser: browser.post("/api/v1/token/", "x", content_type="text/plain"),
    429: too_often,
}


@pytest.mark.parametrize("origin", [LISTED, UNLISTED])
@pytest.mark.parametrize("status", ANSWERS)
def test_every_refusal_is_read_by_the_listed_origin_alone(alice: User, status: int, origin: str) -> None:
    answer = ANSWERS[status](browser_at(origin))
    assert answer.status_code == status
    assert (read_by(origin, answer) is not None) is (origin == LISTED)


@pytest.mark.parametrize("origin", [LISTED, UNLISTED])
def test_a_host_name_that_is_not_ours_is_refused_to_each_as_any_other(settings, origin: str) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    answer = browser_at(origin).get("/api/v1/me/", HTTP_HOST="evil.example")
    assert answer.status_code == 400
    assert (read_by(origin, answer) is not None) is (origin == LISTED)


@pytest.mark.parametrize("origin", [LISTED, UNLISTED])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ZeroDivisionError(), 500, b'"error"'),
        (OperationalError("gone"), 503, b'"database_unavailable"'),
        (NotRecorded("The audit cannot be written."), 503, b'"audit_unavailable"'),
    ],
)
def test_what_fails_inside_is_told_to_the_listed_origin_alone(monkeypatch, origin, error, status, code) -> None:
    monkeypatch.setattr(api.RefreshToken, "post", failing(error))
    answer = browser_at(origin).post("/api/v1/token/refresh/", {"refresh": "x"}, **JSON)
    assert answer.status_code == status
    read = read_by(origin, answer)
    assert (code in read) if origin == LISTED and read is not None else (origin, read) == (UNLISTED, None)


@pytest.fixture
def crowded(settings, monkeypatch) -> None:
    """Nobody gets a turn."""
    settings.PORTAL_REQUESTS_AT_ONCE = 0
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)


def test_that_the_portal_is_busy_and_until_when_is_read_by_the_listed_origin_alone(crowded) -> None:
    answer = browser_at(LISTED).get("/api/v1/me/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Access-Control-Expose-Headers"] == "Retry-After"
    assert b'"busy"' in (read_by(LISTED, answer) or b"")
    answer = browser_at(UNLISTED).get("/api/v1/me/")
    assert (answer.status_code, read_by(UNLISTED, answer)) == (503, None)
    assert "origin" in Client().get("/api/v1/me/")["Vary"].lower()


def test_a_preflight_is_answered_while_the_portal_is_busy_or_the_request_behind_it_could_not_be_told(crowded) -> None:
    answer = browser_at(LISTED).options("/api/v1/me/", headers=ASKED)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, LISTED)


def test_who_got_no_turn_asks_the_allow_list_once_and_for_the_api_alone(crowded, django_assert_num_queries) -> None:
    browser = browser_at(LISTED)
    browser.get("/api/v1/me/")  # notes the use
    with django_assert_num_queries(1):
        assert browser.get("/api/v1/me/").has_header("Access-Control-Allow-Origin")
    with django_assert_num_queries(0):
        assert browser.get("/login/").status_code == 503


def test_a_crowd_that_got_no_turn_asks_one_after_another_or_not_at_all(
    crowded, monkeypatch, django_assert_num_queries
) -> None:
    monkeypatch.setattr(turns, "ASIDE_SECONDS", 0.01)
    door, ask = turns.Turns(failing(ZeroDivisionError())), RequestFactory(headers={"Origin": LISTED})
    assert read_by(LISTED, door(ask.get("/api/v1/me/"))) is not None
    with door.refuse.place, django_assert_num_queries(0):  # another asks, and hears nothing
        answer = door(ask.get("/api/v1/me/"))
    assert (answer.status_code, read_by(LISTED, answer)) == (503, None)


def test_no_page_waits_for_the_question_of_another(crowded) -> None:
    door = turns.Turns(failing(ZeroDivisionError()))
    with door.refuse.place:
        began = time.monotonic()
        assert door(RequestFactory(headers={"Origin": LISTED}).get("/login/")).status_code == 503
        assert time.monotonic() - began < turns.ASIDE_SECONDS


@contextmanager
def held_by_another() -> Iterator[None]:
    """Somebody has locked the allow-list and does not let go: whoever asks for it hangs."""
    with psycopg.connect(**psycopg_words()) as other:
        other.execute("LOCK TABLE accounts_allowedorigin IN ACCESS EXCLUSIVE MODE")
        yield


def psycopg_words() -> dict[str, object]:
    words = connection.get_connection_params()
    return {name: words[name] for name in ("dbname", "user", "password", "host", "port") if name in words}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server that could hang")
def test_a_database_that_hangs_welcomes_nobody_within_its_time_and_the_rest_answers() -> None:
    browser = browser_at(LISTED)
    with held_by_another():
        connection.ensure_connection()
        connection.connection.patience = 1.0
        began = time.monotonic()
        answer = browser.options("/api/v1/me/", headers=ASKED)
        assert 0.9 < time.monotonic() - began < 20
        assert (answer.status_code, read_by(LISTED, answer)) == (200, None)
        connection.close()
        assert browser.get("/livez").status_code == 200
        assert Client().get("/api/v1/me/").status_code == 401
        assert Client().get("/login/").status_code in (200, 302)
    assert read_by(LISTED, browser.get("/api/v1/me/")) is not None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite lets one write at a time")
def test_who_writes_for_long_keeps_no_origin_waiting() -> None:
    from sqlite3 import connect

    browser = browser_at(LISTED)
    browser.get("/api/v1/me/")  # notes the use, for a minute
    with connect(connection.settings_dict["NAME"], isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert read_by(LISTED, browser.get("/api/v1/me/")) is not None
        assert time.monotonic() - began < 10
        writer.execute("ROLLBACK")
    writer.close()
