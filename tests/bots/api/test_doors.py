"""Who may do what, on every route of the API: Alice manages Alpha, Bob may only look at it, Charlie manages Beta,
Ada administers the portal and belongs to no team, a stranger is not logged in."""

import uuid
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import get_resolver

from accounts.access import Role
from bots.domain import alerts, commands
from bots.domain.alerts.destinations import add_destination
from bots.domain.audit import Actor
from bots.models import ConnectionTest, FourEyes
from tests import builders
from tests.bots.api.conftest import Caller
from tests.bots.domain.alerts.conftest import an_alert

CONNECTION = {"url": "http://10.8.0.12:8080", "username": "freqtrader", "password": "let-me-in"}
ELSEWHERE = {**CONNECTION, "url": "http://10.8.0.13:8080"}
NEW_BOT = {"name": "New", "team": "alpha", "system": "freqtrade", "connection": ELSEWHERE}
TEST = {"team": "alpha", "system": "freqtrade", "connection": CONNECTION}
RENAMED = {"name": "Renamed"}

ANYBODY = (200, 200, 200, 200, 401)
TEAM = (200, 200, 404, 404, 401)
MANAGERS = (403, 404, 404, 401)  # all but Alice
# (route, method, body): what Alice, Bob, Charlie, Ada and a stranger get
TABLE = {
    ("api-schema", "GET", None): ANYBODY,
    ("api-docs", "GET", None): ANYBODY,
    ("api-fleet", "GET", None): ANYBODY,
    ("api-fleet-drift", "GET", None): ANYBODY,
    ("api-events", "GET", None): ANYBODY,
    ("api-bot-events", "GET", None): TEAM,
    ("api-report", "GET", None): ANYBODY,
    ("api-trades", "GET", None): ANYBODY,
    ("api-trade", "GET", None): TEAM,
    ("api-bots", "GET", None): ANYBODY,
    ("api-bots", "POST", "NEW_BOT"): (201, *MANAGERS),
    ("api-bot-test", "POST", "TEST"): (202, *MANAGERS),
    ("api-bot-test-outcome", "GET", None): (200, 404, 404, 404, 401),
    ("api-bot", "GET", None): TEAM,
    ("api-bot", "PATCH", "RENAMED"): (200, *MANAGERS),
    ("api-bot", "DELETE", None): (204, *MANAGERS),
    ("api-bot-snapshots", "GET", None): TEAM,
    ("api-bot-trades", "GET", None): TEAM,
    ("api-bot-performance", "GET", None): TEAM,
    ("api-bot-balance", "GET", None): TEAM,
    ("api-bot-logs", "GET", None): TEAM,
    ("api-bot-locks", "GET", None): TEAM,
    ("api-bot-config", "GET", None): TEAM,
    ("api-bot-commands", "GET", None): TEAM,
    ("api-bot-commands", "POST", "STOP"): (202, *MANAGERS),
    ("api-commands", "GET", None): ANYBODY,
    ("api-command", "GET", None): TEAM,
    ("api-command-cancel", "POST", None): (200, *MANAGERS),
    ("api-command-close", "POST", "REMARK"): (409, *MANAGERS),
    ("api-command-approve", "POST", None): (200, *MANAGERS),
    ("api-command-decline", "POST", None): (200, *MANAGERS),
    ("api-batches", "GET", None): ANYBODY,
    ("api-batches", "POST", "BULK"): (202, *MANAGERS),
    ("api-batch-preview", "POST", "BULK"): (200, 200, 404, 404, 401),
    ("api-batch", "GET", None): TEAM,
    ("api-batch-stop", "POST", None): (200, *MANAGERS),
    ("api-batch-repeat", "POST", "TYPED"): (202, *MANAGERS),
    ("api-batch-approve", "POST", None): (200, *MANAGERS),
    ("api-team-four-eyes", "GET", None): TEAM,
    ("api-team-four-eyes", "PUT", "RULE"): (200, *MANAGERS),
    ("api-alerts", "GET", None): ANYBODY,
    ("api-alert", "GET", None): TEAM,
    ("api-alert-acknowledge", "POST", "REMARK"): (200, *MANAGERS),
    ("api-alert-close", "POST", "REMARK"): (409, *MANAGERS),
    ("api-alert-rules", "GET", None): ANYBODY,
    ("api-alert-rules", "POST", "NEW_RULE"): (201, *MANAGERS),
    ("api-alert-rule-kinds", "GET", None): ANYBODY,
    ("api-alert-rule", "GET", None): TEAM,
    ("api-alert-rule", "PATCH", "RENAMED"): (200, *MANAGERS),
    ("api-alert-rule", "DELETE", None): (204, *MANAGERS),
    ("api-mutes", "GET", None): ANYBODY,
    ("api-mutes", "POST", "MUTE"): (201, *MANAGERS),
    ("api-mute", "DELETE", None): (204, *MANAGERS),
    ("api-maintenance", "GET", None): ANYBODY,
    ("api-maintenance", "POST", "WINDOW"): (201, *MANAGERS),
    ("api-maintenance-window", "DELETE", None): (204, *MANAGERS),
    ("api-destinations", "GET", None): ANYBODY,
    ("api-destinations", "POST", "MAIL"): (201, *MANAGERS),
    ("api-destination", "GET", None): TEAM,
    ("api-destination", "PATCH", "RENAMED"): (200, *MANAGERS),
    ("api-destination", "DELETE", None): (204, *MANAGERS),
    ("api-destination-test", "POST", None): (202, *MANAGERS),
    ("api-deliveries", "GET", None): TEAM,
    ("api-audit", "GET", None): ANYBODY,
    ("api-audit-verify", "POST", None): (200, 403, 200, 200, 401),
    ("api-audit-csv", "GET", None): ANYBODY,
    ("api-audit-jsonl", "GET", None): ANYBODY,
}
BODIES = {None: None, "NEW_BOT": NEW_BOT, "TEST": TEST, "RENAMED": RENAMED, "STOP": {"action": "stop"}}
BODIES |= {"BULK": {"team": "alpha", "action": "stop", "bots": ["btc-trend-01"]}, "TYPED": {"typed": "Alpha"}}
BODIES |= {"RULE": {"actions": ["stop"]}, "REMARK": {"remark": "seen at the exchange"}}
SOON = (datetime.now(UTC) + timedelta(days=1)).isoformat()
BODIES |= {"NEW_RULE": {"team": "alpha", "kind": "stale", "params": {"minutes": 7}}}
BODIES |= {
    "MUTE": {"team": "alpha", "bot": "btc-trend-01", "until": SOON},
    "WINDOW": {"team": "alpha", "ends_at": SOON},
}
BODIES |= {"MAIL": {"team": "alpha", "kind": "mail", "name": "On call", "address": "on-call@example.org"}}
# What the number of a route stands for; else a command.
NUMBERED = {"alert-rule": "rule", "alert": "alert", "mute": "mute", "maintenance": "window", "d": "destination"}
PEOPLE = ("alice", "bob", "charlie", "ada", "stranger")
OF_ACCOUNTS = {"token", "token_refresh", "token_revoke", "me"}
CASES = [(*case, person, TABLE[case][place]) for case in TABLE for place, person in enumerate(PEOPLE)]


