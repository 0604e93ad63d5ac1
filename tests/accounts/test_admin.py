"""The admin: for superusers alone, and every change by the same acts as on the pages."""

import re

import pytest
from django.test import Client

from accounts.access import Role
from accounts.models import AllowedOrigin, Invitation, Membership, Team, User
from tests.builders import PASSWORD, member, person

NEW = "another-horse-8"


@pytest.fixture
def desk(root: User, browser_of, announced) -> Client:
    browser = browser_of(root)
    announced.clear()
    return browser


def members_form(team: Team, *rows: dict[str, object]) -> dict[str, object]:
    """What the page of a team sends: its fields and one row for each member."""
    known = [row for row in rows if "id" in row]
    sent: dict[str, object] = {
        "name": team.name,
        "slug": team.slug,
        "time_zone": team.time_zone,
        "reporting_currency": team.reporting_currency,
        "memberships-TOTAL_FORMS": len(rows),
        "memberships-INITIAL_FORMS": len(known),
    }
    for number, row in enumerate(rows):
        sent |= {f"memberships-{number}-{name}": value for name, value in {**row, "team": team.pk}.items()}
    return sent


def row_of(user: User, team: Team, **values: object) -> dict[str, object]:
    membership = Membership.objects.get(user=user, team=team)
    return {"id": membership.pk, "user": user.pk, "role": membership.role, **values}


def roles(team: Team) -> dict[str, str]:
    return dict(team.memberships.values_list("user__username", "role"))


# --- Who comes in ---------------------------------------------------------------------------------------------------
def test_the_admin_login_is_the_portals_own_form(root: User, client: Client) -> None:
    where = client.get("/admin/")["Location"]
    assert where == "/admin/login/?next=/admin/"
    answer = client.post(where, {"username": "root", "password": PASSWORD, "next": "/admin/"})
    assert answer["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_managers_are_no_staff(alice: User, root: User, browser_of) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    answer = browser_of(alice).get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "For superusers only" in answer.content.decode()


def test_signing_out_of_the_admin_is_told(desk: Client, announced) -> None:
    assert desk.post("/admin/logout/").status_code == 302
    assert announced.words() == [("logged_out", "root", "root")]


def test_the_password_is_changed_on_the_portals_own_page(desk: Client) -> None:
    assert desk.get("/admin/password_change/")["Location"] == "/account/password/"


PAGES = ["", "accounts/user/", "accounts/user/add/", "accounts/team/", "accounts/team/add/", "accounts/invitation/"]
PAGES += ["accounts/allowedorigin/", "accounts/allowedorigin/add/"]


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_of_the_admin_stand(desk: Client, page: str) -> None:
    assert desk.get(f"/admin/{page}").status_code == 200


def test_groups_and_spent_tokens_are_not_shown(desk: Client) -> None:
    assert not re.search(r"/admin/(auth|token_blacklist)/", desk.get("/admin/").content.decode())


# --- People ---------------------------------------------------------------------------------------------------------
def change(desk: Client, user: User, **values: object):
    sent = {"username": user.username, "email": user.email, "time_zone": user.time_zone}
    flags = {name: "on" for name in ("is_active", "is_superuser") if getattr(user, name)}
    sent = {name: value for name, value in {**sent, **flags, **values}.items() if value is not None}
    return desk.post(f"/admin/accounts/user/{user.pk}/change/", sent)


def test_a_new_person_is_told(desk: Client, announced) -> None:
    sent = {"username": "dora", "password1": NEW, "password2": NEW, "usable_password": "true"}
    assert desk.post("/admin/accounts/user/add/", sent).status_code == 302
    assert announced.words() == [("user_created", "root", "dora")]
    assert User.objects.get(username="dora").check_password(NEW)


def test_deactivating_ends_sessions_and_is_told(desk: Client, alice: User, browser_of, announced) -> None:
    browser = browser_of(alice)
    announced.clear()
    assert change(desk, alice, is_active=None).status_code == 302
    assert announced.words() == [("user_deactivated", "root", "alice")]
    assert browser.get("/api/v1/me/").status_code == 401
    alice.refresh_from_db()
    change(desk, alice, is_active="on")
    assert announced.words()[-1] == ("user_reactivated", "root", "alice")
    assert browser.get("/api/v1/me/").status_code == 401


def test_a_changed_address_is_told_with_both(desk: Client, alice: User, announced) -> None:
    change(desk, alice, email="a@example.org", is_superuser="on")
    assert announced[0].details == {
        "email": "a@example.org",
        "email_before": "alice@example.org",
        "is_superuser": True,
        "is_superuser_before": False,
    }
    alice.refresh_from_db()
    assert (alice.is_superuser, alice.is_staff) == (True, True)


def test_saving_without_a_change_tells_nothing(desk: Client, alice: User, announced) -> None:
    assert change(desk, alice).status_code == 302
    assert announced == []


def test_a_password_set_by_root_ends_alices_sessions(desk: Client, alice: User, browser_of, announced) -> None:
    browser = browser_of(alice)
    announced.clear()
    sent = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert desk.post(f"/admin/accounts/user/{alice.pk}/password/", sent).status_code == 302
    assert announced.words() == [("password_changed", "root", "alice")]
    assert announced[0].details == {"how": "set"}
    assert browser.get("/api/v1/me/").status_code == 401
    assert desk.get("/admin/").status_code == 200


def test_a_password_taken_away_leaves_no_empty_one(desk: Client, alice: User, announced) -> None:
    sent = {"password1": "", "password2": "", "usable_password": "false", "unset-password": ""}
    assert desk.post(f"/admin/accounts/user/{alice.pk}/password/", sent).status_code == 302
    alice.refresh_from_db()
    assert (alice.has_usable_password(), alice.check_password("")) == (False, False)
    assert announced[0].details == {"how": "taken away"}


@pytest.mark.parametrize("flags", [{"is_active": None}, {"is_superuser": None}])
def test_the_last_superuser_cannot_give_himself_up(desk: Client, root: User, flags: dict[str, None]) -> None:
    answer = change(desk, root, **flags)
    assert "This is the last active superuser" in answer.content.decode()
    root.refresh_from_db()
    assert (root.is_active, root.is_superuser) == (True, True)


def test_deleting_one_and_many_is_told_each(desk: Client, alice: User, bob: User, charlie: User, announced) -> None:
    desk.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [bob.pk, charlie.pk], "post": "yes"}
    desk.post("/admin/accounts/user/", chosen)
    told = [one for one in announced if one.what == "user_deleted"]
    assert sorted(one.subject for one in told) == ["alice", "bob", "charlie"]
    assert {one.actor for one in told} == {"root"}
    assert list(User.objects.values_list("username", flat=True)) == ["root"]


