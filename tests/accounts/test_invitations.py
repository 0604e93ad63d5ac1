"""A link that makes its bearer a member, once."""

import re
import threading
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from accounts import invitations, membership, people
from accounts.access import Role
from accounts.caller import By
from accounts.models import Invitation, Membership, Team, User
from tests.builders import PASSWORD, member, person, team

NOBODY = By()
NEW = {"username": "dora", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def token(alpha: Team, alice: User) -> str:
    return invite(alpha, alice)


def invite(where: Team, author: User, role: str = Role.TRADER) -> str:
    return invitations.invite(where, "dora@example.org", role, author, By(author))[1]


def accept(token: str, browser: Client | None = None):
    return (browser or Client()).post(f"/invitation/{token}/", NEW)


def test_alice_invites_dora_who_chooses_a_name_and_is_in(alpha: Team, alice: User, browser_of, announced) -> None:
    page = browser_of(alice).post("/team/alpha/invite/", {"email": "dora@example.org", "role": "trader"})
    shown = re.search(r'value="http://127.0.0.1:8000(/invitation/[^"]+)"', page.content.decode())[1]
    assert mail.outbox[0].to == ["dora@example.org"]
    assert shown in mail.outbox[0].body
    visitor = Client()
    assert "alice invites you as <strong>trader</strong>" in visitor.get(shown).content.decode()
    assert visitor.post(shown, NEW)["Location"] == "/"
    me = visitor.get("/api/v1/me/").json()
    assert (me["username"], me["email"]) == ("dora", "dora@example.org")
    assert me["teams"] == [{"slug": "alpha", "name": "Alpha", "role": "trader"}]
    assert announced.words() == [
        ("logged_in", "alice", "alice"),
        ("invited", "alice", "dora@example.org"),
        ("user_created", "", "dora"),
        ("member_added", "dora", "dora"),
        ("invitation_accepted", "dora", "dora"),
        ("logged_in", "dora", "dora"),
    ]


def test_the_token_is_kept_nowhere(token: str) -> None:
    row = Invitation.objects.values().get()
    assert token not in str(row)
    assert len(token) >= 43


def test_charlie_who_has_an_account_joins_with_it(alpha: Team, charlie: User, token: str, browser_of) -> None:
    accept(token, browser_of(charlie))
    assert charlie.role_in(alpha) == "trader"
    assert not User.objects.filter(username="dora").exists()


def test_the_link_works_once(token: str) -> None:
    assert [
        accept(token).status_code,
        accept(token).status_code,
        Client().get(f"/invitation/{token}/").status_code,
    ] == [
        302,
        410,
        410,
    ]


def test_after_seven_days_it_is_over(alpha: Team, alice: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=7, seconds=1)):
        old = invite(alpha, alice)
    assert accept(old).status_code == 410
    assert invitations.forget_old() == 0


def test_just_before_seven_days_it_still_works(alpha: Team, alice: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=7) + timedelta(minutes=1)):
        nearly_old = invite(alpha, alice)
    assert accept(nearly_old).status_code == 302


@pytest.mark.parametrize("token", ["guess", "x" * 43, "%00", "e" * 2000])
def test_a_guess_is_answered_like_an_ended_one(alice: User, token: str) -> None:
    answer = Client().get(f"/invitation/{token}/")
    assert answer.status_code == 410
    assert "This link no longer works" in answer.content.decode()


def test_a_withdrawn_invitation_is_over(alpha: Team, alice: User, token: str, browser_of, announced) -> None:
    row = Invitation.objects.get()
    browser_of(alice).post(f"/team/alpha/invitations/{row.pk}/withdraw/")
    assert accept(token).status_code == 410
    assert announced.words()[-1] == ("invitation_withdrawn", "alice", "dora@example.org")


def test_a_new_invitation_of_the_same_address_ends_the_older(alpha: Team, alice: User, token: str) -> None:
    newer = invite(alpha, alice)
    assert [accept(token).status_code, accept(newer).status_code] == [410, 302]


def demote(alice: User, alpha: Team) -> None:
    member(person("eve"), alpha, Role.MANAGER)
    membership.change_role(Membership.objects.get(user=alice), Role.TRADER, NOBODY)