@pytest.fixture(scope="module")
def made(once):
    alpha, beta = builders.team("Alpha"), builders.team("Beta")
    people = {"alice": builders.person("alice"), "bob": builders.person("bob"), "charlie": builders.person("charlie")}
    people |= {"ada": builders.person("ada", is_superuser=True), "stranger": None}
    builders.member(people["alice"], alpha, Role.MANAGER)
    builders.member(people["bob"], alpha, Role.VIEWER)
    builders.member(people["charlie"], beta, Role.MANAGER)
    return people, things_of(alpha, people["alice"])


@pytest.fixture
def scene(made, db):
    return deepcopy(made)


def things_of(alpha, alice):
    """What the paths of the routes name."""
    bot = builders.a_bot(alpha, status={"capabilities": ["stop", "start"]})
    bot.set_secret("password", "let-me-in")
    bot.save()
    trade = builders.a_trade(bot, "1.5")
    test = ConnectionTest.objects.create(requested_by=alice, team=alpha, system="freqtrade", connection=CONNECTION)
    FourEyes.objects.create(team=alpha, actions=["start"])
    dora = builders.person("dora")
    builders.member(dora, alpha, Role.TRADER)
    waiting = commands.ask(Actor("dora"), dora, bot, "start", {}).command
    found = commands.ask_many(Actor("dora"), dora, alpha, [bot], "stop", {}).batch
    found.commands.update(state="refused")
    return {
        "slug": bot.slug,
        "pk": trade.pk,
        "uuid": test.uuid,
        "number": waiting.pk,
        "batch": found.pk,
        "team": "alpha",
        **of_alerts(bot, alice),
    }


