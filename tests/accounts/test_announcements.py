"""What is told is told inside the transaction of the change, and falls with it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db.transaction import TransactionManagementError

from accounts import announcements, invitations, membership, origins, people, tokens
from accounts.access import Role
from accounts.announcements import announce
from accounts.caller import By, Caller, by
from accounts.models import AllowedOrigin, ApiSession, Invitation, Membership, Team, User
from tests.builders import member, person, team

NOBODY = By()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_outside_of_a_transaction() -> None:
    with pytest.raises(TransactionManagementError, match="logged_in"):
        announce(announcements.logged_in, NOBODY, "alice")


def test_the_process_itself_has_no_name(db: None, announced) -> None:
    people.create("alice", None, By.process("portal"))
    assert (announced[0].actor, announced[0].actor_id, announced[0].team) == ("", None, None)
    assert announced[0].caller == Caller(address="local", user_agent="process: portal")


@dataclass
class Scene:
    alpha: Team
    alice: User
    bob: User
    dora: User
    bobs: Membership
    origin: AllowedOrigin
    invitation: Invitation
    session: ApiSession


def scene() -> Scene:
    alpha, (alice, bob, dora) = team("Alpha"), [person(name) for name in ("alice", "bob", "dora")]
    member(alice, alpha, Role.MANAGER)
    invitation, _ = invitations.invite(alpha, "eve@example.org", Role.VIEWER, alice, NOBODY)
    tokens.issue(alice, NOBODY.caller)
    return Scene(
        alpha=alpha,
        alice=alice,
        bob=bob,
        dora=dora,
        bobs=member(bob, alpha),
        origin=AllowedOrigin.objects.create(origin="https://app.example.org"),
        invitation=invitation,
        session=alice.api_sessions.get(),
    )


ACTS: dict[str, Callable[[Scene], object]] = {
    "create a person": lambda at: people.create("frank", None, NOBODY),
    "set a password": lambda at: people.set_password(at.alice, "x", NOBODY, how="set"),
    "end all sessions": lambda at: people.end_all_sessions(at.alice, NOBODY),
    "deactivate": lambda at: people.deactivate(at.alice, NOBODY),
    "change a person": lambda at: people.change(at.bob, NOBODY, email="b@example.org"),
    "delete a person": lambda at: people.delete(at.alice, NOBODY),
    "create a team": lambda at: membership.create_team("Gamma", NOBODY),
    "change a team": lambda at: membership.change_team(at.alpha, NOBODY, name="Omega"),
    "delete a team": lambda at: membership.delete_team(at.alpha, NOBODY),
    "add a member": lambda at: membership.add(at.alpha, at.dora, Role.TRADER, NOBODY),
    "change a role": lambda at: membership.change_role(at.bobs, Role.TRADER, NOBODY),
    "remove a member": lambda at: membership.remove(at.bobs, NOBODY),
    "invite": lambda at: invitations.invite(at.alpha, "x@example.org", Role.VIEWER, at.alice, NOBODY),
    "withdraw": lambda at: invitations.withdraw(at.invitation, NOBODY),
    "add an origin": lambda at: origins.save(AllowedOrigin(origin="https://b.example.org"), NOBODY),
    "remove an origin": lambda at: origins.remove(at.origin, NOBODY),
    "issue tokens": lambda at: tokens.issue(at.bob, NOBODY.caller),
    "end a session": lambda at: tokens.end_session(at.session, NOBODY),
}


def everything() -> dict[str, list[dict[str, object]]]:
    tables = (User, Team, Membership, Invitation, AllowedOrigin, ApiSession)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


@pytest.mark.django_db
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_the_audit_refuses_does_not_happen(act: Callable[[Scene], object]) -> None:
    def refuse(**kwargs: object) -> None:
        assert everything() != before, "told before it was done"
        raise RuntimeError("the audit cannot be written")

    at, signals = scene(), announcements.ALL.values()
    before = everything()
    [signal.connect(refuse) for signal in signals]
    try:
        with pytest.raises(RuntimeError):
            act(at)
    finally:
        [signal.disconnect(refuse) for signal in signals]
    assert everything() == before


def test_no_announcement_carries_a_session_key(alice: User, browser_of, announced) -> None:
    browser = browser_of(alice)
    key = browser.session.session_key
    browser.post("/account/", {"time_zone": "Europe/Berlin"})
    assert key not in str(announced)
    assert announced[0].caller.session == announced[1].caller.session


def test_an_act_over_the_api_names_its_api_session(alice: User, rf) -> None:
    request = rf.get("/")
    request.user, request.auth = alice, {"sid": "5f3a"}
    assert by(request) == By(alice, Caller(address="127.0.0.1", token="5f3a"))