def remove(alice: User, alpha: Team) -> None:
    member(person("eve"), alpha, Role.MANAGER)
    membership.remove(Membership.objects.get(user=alice), NOBODY)


def deactivate(alice: User, alpha: Team) -> None:
    people.deactivate(alice, NOBODY)


def delete(alice: User, alpha: Team) -> None:
    people.delete(alice, NOBODY)


@pytest.mark.parametrize("act", [demote, remove, deactivate, delete], ids=lambda act: act.__name__)
def test_who_may_no_longer_manage_leaves_no_open_door(alpha: Team, alice: User, token: str, act) -> None:
    person("somebody")
    act(alice, alpha)
    assert accept(token).status_code == 410


def test_who_is_a_member_already_keeps_his_role_and_the_invitation_stays(
    alpha: Team, alice: User, bob: User, token: str, browser_of
) -> None:
    accept(token, browser_of(bob))
    assert bob.role_in(alpha) == "viewer"
    assert accept(token).status_code == 302


def test_a_taken_name_is_refused_in_words_and_the_link_still_works(bob: User, token: str) -> None:
    for name in ("bob", "BOB"):
        answer = Client().post(f"/invitation/{token}/", {**NEW, "username": name})
        assert "That name is taken." in answer.content.decode()
    assert accept(token).status_code == 302


@pytest.mark.parametrize("password", ["short", "password12", "dora-dora-dora"])
def test_a_weak_password_is_refused(token: str, password: str) -> None:
    sent = {"username": "dora-dora-dora", "password1": password, "password2": password}
    assert Client().post(f"/invitation/{token}/", sent).status_code == 200
    assert not User.objects.filter(username="dora-dora-dora").exists()


def test_when_the_mail_cannot_be_sent_the_page_says_so_and_shows_the_link(alpha: Team, alice: User, browser_of) -> None:
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=1
    ):
        page = browser_of(alice).post("/team/alpha/invite/", {"email": "dora@example.org", "role": "viewer"})
    words = page.content.decode()
    assert "The mail could not be sent" in words and "Connection refused" in words
    assert "/invitation/" in words


def test_an_address_that_is_none_is_refused_in_words(alpha: Team, alice: User, browser_of) -> None:
    page = browser_of(alice).post("/team/alpha/invite/", {"email": "dora", "role": "viewer"})
    assert "Enter a valid email address." in page.content.decode()
    assert not Invitation.objects.exists()


@override_settings(ALLOWED_HOSTS=["*"])
def test_the_link_leads_to_the_portal_whatever_host_was_asked_for(alpha: Team, alice: User, browser_of) -> None:
    sent = {"email": "dora@example.org", "role": "viewer"}
    page = browser_of(alice).post("/team/alpha/invite/", sent, HTTP_HOST="evil.example")
    assert "evil.example" not in mail.outbox[0].body + page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_five_who_click_at_once_one_joins() -> None:
    where, alice = team("Alpha"), person("alice")
    member(alice, where, Role.MANAGER)
    token, outcomes = invite(where, alice), []

    def click(number: int) -> None:
        newcomer = User(username=f"dora{number}")
        try:
            invitations.join_as_new(token, newcomer, NOBODY.caller)
            outcomes.append("in")
        except invitations.InvitationGone:
            outcomes.append("gone")
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(number,)) for number in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Counter(outcomes) == {"in": 1, "gone": 4}
    assert User.objects.filter(username__startswith="dora").count() == 1


@pytest.mark.parametrize(
    ("taken", "wanted"),
    [("frank", "FRANK"), ("frank", "ＦＲＡＮＫ"), ("ＦＲＡＮＫ", "frank"), ("weiss", "weiß"), ("José", "JOSE\u0301")],
)
def test_a_name_that_only_looks_different_is_taken(token: str, taken: str, wanted: str) -> None:
    person(taken)
    answer = Client().post(f"/invitation/{token}/", {**NEW, "username": wanted})
    assert "That name is taken." in answer.content.decode()
    assert not User.objects.filter(email="dora@example.org").exists()
