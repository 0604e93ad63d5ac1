"""Adding, changing, retiring and trying connections through the API."""

import pytest

from bots.domain.connection_tests import Outcome
from bots.models import AuditEntry, Bot, ConnectionTest
from tests import builders

SECRET = "canary-7f3a"
CONNECTION = {"url": "http://10.8.0.12:8080", "username": "freqtrader", "password": SECRET}
NEW = {"name": "BTC trend", "team": "alpha", "system": "freqtrade", "connection": CONNECTION, "tags": ["btc"]}


@pytest.fixture
def trend(as_alice):
    answer = as_alice("bots/", "POST", NEW)
    assert answer.status_code == 201, answer.content
    return Bot.objects.get(slug=answer.json()["slug"])


def test_alice_adds_a_bot_and_no_answer_ever_holds_its_secret(as_alice, as_bob):
    added = as_alice("bots/", "POST", NEW)
    bot = added.json()
    assert added.status_code == 201
    assert (bot["slug"], bot["name"], bot["team"], bot["tags"], bot["enabled"]) == (
        "btc-trend",
        "BTC trend",
        "alpha",
        ["btc"],
        True,
    )
    assert bot["connection"] == {"url": "http://10.8.0.12:8080", "username": "freqtrader"}
    assert bot["secrets_set"] == ["password"] and bot["state"] == "unknown"
    answers = [added, as_alice("bots/"), as_alice("bots/btc-trend/"), as_alice("bots/btc-trend/config/")]
    assert all(SECRET.encode() not in answer.content for answer in answers)
    assert Bot.objects.get(slug="btc-trend").opened_connection()["password"] == SECRET
    entry = AuditEntry.objects.get(action="bot_added")
    assert (entry.actor, entry.role, entry.bot) == ("alice", "manager", "btc-trend")


def test_bob_sees_the_bot_but_not_how_it_is_reached(as_bob, trend):
    bot = as_bob.read(f"bots/{trend.slug}/")
    assert bot["name"] == "BTC trend"
    assert bot["connection"] is None and bot["secrets_set"] is None
    assert "10.8.0.12" not in str(bot)


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"name": None}, {"name"}),
        ({"system": "metatrader"}, {"system"}),
        ({"connection": {"url": "http://10.8.0.12:8080"}}, {"connection"}),
        ({"connection": {**CONNECTION, "url": "gopher://10.8.0.12"}}, {"connection"}),
        ({"connection": {**CONNECTION, "exchange_key": "x"}}, {"connection"}),
        ({"connection": "http://10.8.0.12"}, {"connection"}),
        ({"tags": ["x" * 200]}, {"tags"}),
    ],
)
def test_what_is_wrong_is_named_by_field_and_nothing_is_added(as_alice, wrong, fields):
    answer = as_alice("bots/", "POST", {**NEW, **wrong})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid" and set(answer.json()["fields"]) == fields
    assert SECRET.encode() not in answer.content
    assert not Bot.objects.exists()


def test_the_problems_of_a_connection_stand_at_its_own_fields(as_alice):
    answer = as_alice("bots/", "POST", {**NEW, "connection": {"url": "http://10.8.0.12:8080"}})
    assert set(answer.json()["fields"]["connection"]) == {"username", "password"}


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"'])
def test_a_body_that_is_no_object_is_refused(as_alice, body):
    answer = as_alice.client.generic("POST", "/api/v1/bots/", body, content_type="application/json")
    assert answer.status_code == 400
    assert set(answer.json()) >= {"detail", "code"}


def test_a_bot_called_test_leaves_the_path_of_tests_free(as_alice):
    assert as_alice("bots/", "POST", {**NEW, "name": "Test"}).json()["slug"] == "test-2"


