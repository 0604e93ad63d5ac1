"""Many bots at once over the API, and the kill switch: previewed, confirmed by name where it is LIVE, followed."""

import time

import pytest

from bots.api import batch_shapes
from bots.domain.commands import Outbox, check_batches
from bots.models import Command, CommandBatch, FourEyes
from bots.simulator import BotSpec, running_fleet
from tests import builders
from tests.bots.api.test_commands import ABLE, refused
from tests.bots.domain.commands.conftest import ended
from tests.fleets import known, polled

KEYED = {"Idempotency-Key": "one-click"}
EXIT = {"team": "alpha", "action": "force_exit_all", "tag": "spot", "reason": "the market turns"}


@pytest.fixture
def bots(alpha, beta):
    builders.a_trade(builders.a_bot(alpha, "trend", status=ABLE, tags=["spot"]), pair="NEAR/USDT")
    builders.a_bot(alpha, "grid", status={**ABLE, "mode": "dry"}, tags=["spot", "night"])
    builders.a_bot(alpha, "other", status=ABLE)
    builders.a_bot(beta, "foreign", status=ABLE, tags=["spot"])


def test_the_preview_names_every_bot_and_what_to_type(bots, as_dora):
    told = as_dora("batches/preview/", "POST", EXIT).json()
    assert (told["bots"], told["possible"], told["live"], told["type_to_confirm"]) == (2, 2, 1, ["Alpha"])
    line = told["lines"][0]
    assert (line["bot"], line["live"], line["sentence"]) == ("trend", True, "Exit 1 open trade")
    assert set(line) == set(batch_shapes.PreviewLineShape().fields)
    assert set(line["trades"][0]) == set(batch_shapes.PreviewTradeShape().fields)
    assert line["trades"][0]["pair"] == "NEAR/USDT"
    assert not CommandBatch.objects.exists()


def test_a_tag_reaches_the_bots_of_the_team_that_have_it(bots, as_dora):
    answer = as_dora("batches/", "POST", {**EXIT, "typed": "Alpha"}, headers=KEYED)
    batch = answer.json()
    assert (answer.status_code, batch["kind"], batch["by_state"]) == (202, "bulk", {"intent": 2})
    assert [(command["bot"], command["batch"]) for command in batch["commands"]] == [
        ("trend", batch["id"]),
        ("grid", batch["id"]),
    ]
    again = as_dora("batches/", "POST", {**EXIT, "typed": "Alpha"}, headers=KEYED)
    assert (again.json()["id"], again["Idempotent-Replayed"]) == (batch["id"], "true")
    other = as_dora("batches/", "POST", {**EXIT, "typed": "Alpha", "reason": "x"}, headers=KEYED)
    assert refused(other, 409, "key_used")["first"] == batch["id"]
    assert as_dora.read("commands/", batch=batch["id"])["count"] == 2


def test_live_wants_the_name(bots, as_dora):
    told = refused(as_dora("batches/", "POST", {**EXIT, "typed": "alpha"}), 400, "wrong_params")
    assert told["fields"] == {"typed": ["1 LIVE: type Alpha to confirm"]}
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tag": None, "bots": ["trend", "foreign"]}, "bots"),
        ({"tag": None, "bots": ["no-such-bot"]}, "bots"),
        ({"bots": ["trend"]}, "bots"),
        ({"tag": None}, "bots"),
        ({"tag": "nobody"}, "bots"),
        ({"tag": None, "bots": []}, "bots"),
        ({"action": None}, "action"),
        ({"action": "force_exit"}, "action"),
        ({"kind": "burn"}, "kind"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(bots, as_dora, change, field):
    body = {name: value for name, value in {**EXIT, **change}.items() if value is not None}
    answer = as_dora("batches/", "POST", body)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
    assert not CommandBatch.objects.exists()


@pytest.mark.parametrize(
    ("named", "field"),
    [({"bots": ["trend"]}, "bots"), ({"tag": "spot"}, "tag"), ({"action": "stop"}, "action"), ({"bots": []}, "bots")],
)
@pytest.mark.parametrize("place", ["batches/", "batches/preview/"])
def test_who_names_bots_does_not_mean_the_whole_team(bots, as_dora, place, named, field):
    body = {"team": "alpha", "kind": "exit_all", "reason": "flash crash", "typed": "Alpha", **named}
    body = body if place == "batches/" else {name: body[name] for name in ("team", "kind", *named)}
    answer = as_dora(place, "POST", body)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
    assert not CommandBatch.objects.exists()


@pytest.mark.parametrize("name", ["team", "kind"])
def test_a_filter_no_text_has_is_refused(bots, as_dora, name):
    answer = as_dora(f"batches/?{name}=%00")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, [name])


