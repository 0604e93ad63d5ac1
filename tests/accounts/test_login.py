"""Signing in and out on the pages."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client, override_settings

from accounts import announcements, login
from accounts.models import User
from tests.builders import PASSWORD

ALICE = {"username": "alice", "password": PASSWORD}


def test_alice_signs_in_and_is_known(alice: User, client: Client) -> None:
    answer = client.post("/login/", ALICE)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/api/v1/me/").json()["username"] == "alice"


def test_after_signing_in_she_lands_where_she_wanted_to_go(alice: User, client: Client) -> None:
    assert client.post("/login/", {**ALICE, "next": "/trades/?bot=7"})["Location"] == "/trades/?bot=7"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(alice: User, client: Client, elsewhere: str) -> None:
    assert client.post("/login/", {**ALICE, "next": elsewhere})["Location"] == "/"


def test_the_page_does_not_say_which_of_the_two_was_wrong(alice: User, client: Client) -> None:
    words = client.post("/login/", {"username": "alice", "password": "wrong"}).content.decode()
    assert "That name and password do not match. 9 tries left." in words


def test_a_signed_in_person_is_led_past_the_form(alice: User, browser_of) -> None:
    assert browser_of(alice).get("/login/?next=/trades/")["Location"] == "/trades/"


LOGIN_ITSELF = [
    "/login/",
    "/login/?next=/login/",
    "http://testserver/login/",
    "#",
    "?next=%23",
    ".",
    "/trades/../login/",
]


@pytest.mark.parametrize("itself", LOGIN_ITSELF)
def test_the_login_never_leads_to_itself(alice: User, browser_of, client: Client, itself: str) -> None:
    assert browser_of(alice).get("/login/", {"next": itself})["Location"] == "/"
    assert client.post("/login/", {**ALICE, "next": itself})["Location"] == "/"


def test_the_login_of_the_admin_never_leads_to_itself(root: User, client: Client) -> None:
    sent = {"username": "root", "password": PASSWORD, "next": "/admin/login/"}
    assert client.post("/admin/login/", sent)["Location"] == "/admin/"


def test_signing_out_needs_a_post_and_ends_the_session(alice: User, browser_of) -> None:
    browser = browser_of(alice)
    assert browser.get("/logout/").status_code == 405
    assert Session.objects.count() == 1
    assert browser.post("/logout/")["Location"] == "/login/"
    assert Session.objects.count() == 0
    assert browser.get("/api/v1/me/").status_code == 401


def test_a_new_session_begins_with_the_login(alice: User, client: Client) -> None:
    client.session.save()
    before = client.session.session_key
    client.post("/login/", ALICE)
    assert client.session.session_key != before


def test_a_form_from_elsewhere_signs_nobody_in(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/login/", ALICE)
    assert answer.status_code == 403
    assert "Nothing was done" in answer.content.decode()


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(alice: User, client: Client) -> None:
    cookie = client.post("/login/", ALICE).cookies["session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")


@override_settings(
    SESSION_COOKIE_NAME="__Host-session",
    SESSION_COOKIE_SECURE=True,
)
def test_over_https_the_cookie_is_secure(alice: User, client: Client) -> None:
    cookie = client.post("/login/", ALICE, secure=True).cookies["__Host-session"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


def test_what_is_told_of_logins(alice: User, announced) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Firefox")
    browser.post("/login/", {"username": "alice", "password": "wrong"})
    browser.post("/login/", ALICE)
    browser.post("/logout/")
    assert announced.words() == [
        ("login_failed", "", "alice"),
        ("logged_in", "alice", "alice"),
        ("logged_out", "alice", "alice"),
    ]
    failed, came, went = announced
    assert failed.details == {"network": "192.0.2.7", "tries_left": 9}
    assert (came.caller.address, came.caller.user_agent) == ("192.0.2.7", "Firefox")
    assert came.caller.session == went.caller.session != ""


def test_a_password_typed_as_a_name_is_not_written_down(alice: User, client: Client, announced) -> None:
    client.post("/login/", {"username": PASSWORD, "password": ""})
    client.post("/login/", {"username": PASSWORD, "password": "x"})
    assert announced.words() == [("login_failed", "", "(unknown name)")]


def test_the_tenth_failure_is_told_as_a_block_once(alice: User, client: Client, announced) -> None:
    [client.post("/login/", {"username": "alice", "password": "wrong"}) for _ in range(15)]
    assert [one.subject for one in announced.about("login_blocked")] == ["alice"]
    assert len(announced.about("login_failed")) == 10


def test_who_cannot_be_written_down_does_not_come_in(alice: User) -> None:
    def audit_is_down(**kwargs: object) -> None:
        raise RuntimeError("the audit cannot be written")

    browser = Client(raise_request_exception=False)
    announcements.logged_in.connect(audit_is_down)
    try:
        assert browser.post("/login/", ALICE).status_code == 500
    finally:
        announcements.logged_in.disconnect(audit_is_down)
    assert Session.objects.count() == 0
    assert browser.get("/api/v1/me/").status_code == 401


def test_a_right_password_that_comes_after_too_many_wrong_ones_is_refused(alice: User, rf, monkeypatch) -> None:
    """As it happens when many guesses run at once: the wrong ones are counted while the right one is hashed."""

    def slow(request: object, username: str, password: str) -> User:
        [login.throttle.count_failure("alice", "127.0.0.1") for _ in range(10)]
        return alice

    monkeypatch.setattr(login, "authenticate", slow)
    with pytest.raises(login.throttle.TooManyTries):
        login.person_with(rf.post("/login/"), "alice", PASSWORD)
