"""An exit of all is worked off trade by trade: it is over when nothing more can come, not when half a minute is."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain.commands import Outbox
from bots.domain.commands.checking import of_trade
from bots.domain.commands.effects import from_mirror
from bots.domain.commands.evidence import met
from bots.models import AuditEntry, Bot, Command, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.bots.domain.commands.conftest import acts_then_dies, asked, ended, looked, lost
from tests.fleets import known, polled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("handed", "impatient")]


@pytest.fixture
def three_exits(dora: User, bot: Bot, outbox: Outbox) -> Command:
    """Three limit orders wait."""
    command = asked(dora, bot, "force_exit_all", {"order_type": "limit"})
    outbox.submit([command.pk])
    return ended(command, Command.DONE)


def minutes_pass(command: Command, minutes: float) -> None:
    moved = timezone.now() - timedelta(minutes=minutes)
    Command.objects.filter(pk=command.pk).update(answered_at=moved, sent_at=moved)


def two_of_three_sold(sim: SimBot) -> None:
    """The order of the third is cancelled without a fill."""
    sim.fill_order(1)
    sim.fill_order(2)
    sim.cancel_unfilled(3)


def test_a_trade_that_the_bot_has_not_come_to_yet_is_waited_for(
    three_exits: Command, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    sim.open_trade("XRP/USDT")
    polled(bot)
    late = Trade.objects.get(bot=bot, pair="XRP/USDT")
    three_exits.outcome["at_sending"]["trades"].append(of_trade(from_mirror(late)))
    three_exits.save(update_fields=["outcome"])
    for number in (1, 2, 3):
        sim.fill_order(number)
    minutes_pass(three_exits, 4)
    assert looked(outbox, three_exits).effect == "pending"
    sim.close_trade(int(late.trade_id))
    looked(outbox, three_exits)
    assert (three_exits.effect, three_exits.outcome["found"]) == ("filled", "4 of 4 trades were exited")


def test_a_trade_whose_exit_was_cancelled_is_held_and_gets_its_time(
    three_exits: Command, sim: SimBot, outbox: Outbox
) -> None:
    two_of_three_sold(sim)
    assert looked(outbox, three_exits).effect == "pending"
    sim.place_exit(3, 1e6)
    minutes_pass(three_exits, 6)
    assert looked(outbox, three_exits).effect == "pending", "an exit order is open"
    sim.fill_order(3)
    looked(outbox, three_exits)
    assert (three_exits.effect, three_exits.outcome["found"]) == ("filled", "3 of 3 trades were exited")


def test_what_is_held_after_five_minutes_is_told_as_held(three_exits: Command, sim: SimBot, outbox: Outbox) -> None:
    two_of_three_sold(sim)
    minutes_pass(three_exits, 4.9)
    assert looked(outbox, three_exits).effect == "pending"
    minutes_pass(three_exits, 5)
    looked(outbox, three_exits)
    pair = sim.book.trades[3].pair
    assert (three_exits.effect, three_exits.outcome["found"]) == (
        "partly",
        f"2 of 3 trades were exited; not: {pair} #3",
    )
    assert AuditEntry.objects.get(action="command_effect").details["outcome"]["effect"] == "partly"


def test_an_exit_of_all_whose_answer_was_lost_is_followed_too(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    command = asked(dora, bot, "force_exit_all", {"order_type": "limit"})
    acts_then_dies(sim, "/forceexit")
    lost(outbox, command)
    sim.faults.clear()
    two_of_three_sold(sim)
    looked(outbox, command, 2)
    assert (command.state, command.effect) == (Command.DONE, "pending")
    sim.close_trade(3)
    assert looked(outbox, command).effect == "filled"


@pytest.mark.parametrize("release", ["2020.1", "2021.6", "2022.1"])
def test_one_is_sold_and_one_waits_where_orders_are_told_in_words(
    dora: User, alpha: Team, outbox: Outbox, release: str
) -> None:
    spec = BotSpec(name="old", release=release, open_trades=2, dry_run=False, force_order_type="limit")
    with running_fleet([spec]) as fleet:
        sim = fleet.bots[0]
        bot = known(sim, alpha)
        polled(bot)
        command = asked(dora, bot, "force_exit_all")
        outbox.submit([command.pk])
        ended(command, Command.DONE)
        minutes_pass(command, 6)
        sim.fill_order(1)
        assert looked(outbox, command, 2).effect == "pending"
        sim.fill_order(2)
        assert looked(outbox, command).effect == "filled"


@pytest.mark.parametrize("exit_waits", [True, False], ids=["an exit waits as well", "all else is sold"])
def test_while_the_entry_of_one_waits_it_is_not_over(
    three_exits: Command, sim: SimBot, outbox: Outbox, exit_waits: bool
) -> None:
    """Some releases leave an entry's order alone at first, and sell when it is filled or cancelled."""
    entry = sim.open_trade("XRP/USDT", filled=False)
    was_there = {"trade_id": str(entry.trade_id), "open_ms": entry.open_ms, "pair": entry.pair, "has_open_orders": True}
    three_exits.outcome["at_sending"]["trades"].append({**was_there, "orders": [entry.orders[0].order_id]})
    three_exits.save(update_fields=["outcome"])
    for number in (1, 2) if exit_waits else (1, 2, 3):
        sim.fill_order(number)
    minutes_pass(three_exits, 6)
    assert looked(outbox, three_exits, 2).effect == "pending"
    if exit_waits:
        sim.fill_order(3)
    sim.fill_order(entry.trade_id)
    sim.close_trade(entry.trade_id)
    assert looked(outbox, three_exits).effect == "filled"
    assert {end["effect"] for end in three_exits.outcome["trades"]} == {"filled"}


def test_a_bot_that_could_not_be_read_before_sending_cancelled_no_entries(bot: Bot) -> None:
    """A trade that was confirmed with what it holds, and is gone, was not merely an entry without a fill."""
    command = Command(bot=bot, before={"trades": [{"trade_id": "1", "open_ms": 1, "pair": "BTC/USDT"}]}, outcome={})
    assert [one["entry_filled"] for one in met(command)] == [True]
