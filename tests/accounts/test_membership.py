"""Who belongs to which team as what, and who may change it."""

import threading

import pytest
from django.db import connection

from accounts import membership
from accounts.access import Role
from accounts.caller import By
from accounts.models import Membership, Team, User
from tests.builders import member, person, team

NOBODY = By()


def of(user: User, where: Team) -> Membership:
    return Membership.objects.get(user=user, team=where)


def roles(where: Team) -> dict[str, str]:
    return dict(where.memberships.values_list("user__username", "role"))


def path(where: Team, who: Membership, act: str) -> str:
    return f"/team/{where.slug}/members/{who.pk}/{act}/"


# --- On the page ----------------------------------------------------------------------------------------------------
def test_alice_makes_bob_a_trader(alpha: Team, alice: User, bob: User, browser_of, announced) -> None:
    browser = browser_of(alice)
    answer = browser.post(path(alpha, of(bob, alpha), "role"), {"role": "trader"})
    assert (answer.status_code, answer["Location"]) == (302, "/team/")
    assert roles(alpha) == {"alice": "manager", "bob": "trader"}
    told = announced.about("member_changed")[0]
    assert (told.actor, told.team, told.subject) == ("alice", "alpha", "bob")
    assert told.details == {"role": "trader", "role_before": "viewer", "user_id": bob.pk}


@pytest.mark.parametrize("role", Role.values)
def test_a_manager_may_give_any_role(alpha: Team, alice: User, bob: User, browser_of, role: str) -> None:
    browser_of(alice).post(path(alpha, of(bob, alpha), "role"), {"role": role})
    assert roles(alpha)["bob"] == role


def test_a_role_that_does_not_exist_changes_nothing(alpha: Team, alice: User, bob: User, browser_of) -> None:
    browser = browser_of(alice)
    browser.post(path(alpha, of(bob, alpha), "role"), {"role": "owner"})
    browser.post(path(alpha, of(bob, alpha), "role"), {})
    assert roles(alpha) == {"alice": "manager", "bob": "viewer"}


def test_alice_removes_bob(alpha: Team, alice: User, bob: User, browser_of, announced) -> None:
    browser_of(alice).post(path(alpha, of(bob, alpha), "remove"))
    assert roles(alpha) == {"alice": "manager"}
    assert announced.words()[-1] == ("member_removed", "alice", "bob")


@pytest.mark.parametrize("act", ["role", "remove"])
def test_the_last_manager_can_be_neither_demoted_nor_removed(alpha: Team, alice: User, browser_of, act: str) -> None:
    answer = browser_of(alice).post(path(alpha, of(alice, alpha), act), {"role": "viewer"}, follow=True)
    assert roles(alpha) == {"alice": "manager"}
    assert "This is the last manager of Alpha: make somebody else manager first." in answer.content.decode()


def test_with_a_second_manager_alice_may_go(alpha: Team, alice: User, bob: User, browser_of) -> None:
    membership.change_role(of(bob, alpha), Role.MANAGER, NOBODY)
    browser_of(alice).post(path(alpha, of(alice, alpha), "remove"))
    assert roles(alpha) == {"bob": "manager"}


def test_a_deactivated_manager_does_not_count_as_one(alpha: Team, alice: User) -> None:
    member(person("dora", is_active=False), alpha, Role.MANAGER)
    with pytest.raises(membership.LastManager):
        membership.remove(of(alice, alpha), NOBODY)


ACTS = ["members/{id}/role/", "members/{id}/remove/", "invite/", "invitations/7/withdraw/"]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", ["viewer", "operator", "trader"])
def test_who_is_no_manager_changes_nobody(alpha: Team, alice: User, bob: User, browser_of, act: str, role: str) -> None:
    Membership.objects.filter(user=bob).update(role=role)
    where = f"/team/alpha/{act.format(id=of(bob, alpha).pk)}"
    assert browser_of(bob).post(where, {"role": "manager", "email": "x@example.org"}).status_code == 403
    assert roles(alpha) == {"alice": "manager", "bob": role}


