"""The table of roles."""

import pytest

from accounts.access import LOWEST_ROLE, Role, may, roles_for
from accounts.models import Team, User
from tests.builders import member


@pytest.mark.parametrize(
    ("action", "lowest"),
    [
        ("see", "viewer"),
        ("stop", "operator"),
        ("force_exit", "trader"),
        ("place_order", "trader"),
        ("manage", "manager"),
    ],
)
def test_each_role_may_what_the_lower_ones_may(action: str, lowest: str) -> None:
    assert roles_for(action) == Role.values[Role.values.index(lowest) :]


def test_an_action_nobody_declared_is_an_error_and_no_permission() -> None:
    with pytest.raises(KeyError):
        may(Role.MANAGER, "print_money")


def test_every_action_of_the_interface_has_its_role() -> None:
    for_operators = {
        "start",
        "stop",
        "pause",
        "reload_config",
        "lock_pair",
        "unlock",
        "blacklist_add",
        "blacklist_remove",
    }
    exits_and_entries = {"force_exit", "force_exit_all", "force_enter", "place_order", "modify_position"}
    for_traders = exits_and_entries | {"cancel_order", "delete_trade", "reload_trade"}
    expected = {"see": "viewer", "manage": "manager"}
    expected |= dict.fromkeys(for_operators | {"handle_alerts"}, "operator") | dict.fromkeys(for_traders, "trader")
    assert expected == LOWEST_ROLE


def test_where_bob_may_what(alpha: Team, beta: Team, bob: User) -> None:
    member(bob, beta, Role.TRADER)
    where = {action: [team.slug for team in Team.objects.where(bob, action)] for action in ("see", "stop", "manage")}
    assert where == {"see": ["alpha", "beta"], "stop": ["beta"], "manage": []}
    assert (bob.role_in(alpha), bob.role_in(beta)) == ("viewer", "trader")


def test_a_deactivated_person_may_nothing_anywhere(alpha: Team, alice: User) -> None:
    alice.is_active = False
    assert not Team.objects.where(alice, "see").exists()


def test_a_stranger_has_no_role(alpha: Team, charlie: User) -> None:
    assert charlie.role_in(alpha) is None
