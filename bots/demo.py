"""What `make demo` furnishes an empty portal with: its people, two teams, and the simulated fleet as their bots."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from accounts import membership, people
from accounts.access import Role
from accounts.caller import By
from accounts.models import Team, User
from bots.domain.audit import Actor
from bots.domain.connections import add_bot, change_bot
from bots.domain.polling.schedule import wake
from bots.models import Bot
from bots.models.sealing import SealBroken

# "demo", known to everybody and only ever set here. Made once, by make_password: that takes half a second.
PASSWORD_HASH = "pbkdf2_sha256$1000000$everybody0knows0this0salt$Gzh/za8dTQGbMBGUuioDue5ZeK1V55t/rycw+BA6FO0="  # noqa: S105
PEOPLE = {
    "manager": ("Alpha", Role.MANAGER),
    "trader": ("Alpha", Role.TRADER),
    "operator": ("Alpha", Role.OPERATOR),
    "viewer": ("Alpha", Role.VIEWER),
    "outsider": ("Beta", Role.MANAGER),
}
BOTS_OF_BETA = 2
CONNECTION = ("url", "username", "password", "ws_token")


@transaction.atomic
def furnish_with(fleet: Iterable[dict[str, Any]]) -> None:
    """Again at every start: what exists stays, the bots follow the simulator to its new ports."""
    by = By.process("portal --demo")
    teams = {name: team_called(name, by) for name in ("Alpha", "Beta")}
    if not User.objects.exists():
        introduce_people(teams, by)
    simulated = list(fleet)
    of_beta = [facts["name"] for facts in simulated if not facts["fault"]][-BOTS_OF_BETA:]
    bots = [connected(teams["Beta" if facts["name"] in of_beta else "Alpha"], facts) for facts in simulated]
    # The simulator is up again: whoever was found silent while it ended need not be waited for.
    wake([bot.pk for bot in bots if bot.retired_at is None], again=True)


def introduce_people(teams: dict[str, Team], by: By) -> None:
    for username, (team, role) in PEOPLE.items():
        membership.add(teams[team], people.create(username, None, by), role, by)
    people.create("admin", None, by, is_superuser=True)
    User.objects.update(password=PASSWORD_HASH)


def team_called(name: str, by: By) -> Team:
    return Team.objects.filter(name=name).first() or membership.create_team(name, by)


def connected(team: Team, facts: dict[str, Any]) -> Bot:
    actor = Actor.process("portal --demo")
    connection = {name: facts[name] for name in CONNECTION}
    bot = Bot.objects.filter(team=team, name=facts["name"]).first()
    if bot is None:
        return add_bot(actor, team, system="freqtrade", name=facts["name"], connection=connection, tags=facts["tags"])
    if bot.retired_at is None and not knows(bot, connection):
        return change_bot(actor, bot, connection=connection)
    return bot


def knows(bot: Bot, connection: Mapping[str, str]) -> bool:
    try:
        known = {**bot.connection, **bot.opened_secrets()}
    except SealBroken:
        return False
    return all(known.get(name, "") == value for name, value in connection.items())