@pytest.mark.parametrize("act", ACTS)
def test_a_foreign_team_is_not_found(alpha: Team, alice: User, charlie: User, browser_of, act: str) -> None:
    where = f"/team/alpha/{act.format(id=of(alice, alpha).pk)}"
    answers = [browser_of(charlie).post(path, {"role": "viewer"}) for path in (where, where.replace("alpha", "gamma"))]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert roles(alpha) == {"alice": "manager"}


@pytest.mark.parametrize("act", ["role", "remove"])
def test_a_member_of_another_team_cannot_be_reached_through_ones_own(
    alpha: Team, beta: Team, alice: User, charlie: User, browser_of, act: str
) -> None:
    assert browser_of(alice).post(path(alpha, of(charlie, beta), act), {"role": "viewer"}).status_code == 404
    assert roles(beta) == {"charlie": "manager"}


def test_a_superuser_who_is_no_member_uses_the_admin(alpha: Team, alice: User, root: User, browser_of) -> None:
    assert browser_of(root).post(path(alpha, of(alice, alpha), "remove")).status_code == 404


@pytest.mark.parametrize("act", ACTS)
def test_anonymous_is_led_to_the_login_and_a_get_does_nothing(
    alpha: Team, alice: User, client, browser_of, act: str
) -> None:
    where = f"/team/alpha/{act.format(id=of(alice, alpha).pk)}"
    assert client.post(where)["Location"] == f"/login/?next={where}"
    assert browser_of(alice).get(where).status_code == 405


def test_the_team_page_shows_managers_the_means_and_viewers_the_members(
    alpha: Team, alice: User, bob: User, browser_of
) -> None:
    hers, his = (browser_of(user).get("/team/").content.decode() for user in (alice, bob))
    assert "Invite somebody" in hers and 'aria-label="Role of bob"' in hers
    assert "Invite somebody" not in his and "alice" in his and "/remove/" not in his


# --- The acts -------------------------------------------------------------------------------------------------------
def test_nobody_is_added_twice(alpha: Team, bob: User) -> None:
    with pytest.raises(membership.AlreadyMember):
        membership.add(alpha, bob, Role.MANAGER, NOBODY)
    assert roles(alpha) == {"bob": "viewer"}


def test_a_role_nobody_declared_is_refused(alpha: Team, charlie: User) -> None:
    with pytest.raises(ValueError, match="owner"):
        membership.add(alpha, charlie, "owner", NOBODY)


def test_changing_somebody_removed_meanwhile_says_so(alpha: Team, alice: User, bob: User) -> None:
    stale = of(bob, alpha)
    membership.remove(of(bob, alpha), NOBODY)
    with pytest.raises(membership.NotMember):
        membership.change_role(stale, Role.TRADER, NOBODY)


def test_a_new_team_finds_a_free_slug(db: None, announced) -> None:
    slugs = [membership.create_team(name, NOBODY).slug for name in ("Grid Bots", "Grid bots!", "Grid--bots")]
    assert slugs == ["grid-bots", "grid-bots-2", "grid-bots-3"]
    assert [one.team for one in announced.about("team_created")] == slugs


def test_a_changed_team_tells_what_it_was(alpha: Team, announced) -> None:
    membership.change_team(alpha, NOBODY, name="Alpha", time_zone="Europe/Berlin")
    assert announced[0].details == {"time_zone": "Europe/Berlin", "time_zone_before": "UTC"}
    membership.change_team(alpha, NOBODY, name="Alpha", time_zone="Europe/Berlin")
    assert len(announced) == 1


def test_a_deleted_team_is_told_with_its_id(alpha: Team, announced) -> None:
    pk = alpha.pk
    membership.delete_team(alpha, NOBODY)
    assert (announced[0].what, announced[0].team, announced[0].team_id) == ("team_deleted", "alpha", pk)


@pytest.mark.django_db(transaction=True)
def test_two_managers_who_remove_each_other_at_once_leave_one() -> None:
    where = team("Alpha")
    rows = [member(person(name), where, Role.MANAGER) for name in ("alice", "dora")]
    refused: list[Exception] = []
    gate = threading.Barrier(2)

    def remove(row: Membership) -> None:
        gate.wait()
        try:
            membership.remove(row, NOBODY)
        except membership.LastManager as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=(row,)) for row in rows]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(refused), where.memberships.count()) == (1, 1)
