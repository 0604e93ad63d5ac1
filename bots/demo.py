"""What `make demo` furnishes an empty portal with: its people, two teams, and the simulated fleet as their bots."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.hashers import make_password

from accounts import membership, people
from accounts.access import Role
from accounts.caller import By
from accounts.models import Team, User
from bots.domain.audit import Actor
from bots.domain.connections import add_bot, change_bot
from bots.models import Bot

PASSWORD = "demo"  # noqa: S105  known to everybody, and only ever set here
PEOPLE = {
    "manager": ("Alpha", Role.MANAGER),
    "trader": ("Alpha", Role.TRADER),
    "operator": ("Alpha", Role.OPERATOR),
    "viewer": ("Alpha", Role.VIEWER),
    "outsider": ("Beta", Role.MANAGER),
}
BOTS_OF_BETA = 2
CONNECTION = ("url", "username", "password", "ws_token")


def furnish_with(fleet: Iterable[dict[str, Any]]) -> None:
    """Again at every start: what exists stays, the bots follow the simulator to its new ports."""
    by = By.process("portal --demo")
    teams = {name: team_called(name, by) for name in ("Alpha", "Beta")}
    if not User.objects.exists():
        introduce_people(teams, by)
    simulated = list(fleet)
    of_beta = [facts["name"] for facts in simulated if not facts["fault"]][-BOTS_OF_BETA:]
    for facts in simulated:
        connect(teams["Beta" if facts["name"] in of_beta else "Alpha"], facts)


def introduce_people(teams: dict[str, Team], by: By) -> None:
    # Hashed once: each would take half a second.
    hashed = make_password(PASSWORD)
    for username, (team, role) in PEOPLE.items():
        membership.add(teams[team], people.create(username, None, by), role, by)
    people.create("admin", None, by, is_superuser=True)
    User.objects.update(password=hashed)


def team_called(name: str, by: By) -> Team:
    return Team.objects.filter(name=name).first() or membership.create_team(name, by)


def connect(team: Team, facts: dict[str, Any]) -> None:
    actor = Actor.process("portal --demo")
    connection = {name: facts[name] for name in CONNECTION}
    bot = Bot.objects.filter(team=team, name=facts["name"]).first()
    if bot is None:
        add_bot(actor, team, system="freqtrade", name=facts["name"], connection=connection, tags=facts["tags"])
    elif bot.retired_at is None:
        change_bot(actor, bot, connection=connection)
