"""Role x action x own or foreign team x door: who may, and that nobody else's request leaves anything behind."""

import pytest
from django.test import Client

from accounts.access import LOWEST_ROLE, NO_COMMANDS
from bots.models import Command, CommandBatch
from tests.bots.api.conftest import Caller
from tests.matrix.conftest import EVERYBODY, everything
from tests.matrix.contract import ACTIONS, OF_NO_BOT, may

ON_A_TRADE = {action for action, (_, params) in ACTIONS.items() if "trade_id" in params}
MANY = [action for action in ACTIONS if action not in ON_A_TRADE]


def over_the_api(person, scene, action, params):
    return Caller(person)(
        f"bots/{scene.bot.slug}/commands/", "POST", {"action": action, "params": params, "reason": "x"}
    )


def as_a_batch(person, scene, action, params):
    body = {"team": "alpha", "bots": ["trend"], "action": action, "params": params, "reason": "x", "typed": "Alpha"}
    return Caller(person)("batches/", "POST", body)


def on_the_page(person, scene, action, params):
    typed = {name: " ".join(value) if isinstance(value, list) else value for name, value in params.items()}
    about = f"trades/{scene.trade.pk}" if action in ON_A_TRADE else f"bots/{scene.bot.slug}"
    place = f"/{about}/do/{action}/"
    return browser(person).post(place, {**typed, "reason": "x", "typed": scene.bot.name})


def on_the_bulk_page(person, scene, action, params):
    typed = {"team": "alpha", "bot": [scene.bot.slug], "action": action, "reason": "x", "typed": "Alpha"}
    return browser(person).post("/batches/new/", typed)


def in_the_admin(person, scene, action, params):
    return browser(person).post("/admin/bots/command/add/", {"bot": scene.bot.pk, "action": action, "state": "intent"})


def browser(person):
    client = Client()
    if person is not None:
        client.force_login(person)
    return client


# door -> (how, what is answered to who may, whose role is too low, whom it is foreign to, nobody)
DOORS = {
    "api": (over_the_api, 202, 403, 404, 401),
    "batch": (as_a_batch, 202, 403, 404, 401),
    "page": (on_the_page, 302, 403, 404, 302),
    "bulk page": (on_the_bulk_page, 302, 403, 404, 302),
}
BEHIND = {"batch": MANY, "bulk page": ["start", "stop", "pause", "reload_config", "force_exit_all"]}
CASES = [(door, action) for door in DOORS for action in BEHIND.get(door, ACTIONS)]


def expected(door, action, who):
    _, allowed, too_low, foreign, nobody = DOORS[door]
    if who == "stranger" or (who == "deactivated" and "page" in door):  # a session that ended
        return nobody
    if who not in ("viewer", "operator", "trader", "manager"):
        return foreign
    if door == "page" and action in OF_NO_BOT:  # there is no such page
        return 404
    if not may(who, ACTIONS[action][0]):
        return too_low
    return {"api": 422, "batch": 400}[door] if action in OF_NO_BOT else allowed


def test_the_roles_are_the_promised_ones():
    assert {action: str(role) for action, role in LOWEST_ROLE.items() if action not in NO_COMMANDS} == {
        action: lowest for action, (lowest, _) in ACTIONS.items()
    }


@pytest.mark.parametrize(("door", "action"), CASES)
def test_who_may_do_what_through_which_door(scene, door, action):
    how, allowed, *_ = DOORS[door]
    for who in EVERYBODY:
        Command.objects.all().delete()
        CommandBatch.objects.all().delete()
        before = everything()
        answer = how(scene.people[who], scene, action, ACTIONS[action][1])
        status = expected(door, action, who)
        cell = f"{who}, {action}, {door}: {answer.status_code} {answer.content[:200]!r}"
        assert answer.status_code == status, cell
        done = status == allowed and may(who, ACTIONS[action][0]) and action not in OF_NO_BOT
        if done:
            command = Command.objects.get()
            assert (command.bot, command.action, command.requested_by) == (scene.bot, action, scene.people[who]), cell
            assert command.trade_id == (scene.trade.pk if action in ON_A_TRADE else None), cell
        else:
            assert everything() == before, cell


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_asks_in_the_admin(scene, action):
    before = everything()
    for who in EVERYBODY:
        answer = in_the_admin(scene.people[who], scene, action, {})
        assert answer.status_code == (403 if who == "superuser" else 302), who
        if who != "superuser":
            assert answer["Location"].startswith("/admin/login/"), who
    assert everything() == before


@pytest.mark.parametrize("who", EVERYBODY)
def test_the_same_trade_id_at_another_bot_is_never_reached(scene, who):
    """A person of both teams names bot and trade: always the right one, or refused."""
    before = everything()
    for place in ("/api/v1/bots/foreign/commands/", "/bots/foreign/do/stop/"):
        person = scene.people[who]
        if "api" in place:
            answer = Caller(person)(
                place, "POST", {"action": "force_exit", "params": {"trade_id": "500"}, "reason": "x"}
            )
        else:
            answer = browser(person).post(place, {"reason": "x"})
        if who == "foreign manager":
            assert answer.status_code == (409 if "api" in place else 302)
        else:
            assert answer.status_code in (401, 404, 302), (who, place)
    if who != "foreign manager":
        assert everything() == before
    assert not Command.objects.filter(bot=scene.bot).exists()