# --- Teams ----------------------------------------------------------------------------------------------------------
def test_members_are_added_changed_and_removed_by_the_same_acts(
    desk: Client, alpha: Team, alice: User, bob: User, charlie: User, announced
) -> None:
    sent = members_form(
        alpha,
        row_of(alice, alpha, DELETE="on"),
        row_of(bob, alpha, role="manager"),
        {"user": charlie.pk, "role": "trader"},
    )
    answer = desk.post(f"/admin/accounts/team/{alpha.pk}/change/", sent)
    assert answer.status_code == 302
    assert roles(alpha) == {"bob": "manager", "charlie": "trader"}
    assert announced.words() == [
        ("member_added", "root", "charlie"),
        ("member_changed", "root", "bob"),
        ("member_removed", "root", "alice"),
    ]


def test_two_members_may_swap_their_roles(desk: Client, alpha: Team, alice: User, bob: User) -> None:
    rows = [row_of(alice, alpha, role="viewer"), row_of(bob, alpha, role="manager")]
    assert desk.post(f"/admin/accounts/team/{alpha.pk}/change/", members_form(alpha, *rows)).status_code == 302
    assert roles(alpha) == {"alice": "viewer", "bob": "manager"}


@pytest.mark.parametrize("fate", [{"DELETE": "on"}, {"role": "viewer"}])
def test_the_last_manager_stays_here_too(desk: Client, alpha: Team, alice: User, fate: dict[str, str]) -> None:
    answer = desk.post(f"/admin/accounts/team/{alpha.pk}/change/", members_form(alpha, row_of(alice, alpha, **fate)))
    assert "The last manager of a team stays" in answer.content.decode()
    assert roles(alpha) == {"alice": "manager"}


