"""Which web origins may call the API from a browser."""

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.db.models import QuerySet
from django.test import Client

from accounts import origins
from accounts.caller import By
from accounts.models import AllowedOrigin, User

APP = "https://app.example.org"
NOBODY = By()


@pytest.fixture(autouse=True)
def nothing_failed_yet() -> None:
    origins.failed_at.clear()


def allow(origin: str, **values: object) -> AllowedOrigin:
    row = AllowedOrigin(origin=origin, **values)
    origins.save(row, NOBODY)
    return row


def is_welcome(origin: str) -> bool:
    return origins.found(origin) is not None


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        (APP, APP),
        ("  HTTPS://App.Example.ORG ", APP),
        ("https://app.example.org:443", APP),
        ("https://app.example.org:8443", "https://app.example.org:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[0:0::1]:3000", "http://[::1]:3000"),
        ("https://192.0.2.7", "https://192.0.2.7"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(written: str, origin: str) -> None:
    assert origins.normalized(written) == origin


@pytest.mark.parametrize(
    ("written", "cause"),
    [
        ("http://app.example.org", "only for this machine"),
        ("http://localhost.evil.example", "only for this machine"),
        ("https://app.example.org/", "no path"),
        ("https://app.example.org/app", "no path"),
        ("https://app.example.org?x", "no path"),
        ("https://app.example.org#x", "no path"),
        ("https://*.example.org", "No wildcards"),
        ("https://*", "No wildcards"),
        ("*", "begins with"),
        ("null", "begins with"),
        ("", "begins with"),
        ("app.example.org", "begins with"),
        ("ftp://app.example.org", "begins with"),
        ("javascript:alert(1)", "begins with"),
        ("https://alice:x@app.example.org", "no user name"),
        ("https://bücher.example", "punycode"),
        ("https://app.example.org:99999", "Not an origin"),
        ("https://[::1", "Not an origin"),
        ("https://", "not a host name"),
        ("https://app example.org", "not a host name"),
        ("https://app.example.org, https://evil.example", "no path"),
    ],
)
def test_what_is_no_origin_is_refused_with_its_cause(written: str, cause: str) -> None:
    with pytest.raises(ValidationError, match=cause):
        origins.normalized(written)


@pytest.mark.parametrize(
    "stranger",
    [
        "null",
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.org.evil.example",
        "https://evil-app.example.org",
        "https://sub.app.example.org",
        "https://APP.example.org",
        "https://app.example.org/",
        "https://example.org",
        "",
    ],
)
def test_only_the_exact_origin_is_welcome(alice: User, stranger: str) -> None:
    allow(APP)
    assert is_welcome(APP)
    assert not is_welcome(stranger)
    answer = Client().get("/api/v1/me/", HTTP_ORIGIN=stranger)
    assert "Access-Control-Allow-Origin" not in answer


def test_a_welcome_origin_may_call_the_api_without_cookies(alice: User) -> None:
    allow(APP)
    answer = Client().get("/api/v1/me/", HTTP_ORIGIN=APP)
    assert answer["Access-Control-Allow-Origin"] == APP
    assert "Access-Control-Allow-Credentials" not in answer
    assert "origin" in answer["Vary"].lower()


def test_a_preflight_names_what_may_be_sent(alice: User) -> None:
    allow(APP)
    asked = {"HTTP_ORIGIN": APP, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    answer = Client().options("/api/v1/token/", **asked)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, APP)
    assert "authorization" in answer["Access-Control-Allow-Headers"]
    assert answer["Access-Control-Max-Age"] == "300"


def test_pages_are_never_shared(alice: User) -> None:
    allow(APP)
    assert "Access-Control-Allow-Origin" not in Client().get("/login/", HTTP_ORIGIN=APP)


def test_a_disabled_origin_is_not_welcome(db: None) -> None:
    allow(APP, enabled=False)
    assert not is_welcome(APP)


def test_a_row_written_past_the_rules_opens_nothing(db: None) -> None:
    rows = ["null", "*", "https://*.example.org", "http://app.example.org", "https://app.example.org/"]
    AllowedOrigin.objects.bulk_create(AllowedOrigin(origin=row) for row in rows)
    assert [row for row in rows if is_welcome(row)] == []


def test_a_change_is_seen_at_once(db: None) -> None:
    row = AllowedOrigin(origin=APP)
    seen = [is_welcome(APP)]
    origins.save(row, NOBODY)
    seen.append(is_welcome(APP))
    row.enabled = False
    origins.save(row, NOBODY)
    seen.append(is_welcome(APP))
    row.enabled = True
    origins.save(row, NOBODY)
    seen.append(is_welcome(APP))
    origins.remove(row, NOBODY)
    seen.append(is_welcome(APP))
    assert seen == [False, True, False, True, False]


def test_what_is_written_past_this_process_is_seen_at_once(db: None) -> None:
    allow(APP)
    seen = [is_welcome(APP)]
    for enabled in (False, True):
        AllowedOrigin.objects.update(enabled=enabled)
        seen.append(is_welcome(APP))
    assert seen == [True, False, True]


def test_the_question_costs_one_query_and_only_where_it_is_one(db: None, django_assert_num_queries) -> None:
    allow(APP)
    with django_assert_num_queries(1):
        is_welcome(APP)
    with django_assert_num_queries(0):
        [is_welcome(text) for text in ("", "null", "https://APP.example.org", APP + "/", "x" * 10_000)]


def test_when_the_database_is_down_nobody_is_welcome_and_the_log_says_so(db: None, monkeypatch, caplog) -> None:
    allow(APP)

    def down(**kwargs: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(AllowedOrigin.objects, "filter", down)
    assert is_welcome(APP) is False
    assert "is not welcome: gone" in caplog.text


def test_use_is_noted_once_a_minute_of_the_origin_that_asked(alice: User) -> None:
    row, other = allow(APP), allow("https://other.example.org")
    noted = []
    for moment in ("10:00:00", "10:00:59", "10:01:01"):
        with time_machine.travel(f"2026-11-21 {moment}+00:00", tick=False):
            Client().get("/api/v1/me/", HTTP_ORIGIN=APP)
        row.refresh_from_db()
        noted.append(row.last_used_at.strftime("%H:%M:%S"))
    assert noted == ["10:00:00", "10:00:00", "10:01:01"]
    other.refresh_from_db()
    assert other.last_used_at is None


def ask(origin: str, second: str) -> None:
    with time_machine.travel(f"2026-11-21 10:00:{second}+00:00", tick=False):
        assert Client().get("/api/v1/me/", HTTP_ORIGIN=origin)["Access-Control-Allow-Origin"] == origin


def test_an_origin_that_comes_back_is_seen_in_use_at_once(alice: User) -> None:
    row = allow(APP)
    ask(APP, "00")
    origins.remove(row, NOBODY)
    again = allow(APP)
    ask(APP, "01")
    again.refresh_from_db()
    assert again.last_used_at.strftime("%H:%M:%S") == "10:00:01"


def test_another_text_is_another_origin_that_nobody_used_and_whoever_wrote_it_let_in(alice: User, bob: User) -> None:
    row = AllowedOrigin(origin=APP, note="ours")
    origins.save(row, By(alice))
    ask(APP, "00")
    row.refresh_from_db()
    row.origin = "https://other.example.org"
    origins.save(row, By(bob))
    row.refresh_from_db()
    assert (row.created_by, row.last_used_at, row.note) == ("bob", None, "ours")
    ask(row.origin, "01")
    row.origin = APP
    origins.save(row, By(alice))
    ask(APP, "02")
    row.refresh_from_db()
    assert (row.created_by, row.last_used_at.strftime("%H:%M:%S")) == ("alice", "10:00:02")


def test_what_was_not_changed_is_not_written(alice: User, bob: User, announced) -> None:
    row = AllowedOrigin(origin=APP)
    origins.save(row, By(alice))
    stale = AllowedOrigin.objects.get()
    ask(APP, "00")
    AllowedOrigin.objects.update(enabled=False)  # another switched it off meanwhile
    stale.note = "our app"
    stale.enabled = False
    origins.save(stale, By(bob))
    row.refresh_from_db()
    assert (row.created_by, row.enabled, row.note) == ("alice", False, "our app")
    assert row.last_used_at.strftime("%H:%M:%S") == "10:00:00"
    origins.save(stale, By(bob))
    assert [one.what for one in announced] == ["origin_added", "origin_changed"]


def test_a_use_that_cannot_be_noted_is_not_tried_with_every_request(alice: User, monkeypatch, caplog) -> None:
    allow(APP)

    def down(self: object, **values: object) -> None:
        raise DatabaseError("read-only")

    monkeypatch.setattr(QuerySet, "update", down)
    for second in ("00", "01", "59"):
        ask(APP, second)
    assert caplog.text.count("the use of a web origin could not be noted: read-only") == 1


def test_what_is_told_of_origins(db: None, announced) -> None:
    row = allow(APP)
    row.enabled = False
    origins.save(row, NOBODY)
    origins.remove(row, NOBODY)
    assert [(one.what, one.subject) for one in announced] == [
        ("origin_added", APP),
        ("origin_changed", APP),
        ("origin_removed", APP),
    ]
    assert announced[1].details == {"enabled": False, "note": "", "origin_before": APP, "enabled_before": True}
