"""A worker that could not yet hold the audit against its anchor sends nothing, and what it was handed is not lost."""

from pathlib import Path

import pytest
from django.db import OperationalError

from accounts.models import User
from bots import tasks
from bots.domain import safety
from bots.domain.commands import Outbox
from bots.models import Bot, Command
from bots.simulator import SimBot
from tests.bots.domain.commands.conftest import asked, ended, exit_of, first_trade, wait_for_quiet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("handed")]


@pytest.fixture(autouse=True)
def just_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has not looked yet, and looks again as often as it is asked."""
    monkeypatch.setattr(safety, "first_look", safety.FirstLook())
    monkeypatch.setattr(safety, "LOOK_AGAIN_SECONDS", 0.0)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database does not answer the first three looks."""
    refusals, anchor_head = [1, 2, 3], safety.anchor_head

    def at_first_refused() -> object:
        if refusals:
            refusals.pop()
            raise OperationalError("the connection was refused")
        return anchor_head()

    monkeypatch.setattr(safety, "anchor_head", at_first_refused)


@pytest.mark.usefixtures("away")
def test_a_command_waits_for_the_look_and_is_sent_once(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = asked(dora, bot, "force_exit", exit_of(first_trade(bot)))
    tasks.look_whether_restored()
    for _ in range(2):
        outbox.submit([command.pk])
        wait_for_quiet(outbox)
        command.refresh_from_db()
        assert (command.state, command.outcome["hindrance"]) == (Command.INTENT, safety.NOT_LOOKED)
    assert sim.effects == []

    outbox.submit([command.pk])
    assert ended(command).state == Command.DONE
    assert [effect.action for effect in sim.effects] == ["force_exit"]


@pytest.mark.usefixtures("away")
def test_a_database_that_went_back_sends_nothing_though_it_was_away_when_the_worker_started(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox, own_anchor: Path
) -> None:
    command = asked(dora, bot, "force_exit", exit_of(first_trade(bot)))
    lost = asked(dora, bot, "start", {})
    own_anchor.write_text('{"count": 99, "id": 99, "digest": "f0", "at": "2026-11-21T09:00:00+00:00"}\n')
    tasks.look_whether_restored()
    for _ in range(3):
        outbox.submit([command.pk, lost.pk])
        wait_for_quiet(outbox)
    for one in (command, lost):
        assert (ended(one).state, one.code) == (Command.REFUSED, "safe_mode")
    assert sim.effects == []


def test_an_anchor_that_cannot_be_read_hinders_until_it_is_mended(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox, own_anchor: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command = asked(dora, bot, "force_exit", exit_of(first_trade(bot)))
    own_anchor.write_text("nonsense\n")
    tasks.look_whether_restored()
    for _ in range(2):
        outbox.submit([command.pk])
        wait_for_quiet(outbox)
    assert sim.effects == []
    said = [line for line in caplog.messages if "sends nothing" in line]
    assert said == [
        f"the audit's anchor: a line of {own_anchor.name} is not an anchor: 'nonsense';"
        " until it was looked at, this process sends nothing"
    ]
    own_anchor.unlink()
    outbox.submit([command.pk])
    assert ended(command).state == Command.DONE


def test_a_look_that_was_made_costs_nothing(db: None, django_assert_num_queries) -> None:
    assert safety.has_looked()
    with django_assert_num_queries(0):
        assert safety.has_looked()
