"""What was confirmed for play money is not done with real money: the mode the person saw travels with the wish."""

import pytest

from accounts.models import Team, User
from bots.domain import commands
from bots.models import Bot, Command
from tests.bots.domain.commands.conftest import actor, asked, refused
from tests.builders import a_bot

pytestmark = pytest.mark.django_db
ABLE = {"capabilities": ["start", "stop", "pause", "force_exit_all"]}


@pytest.fixture
def turned(alpha: Team, handed: list[int]) -> Bot:
    """Live, although Dora's page still says dry."""
    return a_bot(alpha, "turned", status=ABLE)


def test_a_bot_that_has_turned_live_is_not_asked_what_was_confirmed_as_dry(turned: Bot, dora: User) -> None:
    told = refused(commands.TradeChanged, dora, turned, "force_exit_all", mode="dry")
    assert str(told) == "turned is no longer what was confirmed: mode was DRY and is LIVE"
    assert told.differences == {"mode": ("DRY", "LIVE")}
    refused(commands.TradeChanged, dora, turned, "force_exit_all", mode="")
    assert asked(dora, turned, "force_exit_all", mode="live").before["mode"] == "live"


def test_a_program_may_say_which_mode_it_expects(turned: Bot, dora: User) -> None:
    refused(commands.TradeChanged, dora, turned, "stop", {"expected": {"mode": "dry"}})
    assert asked(dora, turned, "stop", {"expected": {"mode": "live"}}).state == Command.INTENT
    told = refused(commands.WrongParams, dora, turned, "stop", {"expected": {"mode": "real"}})
    assert told.fields == {"expected": "Must be live or dry"}


def test_of_many_the_one_that_has_turned_live_is_left_out(turned: Bot, dora: User, alpha: Team) -> None:
    same = a_bot(alpha, "same", status={**ABLE, "mode": "dry"})
    modes = {"turned": "dry", "same": "dry"}
    batch = commands.ask_many(actor(dora), dora, alpha, [turned, same], "stop", {}, modes=modes).batch
    assert [command.bot.slug for command in batch.commands.all()] == ["same"]
    assert [(line["bot"], line["code"]) for line in batch.left_out] == [("turned", "trade_changed")]
    assert "mode was DRY and is LIVE" in batch.left_out[0]["sentence"]
