"""Commands over the API: asked once whatever is sent twice, refused with a code, and to be followed to their end.
Dora trades for Alpha, Otto operates, Bob may only look."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.api.moments import from_ms
from bots.domain.commands import Outbox
from bots.models import AuditEntry, Bot, Command, FourEyes
from bots.simulator import BotSpec, running_fleet
from tests import builders
from tests.bots.domain.audit_acts import audit_full
from tests.bots.domain.commands.conftest import ended
from tests.fleets import known, polled

ABLE = {"capabilities": ["start", "stop", "pause", "force_exit", "force_exit_all", "force_exit_partial"]}
KEYED = {"Idempotency-Key": "one-click"}


@pytest.fixture
def bot(alpha):
    return builders.a_bot(alpha, "trend", status=ABLE)


@pytest.fixture
def trade(bot):
    trade = builders.a_trade(bot, pair="NEAR/USDT")
    builders.moving(trade, profit="12.5", ratio="0.0125")
    return trade


@pytest.fixture
def exit_body(trade):
    return {"action": "force_exit", "params": {"trade_id": trade.trade_id}, "reason": "the market turns"}


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer.json()["detail"]
    return answer.json()


def test_dora_asks_and_gets_the_command(as_dora, trade, exit_body):
    answer = as_dora("bots/trend/commands/", "POST", exit_body, headers={"User-Agent": "her script"})
    command = answer.json()
    assert (answer.status_code, command["state"], command["action"], command["bot"]) == (
        202, "intent", "force_exit", "trend",
    )  # fmt: skip
    assert (command["requested_by"], command["role"], command["client"]) == ("dora", "trader", "her script")
    assert (command["reason"], command["mode"], command["trade"]) == ("the market turns", "live", trade.pk)
    assert (command["before"]["pair"], command["before"]["profit_abs"]) == ("NEAR/USDT", "12.5")
    assert command["offers"] == ["cancel"]
    assert as_dora.read(f"commands/{command['id']}/") == command
    assert "Idempotent-Replayed" not in answer


def test_the_same_key_and_body_is_the_same_command_and_another_body_is_refused(as_dora, exit_body):
    first = as_dora("bots/trend/commands/", "POST", exit_body, headers=KEYED)
    again = as_dora("bots/trend/commands/", "POST", exit_body, headers=KEYED)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert again["Idempotent-Replayed"] == "true"
    other = as_dora("bots/trend/commands/", "POST", {**exit_body, "reason": "another"}, headers=KEYED)
    assert refused(other, 409, "key_used")["first"] == first.json()["id"]
    assert Command.objects.count() == 1


def test_a_key_belongs_to_one_person(as_dora, as_alice, exit_body, bot):
    as_dora("bots/trend/commands/", "POST", {"action": "stop"}, headers=KEYED)
    assert as_alice("bots/trend/commands/", "POST", {"action": "start"}, headers=KEYED).status_code == 202


def test_a_second_exit_names_the_first_and_is_insisted_on_by_naming_it(as_dora, as_alice, exit_body):
    first = as_dora("bots/trend/commands/", "POST", exit_body).json()
    told = refused(as_alice("bots/trend/commands/", "POST", exit_body), 409, "duplicate")
    assert told["first"] == first["id"]
    refused(as_alice("bots/trend/commands/", "POST", {**exit_body, "insists_on": 999_999}), 409, "duplicate")
    insisted = as_alice("bots/trend/commands/", "POST", {**exit_body, "insists_on": first["id"]})
    assert (insisted.status_code, insisted.json()["insists_on"]) == (202, first["id"])


def test_a_trade_that_is_no_longer_what_was_seen(as_dora, exit_body, trade):
    seen = {"pair": "NEAR/USDT", "side": "short", "amount": "0.02", "open_date": from_ms(trade.open_ms).isoformat()}
    exit_body["params"]["expected"] = seen
    told = refused(as_dora("bots/trend/commands/", "POST", exit_body), 409, "trade_changed")
    assert told["differences"] == {
        "side": {"confirmed": "short", "now": "long"},
        "amount": {"confirmed": "0.02", "now": "0.01"},
    }
    assert not Command.objects.exists()


def test_the_trade_of_another_bot_is_not_reached(as_dora, alpha, exit_body):
    builders.a_bot(alpha, "grid", status=ABLE)
    refused(as_dora("bots/grid/commands/", "POST", exit_body), 409, "trade_changed")


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"action": "explode"}, ["action"]),
        ({"action": "see"}, ["action"]),
        ({"action": None}, ["action"]),
        ({"params": [1]}, ["params"]),
        ({"reason": "x" * 501}, ["reason"]),
        ({"insists_on": "first"}, ["insists_on"]),
    ],
)
def test_a_body_that_is_wrong_is_said_at_its_field(as_dora, exit_body, change, fields):
    answer = as_dora("bots/trend/commands/", "POST", {**exit_body, **change})
    assert (answer.status_code, list(answer.json()["fields"])) == (400, fields)


@pytest.mark.parametrize("amount", ["-1", 0, "NaN", "1e30", True, "0.02"])
def test_a_wrong_amount_is_said_below_params(as_dora, exit_body, amount):
    exit_body["params"]["amount"] = amount
    answer = as_dora("bots/trend/commands/", "POST", exit_body)
    assert list(refused(answer, 400, "wrong_params")["fields"]["params"]) == ["amount"]


def test_without_a_reason_without_the_capability_without_the_bot(as_dora, exit_body, bot):
    refused(as_dora("bots/trend/commands/", "POST", {**exit_body, "reason": " "}), 422, "reason_missing")
    enter = {"action": "force_enter", "params": {"pair": "BTC/USDT"}}
    assert refused(as_dora("bots/trend/commands/", "POST", enter), 422, "capability_missing")["capability"]
    refused(as_dora("bots/trend/commands/", "POST", {"action": "place_order"}), 422, "capability_missing")
    Bot.objects.update(enabled=False)
    refused(as_dora("bots/trend/commands/", "POST", exit_body), 409, "bot_paused_in_portal")
    Bot.objects.update(retired_at=timezone.now())
    refused(as_dora("bots/trend/commands/", "POST", exit_body), 409, "bot_retired")
    assert not AuditEntry.objects.exists()


def test_the_role_decides(as_otto, as_bob, exit_body):
    refused(as_otto("bots/trend/commands/", "POST", exit_body), 403, "role_too_low")
    refused(as_bob("bots/trend/commands/", "POST", {"action": "stop"}), 403, "role_too_low")
    assert as_otto("bots/trend/commands/", "POST", {"action": "stop"}).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_without_the_audit_nothing_is_taken_and_reading_goes_on(as_dora, exit_body):
    with audit_full():
        refused(as_dora("bots/trend/commands/", "POST", exit_body), 503, "audit_unavailable")
        assert as_dora.read("commands/")["results"] == []
        assert as_dora.read("bots/trend/")["slug"] == "trend"


def test_what_is_not_sent_can_be_cancelled_once(as_dora, exit_body):
    one = as_dora("bots/trend/commands/", "POST", exit_body).json()["id"]
    assert as_dora(f"commands/{one}/cancel/", "POST").json()["state"] == "cancelled"
    refused(as_dora(f"commands/{one}/cancel/", "POST"), 409, "wrong_state")


def test_an_unknown_outcome_is_closed_with_a_remark(as_dora, as_otto, exit_body):
    one = as_dora("bots/trend/commands/", "POST", exit_body).json()["id"]
    refused(as_dora(f"commands/{one}/close/", "POST", {"remark": "gone"}), 409, "wrong_state")
    Command.objects.update(state=Command.UNKNOWN)
    refused(as_otto(f"commands/{one}/close/", "POST", {"remark": "gone"}), 403, "role_too_low")
    told = refused(as_dora(f"commands/{one}/close/", "POST", {"remark": " "}), 400, "wrong_params")
    assert list(told["fields"]) == ["remark"]
    assert as_dora.read(f"commands/{one}/")["offers"] == ["close"]
    closed = as_dora(f"commands/{one}/close/", "POST", {"remark": "it was closed at the exchange"}).json()
    assert (closed["state"], closed["remark"], closed["closed_by"]) == (
        "closed", "it was closed at the exchange", "dora",
    )  # fmt: skip


@pytest.fixture
def waiting(as_dora, alpha, exit_body):
    FourEyes.objects.create(team=alpha, actions=["force_exit"])
    command = as_dora("bots/trend/commands/", "POST", exit_body).json()
    assert command["state"] == "waiting"
    return command["id"]


def test_a_second_person_approves(waiting, as_dora, as_otto, as_bob, as_alice):
    refused(as_dora(f"commands/{waiting}/approve/", "POST"), 403, "second_person_needed")
    refused(as_otto(f"commands/{waiting}/approve/", "POST"), 403, "role_too_low")
    refused(as_bob(f"commands/{waiting}/decline/", "POST"), 403, "role_too_low")
    offers = {caller: caller.read(f"commands/{waiting}/")["offers"] for caller in (as_dora, as_otto, as_alice)}
    assert list(offers.values()) == [["cancel"], [], ["cancel", "approve", "decline"]]
    approved = as_alice(f"commands/{waiting}/approve/", "POST").json()
    assert (approved["state"], approved["approved_by"]) == ("intent", "alice")
    refused(as_alice(f"commands/{waiting}/approve/", "POST"), 409, "wrong_state")


def test_or_declines(waiting, as_alice):
    declined = as_alice(f"commands/{waiting}/decline/", "POST", {"remark": "wait for the close"}).json()
    assert (declined["state"], declined["code"], declined["remark"]) == ("cancelled", "declined", "wait for the close")


def test_managers_set_which_actions_wait(as_alice, as_dora, as_charlie, alpha):
    rule = {"actions": ["force_exit_all"], "wait_minutes": 5}
    assert as_dora("teams/alpha/four-eyes/", "PUT", rule).status_code == 403
    assert as_charlie("teams/alpha/four-eyes/", "PUT", rule).status_code == 404
    changed = as_alice("teams/alpha/four-eyes/", "PUT", rule).json()
    assert (changed["team"], changed["actions"], changed["wait_minutes"]) == ("alpha", ["force_exit_all"], 5)
    assert as_dora.read("teams/alpha/four-eyes/") == changed
    assert as_charlie("teams/alpha/four-eyes/").status_code == 404
    wrong = as_alice("teams/alpha/four-eyes/", "PUT", {"actions": ["see"]})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (400, ["actions"])


@pytest.fixture
def three(as_dora, as_otto, bot, alpha, exit_body):
    """A stop of trend, an exit of trend, a stop of grid; the exit is done."""
    builders.a_bot(alpha, "grid", status={**ABLE, "mode": "dry"})
    ids = [
        as_otto("bots/trend/commands/", "POST", {"action": "stop"}).json()["id"],
        as_dora("bots/trend/commands/", "POST", exit_body).json()["id"],
        as_otto("bots/grid/commands/", "POST", {"action": "stop"}).json()["id"],
    ]
    Command.objects.filter(pk=ids[1]).update(
        state=Command.DONE, requested_at=timezone.now() - timedelta(days=3), outcome={"effect": "filled"}
    )
    return dict(zip(("stop", "exit", "grid"), ids, strict=True))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["grid", "exit", "stop"]),
        ({"bot": "trend"}, ["exit", "stop"]),
        ({"action": "stop"}, ["grid", "stop"]),
        ({"state": "done"}, ["exit"]),
        ({"state": "under_way"}, ["grid", "stop"]),
        ({"actor": "dora"}, ["exit"]),
        ({"mode": "dry"}, ["grid"]),
        ({"q": "near"}, ["exit"]),
    ],
)
def test_the_list_can_be_filtered(three, as_bob, query, found):
    names = {id: name for name, id in three.items()}
    assert [names[row["id"]] for row in as_bob.read("commands/", **query)["results"]] == found


def test_the_list_of_a_bot_and_of_a_span(three, as_bob):
    assert [row["id"] for row in as_bob.read("bots/trend/commands/")["results"]] == [three["exit"], three["stop"]]
    to = (timezone.now() - timedelta(days=1)).isoformat()
    rows = as_bob.read("commands/", to=to)["results"]
    assert [(row["id"], row["effect"], row["offers"]) for row in rows] == [(three["exit"], "filled", [])]
    assert as_bob("commands/", state="gone").json()["fields"]["state"]


def test_charlie_finds_nothing_of_alpha(three, as_charlie):
    assert as_charlie.read("commands/")["count"] == 0
    for act in ("", "cancel/", "close/", "approve/", "decline/"):
        answer = as_charlie(f"commands/{three['stop']}/{act}", "POST" if act else "GET", {"remark": "x"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_what_may_be_asked_stands_at_the_bot_and_the_trade(as_dora, as_bob, trade):
    offered = {offer["action"]: offer for offer in as_dora.read("bots/trend/")["offers"]}
    assert set(offered) == {"stop", "pause", "force_exit_all"}  # it is running
    assert offered["force_exit_all"] == {
        "action": "force_exit_all", "name": "Exit all trades", "needs_reason": True, "params": [], "note": "",
    }  # fmt: skip
    [exit_offer] = as_dora.read(f"trades/{trade.pk}/")["offers"]
    assert (exit_offer["action"], exit_offer["params"]) == ("force_exit", ["amount"])
    assert as_bob.read("bots/trend/")["offers"] == as_bob.read(f"trades/{trade.pk}/")["offers"] == []


@pytest.mark.django_db(transaction=True)
def test_an_exit_over_the_api_closes_exactly_that_trade_at_the_bot(as_dora, alpha):
    with running_fleet([BotSpec(name="majors", open_trades=3, dry_run=False)]) as fleet:
        bot = known(fleet.bots[0], alpha)
        polled(bot)
        trades = as_dora.read("trades/", status="open", bot=bot.slug)["results"]
        body = {"action": "force_exit", "params": {"trade_id": trades[1]["trade_id"]}, "reason": "enough"}
        one = as_dora(f"bots/{bot.slug}/commands/", "POST", body).json()["id"]
        outbox = Outbox().start()
        try:
            outbox.submit([one])
            ended(Command.objects.get(pk=one))
        finally:
            outbox.stop()
        told = as_dora.read(f"commands/{one}/")
        assert (told["state"], told["code"]) == ("done", "")
        still_open = {str(t.trade_id) for t in fleet.bots[0].book.trades.values() if t.is_open}
        assert still_open == {trades[0]["trade_id"], trades[2]["trade_id"]}
