"""Changing a password, resetting a lost one, and what ends with it."""

import re

import pytest
from django.core import mail
from django.test import Client, override_settings

from accounts import people
from accounts.caller import By
from accounts.models import User
from tests.builders import PASSWORD

NOBODY = By()
NEW = "another-horse-8"
CHANGE = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}


def known(browser: Client) -> bool:
    return browser.get("/api/v1/me/").status_code == 200


def test_a_changed_password_ends_every_other_session(alice: User, browser_of, announced) -> None:
    here, there = browser_of(alice), browser_of(alice)
    assert here.post("/account/password/", CHANGE)["Location"] == "/account/"
    assert (known(here), known(there)) == (True, False)
    assert announced.words()[-1] == ("password_changed", "alice", "alice")
    assert announced[-1].details == {"how": "changed"}


def test_a_changed_password_leaves_no_session_of_the_api_in_the_list(alice: User, browser_of) -> None:
    browser = browser_of(alice)
    sent = {"username": "alice", "password": PASSWORD}
    Client(HTTP_USER_AGENT="robot/1").post("/api/v1/token/", sent, content_type="application/json")
    assert "robot/1" in browser.get("/account/").content.decode()
    browser.post("/account/password/", CHANGE)
    assert "robot/1" not in browser.get("/account/").content.decode()


def deactivate(alice: User) -> None:
    people.deactivate(alice, NOBODY)


def delete(alice: User) -> None:
    people.delete(alice, NOBODY)


def end_all(alice: User) -> None:
    people.end_all_sessions(alice, NOBODY)


def deactivate_and_reactivate(alice: User) -> None:
    people.deactivate(alice, NOBODY)
    people.reactivate(alice, NOBODY)


ENDS = [deactivate, delete, end_all, deactivate_and_reactivate]


@pytest.mark.parametrize("act", ENDS, ids=lambda act: act.__name__)
def test_sessions_of_the_pages_end_at_once(alice: User, browser_of, act) -> None:
    browser = browser_of(alice)
    assert known(browser)
    act(alice)
    assert not known(browser)
    assert browser.get("/account/").status_code == 302


def test_the_old_password_must_be_right(alice: User, browser_of) -> None:
    browser = browser_of(alice)
    assert browser.post("/account/password/", {**CHANGE, "old_password": "wrong"}).status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_who_found_an_open_browser_cannot_guess_the_password_there(alice: User, browser_of) -> None:
    browser = browser_of(alice)
    answers = [browser.post("/account/password/", {**CHANGE, "old_password": f"wrong {n}"}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert browser.post("/account/password/", CHANGE).status_code == 429


def test_anonymous_is_led_to_the_login(alice: User, client: Client) -> None:
    assert client.get("/account/password/")["Location"] == "/login/?next=/account/password/"


def reset_link(email: str = "alice@example.org", **extra: str) -> str:
    Client(**extra).post("/password/reset/", {"email": email})
    return re.search(r"http://127\.0\.0\.1:8000(/\S+)", mail.outbox[-1].body)[1]


def test_a_lost_password_is_replaced_by_mail_and_ends_every_session(alice: User, browser_of, announced) -> None:
    elsewhere, visitor = browser_of(alice), Client()
    form = visitor.get(reset_link(), follow=True)
    where = form.redirect_chain[-1][0]
    assert visitor.post(where, {"new_password1": NEW, "new_password2": NEW})["Location"] == "/password/reset/done/"
    assert not known(elsewhere)
    assert visitor.post("/login/", {"username": "alice", "password": NEW}).status_code == 302
    assert [one.what for one in announced][1:] == ["password_reset_asked", "password_changed", "logged_in"]


def test_the_link_of_a_reset_works_once(alice: User) -> None:
    visitor, link = Client(), reset_link()
    where = visitor.get(link, follow=True).redirect_chain[-1][0]
    visitor.post(where, {"new_password1": NEW, "new_password2": NEW})
    assert "This link no longer works" in Client().get(link, follow=True).content.decode()


@override_settings(ALLOWED_HOSTS=["*"])
def test_the_link_leads_to_the_portal_whatever_host_was_asked_for(alice: User) -> None:
    reset_link(HTTP_HOST="evil.example")
    assert "evil.example" not in mail.outbox[0].body + mail.outbox[0].subject


@override_settings(PORTAL_URL="http://127.0.0.1:8123")
def test_the_link_follows_the_address_the_portal_has_now(alice: User, client: Client) -> None:
    client.post("/password/reset/", {"email": "alice@example.org"})
    assert "http://127.0.0.1:8123/password/reset/" in mail.outbox[0].body


def test_an_unknown_address_is_answered_like_a_known_one(alice: User, client: Client) -> None:
    answers = [client.post("/password/reset/", {"email": f"{who}@example.org"}) for who in ("alice", "nobody")]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, "/password/reset/sent/")] * 2
    assert len(mail.outbox) == 1


def test_nobody_is_flooded_with_mails(alice: User, client: Client) -> None:
    answers = [client.post("/password/reset/", {"email": "alice@example.org"}).status_code for _ in range(11)]
    assert answers == [302] * 10 + [429]
    assert len(mail.outbox) == 10


def test_another_spelling_of_the_address_brings_no_more_mails(alice: User, client: Client) -> None:
    [client.post("/password/reset/", {"email": "alice@example.org"}) for _ in range(10)]
    assert client.post("/password/reset/", {"email": "Alice@Example.org"}).status_code == 429


def test_a_reset_opens_the_door_to_who_had_locked_himself_out(alice: User) -> None:
    visitor = Client()
    [visitor.post("/login/", {"username": "alice", "password": "wrong"}) for _ in range(10)]
    where = visitor.get(reset_link(), follow=True).redirect_chain[-1][0]
    visitor.post(where, {"new_password1": NEW, "new_password2": NEW})
    assert visitor.post("/login/", {"username": "alice", "password": NEW}).status_code == 302


@pytest.mark.parametrize(
    "path", ["/password/reset/", "/password/reset/sent/", "/password/reset/done/", "/password/reset/x/y/", "/login/"]
)
def test_the_pages_before_the_login_stand(alice: User, client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "style=" not in answer.content.decode()