def of_alerts(bot, alice):
    actor, until = Actor("alice"), datetime.now(UTC) + timedelta(hours=1)
    alert = an_alert(bot)
    window = alerts.plan_maintenance(actor, alice, bot.team, starts_at=datetime.now(UTC), ends_at=until)
    destination = add_destination(actor, bot.team, kind="mail", name="Office", address="office@example.org")
    return {
        "alert": alert.pk,
        "rule": alert.rule_id,
        "mute": alerts.mute(actor, alice, bot.team, until=until, bot=bot).pk,
        "window": window.pk,
        "destination": destination.pk,
    }


def path_of(route, names):
    things = [thing for beginning, thing in NUMBERED.items() if route.startswith(f"api-{beginning}")]
    names = {**names, "number": names.get(things[0], names["number"])} if things else names
    for pattern in api_patterns():
        if pattern.name == route:
            wanted = pattern.pattern.converters
            return "/api/v1/" + filled(str(pattern.pattern), {name: names[name] for name in wanted})
    raise AssertionError(f"no route is called {route}")


def filled(pattern, values):
    for name, value in values.items():
        for kind in ("slug", "int", "uuid"):
            pattern = pattern.replace(f"<{kind}:{name}>", str(value))
    return pattern


def api_patterns():
    for included in get_resolver().url_patterns:
        if str(included.pattern) == "api/v1/":
            yield from included.url_patterns


def test_every_route_of_the_api_stands_in_the_table():
    routes = {pattern.name or str(pattern.pattern) for pattern in api_patterns()}
    assert routes - OF_ACCOUNTS == {route for route, _, _ in TABLE}


@pytest.mark.parametrize(("route", "method", "body", "person", "status"), CASES)
def test_who_gets_what(scene, route, method, body, person, status):
    people, names = scene
    answer = Caller(people[person])(path_of(route, names), method, BODIES[body])
    assert answer.status_code == status, answer.content[:300]
    if status >= 400 and route not in ("api-docs", "api-schema"):
        assert set(answer.json()) >= {"detail", "code"}
    if status == 401:
        assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", sorted({route for route, _, _ in TABLE}))
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_is_not_offered_is_405(scene, route, method):
    if any(key[:2] == (route, method) for key in TABLE):
        pytest.skip("offered")
    people, names = scene
    assert Caller(people["alice"])(path_of(route, names), method, {}).status_code == 405


@pytest.mark.parametrize(
    ("route", "method", "body"), sorted({key for key, row in TABLE.items() if row[2] == 404}, key=str)
)
def test_an_unknown_object_answers_exactly_like_a_foreign_one(scene, route, method, body):
    people, names = scene
    charlie = Caller(people["charlie"])
    foreign = charlie(path_of(route, names), method, BODIES[body])
    nowhere = {
        "slug": "no-such-bot",
        "pk": 999_999,
        "uuid": uuid.uuid4(),
        "number": 999_999,
        "batch": 999_999,
        "team": "no-such-team",
    }
    to_nobody = {**BODIES[body], "team": "no-such-team"} if "team" in (BODIES[body] or ()) else BODIES[body]
    unknown = charlie(path_of(route, nowhere), method, to_nobody)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content


def test_a_deactivated_person_sees_nothing(scene):
    alice = scene[0]["alice"]
    alice.is_active = False
    alice.save()
    assert Caller(alice).read("bots/")["count"] == 0


def test_charlie_sees_no_bot_of_alpha_in_any_list(scene):
    people, _ = scene
    charlie = Caller(people["charlie"])
    assert charlie.read("bots/")["results"] == charlie.read("trades/")["results"] == []
    assert charlie.read("fleet/")["totals"] == []