def test_a_name_that_cannot_be_written_is_still_named(bots, as_dora):
    answer = as_dora("bots/trend/commands/", "POST", {"action": "stop", "params": {"\ud800": 1}})
    assert refused(answer, 400, "wrong_params")["fields"] == {"params": {"\\ud800": ["Unknown here"]}}


def test_who_may_what(bots, as_dora, as_otto, as_bob, as_charlie):
    for caller, status in ((as_otto, 403), (as_bob, 403), (as_charlie, 404)):
        assert caller("batches/", "POST", {**EXIT, "typed": "Alpha"}).status_code == status
    batch = as_dora("batches/", "POST", {**EXIT, "typed": "Alpha"}).json()["id"]
    assert as_bob.read("batches/")["count"] == 1
    assert as_charlie.read("batches/")["count"] == 0
    for act in ("stop", "repeat", "approve"):
        refused(as_otto(f"batches/{batch}/{act}/", "POST", {"typed": "Alpha"}), 403, "role_too_low")
        assert as_charlie(f"batches/{batch}/{act}/", "POST", {}).status_code == 404


def test_the_list_reads_the_commands_of_all_its_batches_at_once(bots, as_dora, django_assert_max_num_queries):
    for _ in range(6):
        as_dora("batches/", "POST", {"team": "alpha", "action": "pause", "tag": "spot"})
    with django_assert_max_num_queries(10):
        listed = as_dora.read("batches/")["results"]
    assert [batch["by_state"] for batch in listed] == [{"intent": 2}] * 6


def test_stopped_and_then_nothing_is_refused_to_repeat(bots, as_dora):
    batch = as_dora("batches/", "POST", {**EXIT, "typed": "Alpha"}).json()["id"]
    stopped = as_dora(f"batches/{batch}/stop/", "POST").json()
    assert (stopped["by_state"], stopped["stopped_by"], stopped["unsent"], stopped["ended"]) == (
        {"cancelled": 2}, "dora", 0, True,
    )  # fmt: skip
    refused(as_dora(f"batches/{batch}/repeat/", "POST", {"typed": "Alpha"}), 400, "wrong_params")


def test_the_refused_are_repeated(bots, as_dora):
    batch = as_dora("batches/", "POST", {"team": "alpha", "action": "stop", "tag": "spot"}).json()["id"]
    Command.objects.filter(bot__slug="grid").update(state=Command.REFUSED)
    again = as_dora(f"batches/{batch}/repeat/", "POST", {"reason": "once more"})
    assert again.status_code == 202
    assert [command["bot"] for command in again.json()["commands"]] == ["grid"]
    assert again.json()["reason"] == "once more"


def test_a_second_person_approves_them_together(bots, as_dora, as_alice, alpha):
    FourEyes.objects.create(team=alpha, actions=["force_exit_all"])
    batch = as_dora("batches/", "POST", {**EXIT, "typed": "Alpha"}).json()
    assert batch["by_state"] == {"waiting": 1, "intent": 1}
    assert as_alice(f"batches/{batch['id']}/approve/", "POST").json() == {"approved": 1, "refused": {}}


@pytest.mark.django_db(transaction=True)
def test_the_kill_switch_closes_every_trade_and_says_so(as_dora, alpha):
    specs = [BotSpec(name="majors", open_trades=3, dry_run=False), BotSpec(name="alts", open_trades=2)]
    with running_fleet(specs) as fleet:
        bots = [known(sim, alpha) for sim in fleet.bots]
        for bot in bots:
            polled(bot)
        body = {"team": "alpha", "kind": "exit_all", "reason": "flash crash", "typed": "Alpha"}
        batch = as_dora("batches/", "POST", body).json()
        outbox = Outbox().start()
        try:
            outbox.submit([command["id"] for command in batch["commands"]])
            for command in Command.objects.all():
                assert ended(command).state == Command.DONE, command.outcome
        finally:
            outbox.stop()
        assert not [trade for sim in fleet.bots for trade in sim.book.trades.values() if trade.is_open]
        check_batches()
        read_later(batch["id"], bots)
        check_batches()
    told = as_dora.read(f"batches/{batch['id']}/")
    assert (told["ended"], told["by_state"]) == (True, {"done": 2})
    assert told["post_check"]["sentence"] == "0 open trades left on 2 of 2 bots"
    assert told["checked_at"]


def read_later(pk, bots):
    """As if the looking had begun a while ago: what is read now was read after it."""
    batch = CommandBatch.objects.get(pk=pk)
    assert batch.post_check["begun_at"]
    CommandBatch.objects.filter(pk=pk).update(post_check={"begun_at": batch.requested_at.isoformat()})
    Command.objects.update(outcome={"effect": "filled"})
    time.sleep(3.1)
    for bot in bots:
        polled(bot)
