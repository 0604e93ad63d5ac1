"""What a poll asks a bot: nothing that another of its answers tells."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Team
from bots.models import Bot, BotRun
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.fleets import at_the_bot, known, mirrored, polled


def test_closed_trades_are_not_asked_for_while_the_profit_tells_that_there_are_no_others(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    sim.requests.clear()
    polled(bot)
    assert sim.requests.count("/profit") == 1
    assert sim.requests.count("/trades") == 0
    assert bot.status.history_at == bot.status.profit_at
    sim.close_trade(sim.book.open[0].trade_id)
    polled(bot)
    assert sim.requests.count("/trades") == 1
    assert mirrored(bot) == at_the_bot(sim)


@pytest.mark.parametrize(
    "other", [{"closed_count": 29}, {"closed_profit": Decimal(1)}, {"anchor_ms": 2**41}, {"mode": "live"}]
)
def test_closed_trades_are_asked_for_where_the_profit_is_not_the_mirrors(
    sim: SimBot, bot: Bot, other: dict[str, Any]
) -> None:
    polled(bot)
    BotRun.objects.update(**other)
    sim.requests.clear()
    polled(bot)
    assert sim.requests.count("/trades") > 0


def test_closed_trades_are_asked_for_where_the_profit_tells_nothing_of_them(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    sim.faults.on("/profit").status = 500
    sim.requests.clear()
    polled(bot)
    assert sim.requests.count("/trades") == 1


def test_closed_trades_are_asked_for_as_long_as_they_were_not_read_to_their_end(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    bot.status.history_at = None
    bot.status.save()
    sim.requests.clear()
    polled(bot)
    assert sim.requests.count("/trades") == 1


def test_a_bot_that_never_closed_a_trade_is_asked_for_them(alpha: Team) -> None:
    with running_fleet([BotSpec(name="fresh", history=0, open_trades=2)]) as fleet:
        bot = known(fleet.bots[0], alpha)
        polled(bot)
        fleet.bots[0].requests.clear()
        polled(bot)
        assert fleet.bots[0].requests.count("/trades") == 1


def test_settings_are_in_the_answer_that_tells_the_state(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    assert sim.requests.count("/show_config") == 1
    assert bot.config_versions.get().settings["max_open_trades"] == 5