def test_a_deactivated_manager_is_no_manager_to_leave_behind(desk: Client, alpha: Team, alice: User) -> None:
    gone = person("gone", is_active=False)
    member(gone, alpha, Role.MANAGER)
    rows = [row_of(alice, alpha, DELETE="on"), row_of(gone, alpha)]
    answer = desk.post(f"/admin/accounts/team/{alpha.pk}/change/", members_form(alpha, *rows))
    assert answer.status_code == 200
    assert roles(alpha) == {"alice": "manager", "gone": "manager"}


def test_a_row_given_to_another_person_is_a_removal_and_an_addition(
    desk: Client, alpha: Team, alice: User, bob: User, charlie: User, announced
) -> None:
    rows = [row_of(alice, alpha), {**row_of(bob, alpha), "user": charlie.pk}]
    assert desk.post(f"/admin/accounts/team/{alpha.pk}/change/", members_form(alpha, *rows)).status_code == 302
    assert roles(alpha) == {"alice": "manager", "charlie": "viewer"}
    assert announced.words() == [("member_added", "root", "charlie"), ("member_removed", "root", "bob")]


def test_a_team_is_made_changed_and_deleted_with_its_announcements(desk: Client, announced) -> None:
    gamma = Team(name="Gamma", slug="gamma")
    desk.post("/admin/accounts/team/add/", members_form(gamma))
    gamma = Team.objects.get(slug="gamma")
    gamma.reporting_currency = "EUR"
    desk.post(f"/admin/accounts/team/{gamma.pk}/change/", members_form(gamma))
    desk.post(f"/admin/accounts/team/{gamma.pk}/delete/", {"post": "yes"})
    assert [one.what for one in announced] == ["team_created", "team_changed", "team_deleted"]
    assert not Team.objects.filter(slug="gamma").exists()


# --- Doors ----------------------------------------------------------------------------------------------------------
def test_an_origin_is_normalized_and_told(desk: Client, announced) -> None:
    sent = {"origin": "HTTPS://App.example.org:443", "enabled": "on", "note": "the app"}
    desk.post("/admin/accounts/allowedorigin/add/", sent)
    row = AllowedOrigin.objects.get()
    assert (row.origin, row.created_by) == ("https://app.example.org", "root")
    desk.post(f"/admin/accounts/allowedorigin/{row.pk}/change/", {"origin": row.origin, "note": "the app"})
    desk.post("/admin/accounts/allowedorigin/", {"action": "delete_selected", "_selected_action": [row.pk], "post": 1})
    assert [one.what for one in announced] == ["origin_added", "origin_changed", "origin_removed"]
    assert {one.actor for one in announced} == {"root"}


def test_the_same_origin_twice_and_a_wrong_one_are_refused_in_words(desk: Client) -> None:
    sent = {"origin": "https://app.example.org", "enabled": "on"}
    desk.post("/admin/accounts/allowedorigin/add/", sent)
    twice = desk.post("/admin/accounts/allowedorigin/add/", {**sent, "origin": "https://APP.example.org:443"})
    wild = desk.post("/admin/accounts/allowedorigin/add/", {**sent, "origin": "https://*.example.org"})
    assert "already exists" in twice.content.decode()
    assert "No wildcards" in wild.content.decode()
    assert AllowedOrigin.objects.count() == 1


def test_invitations_are_only_looked_at_and_never_with_their_hash(
    desk: Client, alpha: Team, alice: User, browser_of
) -> None:
    browser_of(alice).post("/team/alpha/invite/", {"email": "dora@example.org", "role": "viewer"})
    row = Invitation.objects.get()
    page = desk.get(f"/admin/accounts/invitation/{row.pk}/change/")
    assert row.token_hash not in page.content.decode()
    assert desk.post(f"/admin/accounts/invitation/{row.pk}/change/", {"role": "manager"}).status_code == 403
    assert desk.post(f"/admin/accounts/invitation/{row.pk}/delete/", {"post": "yes"}).status_code == 403
