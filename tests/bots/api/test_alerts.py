"""Alerts over the API: read by everybody of the team, taken on by operators, ruled by managers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.models import Alert, AlertRule, AuditEntry, Maintenance, Mute
from tests.bots.domain.alerts.conftest import a_rule, an_alert
from tests.builders import a_bot

pytestmark = pytest.mark.django_db(transaction=True)


def in_an_hour() -> str:
    return (timezone.now() + timedelta(hours=1)).isoformat()


def test_bob_reads_what_is_wrong_and_charlie_of_another_team_does_not(alpha, as_bob, as_charlie):
    bot = a_bot(alpha, "trend")
    alert = an_alert(bot, data={"figure": 5, "limit": 5, "unit": "minutes"})
    cleared = an_alert(bot, a_rule(alpha, "stale"), cleared_at=timezone.now())
    body = as_bob.read("alerts/")
    assert [row["id"] for row in body["results"]] == [alert.pk, cleared.pk]
    assert body["open"] == {"error": 1}
    row = body["results"][0]
    assert (row["bot"], row["text"], row["state"], row["mode"]) == (
        "trend",
        "has not answered for 5 min",
        "open",
        "live",
    )
    assert [row["id"] for row in as_bob.read("alerts/", state="cleared")["results"]] == [cleared.pk]
    assert as_bob("alerts/", state="purple").json()["fields"]["state"] == [
        "one of open, acknowledged, cleared, uncleared"
    ]
    assert as_charlie.read("alerts/")["results"] == []
    assert as_charlie(f"alerts/{alert.pk}/").status_code == 404
    assert as_charlie(f"alerts/{alert.pk}/acknowledge/", "POST", {}).status_code == 404


def test_otto_takes_one_on_and_cannot_close_what_is_still_so(alpha, as_otto, as_bob):
    alert = an_alert(a_bot(alpha))
    assert as_bob(f"alerts/{alert.pk}/acknowledge/", "POST", {}).json()["code"] == "role_too_low"
    taken = as_otto(f"alerts/{alert.pk}/acknowledge/", "POST", {"remark": "on it"})
    assert (taken.status_code, taken.json()["state"], taken.json()["acknowledged_by"]) == (200, "acknowledged", "otto")
    refused = as_otto(f"alerts/{alert.pk}/close/", "POST", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "clears_by_itself")


def test_otto_mutes_a_bot_and_lifts_it_again(alpha, beta, as_otto):
    a_bot(alpha, "trend")
    foreign = a_rule(beta, "stale")
    made = as_otto("mutes/", "POST", {"team": "alpha", "bot": "trend", "until": in_an_hour(), "reason": "moving"})
    assert (made.status_code, made.json()["bot"], made.json()["rule"]) == (201, "trend", None)
    assert as_otto("mutes/", "POST", {"team": "alpha", "until": in_an_hour()}).json()["code"] == "wrong_values"
    wrong = as_otto("mutes/", "POST", {"team": "alpha", "rule": foreign.pk, "until": in_an_hour()})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (400, ["rule"])
    assert as_otto(f"mutes/{made.json()['id']}/", "DELETE").status_code == 204
    assert as_otto(f"mutes/{made.json()['id']}/", "DELETE").json()["code"] == "no_longer_open"
    assert Mute.objects.get().ended_by_name == "otto"


def test_alice_plans_maintenance_that_begins_now_unless_she_says_when(alpha, as_alice, as_otto):
    a_bot(alpha, "trend")
    body = {"team": "alpha", "bot": "trend", "ends_at": in_an_hour(), "reason": "new disk"}
    assert as_otto("maintenance/", "POST", body).status_code == 403
    made = as_alice("maintenance/", "POST", body)
    assert made.status_code == 201
    assert Maintenance.objects.at(timezone.now()).exists()
    wrong = as_alice("maintenance/", "POST", {**body, "starts_at": in_an_hour(), "ends_at": timezone.now().isoformat()})
    assert wrong.json()["fields"] == {"ends_at": ["It ends after it starts"]}
    assert as_alice(f"maintenance/{made.json()['id']}/", "DELETE").status_code == 204
    assert as_otto.read("maintenance/")["results"] == []


def test_alice_changes_one_limit_and_the_rest_of_the_rule_stays(alpha, as_alice, as_bob):
    rules = as_bob.read("alert-rules/", team="alpha")["results"]
    assert rules[0]["name"] == "Bot unreachable" and len(rules) == 18
    rule = next(rule for rule in rules if rule["kind"] == "no_trade")
    changed = as_alice(f"alert-rules/{rule['id']}/", "PATCH", {"params": {"times": 9}})
    assert changed.json() == {
        **rule,
        "params": {"times": 9, "least_hours": 24},
        "changed_at": changed.json()["changed_at"],
    }
    wrong = as_alice(f"alert-rules/{rule['id']}/", "PATCH", {"params": {"times": "often"}})
    assert wrong.json()["fields"] == {"times": ["A whole number from 1 to 1000 (times)"]}
    assert as_alice(f"alert-rules/{rule['id']}/", "PATCH", {"params": []}).status_code == 400
    assert as_bob(f"alert-rules/{rule['id']}/", "PATCH", {"name": "x"}).status_code == 403
    assert AuditEntry.objects.filter(action="alert_rule_changed").count() == 1


def test_alice_makes_and_removes_a_rule(alpha, as_alice, as_charlie):
    made = as_alice("alert-rules/", "POST", {"team": "alpha", "kind": "loss_open", "params": {"ratio": "0.25"}})
    assert (made.status_code, made.json()["params"], made.json()["severity"]) == (201, {"ratio": "0.25"}, "warning")
    number = made.json()["id"]
    assert as_charlie(f"alert-rules/{number}/").status_code == 404
    assert as_alice("alert-rules/", "POST", {"team": "beta", "kind": "stale"}).status_code == 404
    assert as_alice(f"alert-rules/{number}/", "DELETE").status_code == 204
    assert not AlertRule.objects.filter(pk=number).exists()


def test_the_kinds_of_rules_tell_their_parameters_with_units(as_bob):
    kinds = {kind["kind"]: kind for kind in as_bob.read("alert-rules/kinds/")}
    assert kinds["loss_today"]["params"] == [
        {
            "name": "ratio",
            "label": "Lost today",
            "unit": "ratio",
            "default": "0.05",
            "least": "0.001",
            "most": "1",
            "choices": [],
        }
    ]
    assert not Alert.objects.exists()