def test_alice_renames_and_pauses_and_resumes(as_alice, trend):
    changed = as_alice(f"bots/{trend.slug}/", "PATCH", {"name": "Renamed", "tags": [], "enabled": False}).json()
    assert (changed["name"], changed["tags"], changed["enabled"], changed["state"]) == (
        "Renamed",
        [],
        False,
        "not_asked",
    )
    assert changed["slug"] == trend.slug
    assert as_alice(f"bots/{trend.slug}/", "PATCH", {"enabled": True}).json()["state"] == "unknown"


def test_a_secret_is_not_sent_to_a_new_address_unless_typed_again(as_alice, trend):
    elsewhere = {"url": "http://10.8.0.66:8080"}
    refused = as_alice(f"bots/{trend.slug}/", "PATCH", {"connection": elsewhere})
    assert refused.status_code == 400 and list(refused.json()["fields"]["connection"]) == ["password"]
    trend.refresh_from_db()
    assert trend.connection["url"] == "http://10.8.0.12:8080"
    again = as_alice(f"bots/{trend.slug}/", "PATCH", {"connection": {**elsewhere, "password": "new-one"}})
    assert again.status_code == 200 and again.json()["connection"]["url"] == "http://10.8.0.66:8080"


def test_a_retired_bot_keeps_its_trades_and_loses_its_secrets(as_alice, trend):
    builders.a_trade(trend, "5")
    assert as_alice(f"bots/{trend.slug}/", "DELETE").status_code == 204
    assert as_alice.read("bots/")["count"] == 0
    bot = as_alice.read(f"bots/{trend.slug}/")
    assert bot["retired_at"].endswith("Z") and bot["secrets_set"] == [] and bot["state"] == "not_asked"
    assert as_alice.read(f"bots/{trend.slug}/trades/")["results"][0]["profit_abs"] == "5"
    assert as_alice(f"bots/{trend.slug}/", "PATCH", {"name": "Back"}).status_code == 400


def test_a_connection_is_tried_by_a_worker_and_only_who_asked_may_see_what_came_of_it(as_alice, as_bob):
    asked = as_alice("bots/test/", "POST", {"team": "alpha", "system": "freqtrade", "connection": CONNECTION})
    assert asked.status_code == 202
    test = ConnectionTest.objects.get()
    assert asked.json() == {"id": str(test.uuid), "state": "asked", "outcome": None}
    assert SECRET not in str(test.connection) and SECRET not in str(test.sealed)

    test.state = ConnectionTest.DONE
    test.outcome = {"ok": False, "code": "wrong_password", "sentence": "The bot refused the user name or password"}
    test.save()

    done = as_alice.read(f"bots/test/{test.uuid}/")
    assert done["state"] == "done" and done["outcome"]["code"] == "wrong_password"
    assert as_bob(f"bots/test/{test.uuid}/").status_code == 404
    assert set(test.outcome) <= set(Outcome.__dataclass_fields__)


def test_a_bot_is_tried_in_its_own_team_only(as_alice, alice, beta, trend):
    builders.member(alice, beta, "manager")
    given = {"system": "freqtrade", "connection": {}, "bot": trend.slug}
    refused = as_alice("bots/test/", "POST", {**given, "team": "beta"})
    assert refused.status_code == 400
    assert refused.json()["fields"] == {"bot": ["btc-trend is not a bot of the team beta"]}
    assert not ConnectionTest.objects.exists()
    assert not AuditEntry.objects.filter(action="connection_tested").exists()
    assert as_alice("bots/test/", "POST", {**given, "team": "alpha"}).status_code == 202


def test_nothing_is_done_that_cannot_be_written_into_the_audit(as_alice, monkeypatch):
    from bots.domain import connections
    from bots.domain.audit import AuditUnavailable

    def broken(act):
        raise AuditUnavailable

    monkeypatch.setattr(connections, "append", broken)
    answer = as_alice("bots/", "POST", NEW)
    assert answer.status_code == 503 and answer.json()["code"] == "audit_unavailable"
    assert not Bot.objects.exists()
