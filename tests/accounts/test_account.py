"""The page about oneself."""

from django.test import Client

from accounts.models import ApiSession, User
from tests.builders import PASSWORD


def api_login(username: str) -> str:
    sent = {"username": username, "password": PASSWORD}
    return (
        Client(HTTP_USER_AGENT="robot/1").post("/api/v1/token/", sent, content_type="application/json").json()["access"]
    )


def test_alice_chooses_her_time_zone(alice: User, browser_of, announced) -> None:
    browser_of(alice).post("/account/", {"time_zone": "Europe/Berlin"})
    alice.refresh_from_db()
    assert alice.time_zone == "Europe/Berlin"
    assert announced[-1].details == {"time_zone": "Europe/Berlin", "time_zone_before": "UTC"}


def test_a_zone_that_does_not_exist_is_refused(alice: User, browser_of) -> None:
    answer = browser_of(alice).post("/account/", {"time_zone": "Mars/Olympus"})
    alice.refresh_from_db()
    assert (answer.status_code, alice.time_zone) == (200, "UTC")


def test_nobody_makes_himself_superuser_or_changes_his_mail_here(alice: User, browser_of) -> None:
    sent = {"time_zone": "UTC", "is_superuser": "on", "is_staff": "on", "email": "evil@example.org", "username": "root"}
    assert browser_of(alice).post("/account/", sent).status_code == 302
    alice.refresh_from_db()
    assert (alice.is_superuser, alice.email, alice.username) == (False, "alice@example.org", "alice")


def test_alice_sees_her_sessions_of_the_api_and_ends_one(alice: User, bob: User, browser_of) -> None:
    token, browser = api_login("alice"), browser_of(alice)
    api_login("bob")
    page = browser.get("/account/").content.decode()
    hers = alice.api_sessions.get()
    assert page.count("robot/1") == 1
    browser.post(f"/account/sessions/{hers.pk}/end/")
    assert Client().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401
    assert "robot/1" not in browser.get("/account/").content.decode()


def test_bob_cannot_end_a_session_of_alice(alice: User, bob: User, browser_of) -> None:
    api_login("alice")
    session = ApiSession.objects.get()
    assert browser_of(bob).post(f"/account/sessions/{session.pk}/end/").status_code == 404
    session.refresh_from_db()
    assert session.ended_at is None


def test_ending_all_sessions_keeps_this_browser(alice: User, browser_of, announced) -> None:
    token, here, there = api_login("alice"), browser_of(alice), browser_of(alice)
    here.post("/account/sessions/end/")
    known = [browser.get("/api/v1/me/").status_code for browser in (here, there)]
    assert known == [200, 401]
    assert Client().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401
    assert announced.words()[-1] == ("sessions_ended", "alice", "alice")


def test_anonymous_has_no_account(alice: User, client: Client) -> None:
    for path in ("/account/", "/account/sessions/end/"):
        assert client.post(path)["Location"] == f"/login/?next={path}"
