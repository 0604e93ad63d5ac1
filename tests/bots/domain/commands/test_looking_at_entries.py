"""What became of an entry: a new trade, more of one that was open already, or one that closed before it was read."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain.commands import Outbox
from bots.models import AuditEntry, Bot, BotStatus, Command
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.bots.domain.commands.conftest import acts_then_dies, asked, ended, looked, lost, never_acts
from tests.fleets import known, polled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("handed", "impatient")]

PATH = "/forceenter"


@pytest.fixture
def adding() -> Iterator[SimBot]:
    """A bot whose forced entries add to the trade that is open in the pair."""
    with running_fleet([BotSpec(name="adder", open_trades=1, dry_run=False, position_adjustment=True)]) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def adder(adding: SimBot, alpha: Team) -> Bot:
    bot = known(adding, alpha)
    polled(bot)
    return bot


def entry(user: User, bot: Bot, pair: str, order_type: str = "market") -> Command:
    return asked(user, bot, "force_enter", {"pair": pair, "order_type": order_type})


def exact(figure: float) -> Decimal:
    return Decimal(repr(figure))


# --- more of a trade that was open already


def test_a_lost_entry_that_added_to_an_open_trade_happened(
    dora: User, adder: Bot, adding: SimBot, outbox: Outbox
) -> None:
    trade = adding.book.trades[1]
    acts_then_dies(adding, PATH)
    command = lost(outbox, entry(dora, adder, trade.pair))
    adding.faults.clear()
    polled(adder)
    looked(outbox, command, 2)
    assert (command.state, command.effect) == (Command.DONE, "filled"), command.outcome
    assert (command.outcome["trade_id"], command.outcome["open_ms"]) == ("1", trade.open_ms)
    fill, order = command.outcome["fill"], trade.orders[1]
    assert Decimal(fill["amount"]) == exact(order.amount) < exact(trade.amount)
    assert Decimal(fill["open_rate"]) == exact(order.price)
    assert command.outcome["found"] == f"An order was added to trade 1 of {trade.pair}"
    assert len(adding.effects) == 1


def test_a_lost_limit_entry_that_adds_is_followed_to_its_fill(
    dora: User, adder: Bot, adding: SimBot, outbox: Outbox
) -> None:
    acts_then_dies(adding, PATH)
    command = lost(outbox, entry(dora, adder, adding.book.trades[1].pair, "limit"))
    adding.faults.clear()
    looked(outbox, command)
    assert (command.state, command.effect) == (Command.DONE, "pending"), command.outcome
    adding.fill_order(1)
    assert looked(outbox, command).effect == "filled"


def test_a_lost_entry_that_added_nothing_had_no_effect(dora: User, adder: Bot, adding: SimBot, outbox: Outbox) -> None:
    never_acts(adding, PATH)
    command = lost(outbox, entry(dora, adder, adding.book.trades[1].pair))
    adding.faults.clear()
    polled(adder)
    assert looked(outbox, command, 2).code == "no_effect", command.outcome


def test_an_open_trade_that_was_added_to_and_closed_is_still_found(
    dora: User, adder: Bot, adding: SimBot, outbox: Outbox
) -> None:
    acts_then_dies(adding, PATH)
    command = lost(outbox, entry(dora, adder, adding.book.trades[1].pair))
    adding.faults.clear()
    adding.close_trade(1)
    assert (looked(outbox, command).state, command.effect) == (Command.DONE, "filled"), command.outcome


def test_an_open_trade_that_vanished_leaves_it_to_a_person(
    dora: User, adder: Bot, adding: SimBot, outbox: Outbox
) -> None:
    never_acts(adding, PATH)
    command = lost(outbox, entry(dora, adder, adding.book.trades[1].pair))
    adding.faults.clear()
    adding.book.remove(1)
    polled(adder)
    assert looked(outbox, command, 4).state == Command.UNKNOWN
    assert "the bot tells of that one no more" in command.outcome["found"]


def test_an_accepted_entry_that_adds_is_pending_while_its_own_order_is_open(
    dora: User, adder: Bot, adding: SimBot, outbox: Outbox
) -> None:
    """The old entry of the trade was filled long ago: it is not what was asked for."""
    trade = adding.book.trades[1]
    command = entry(dora, adder, trade.pair, "limit")
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    assert command.outcome["trade_id"] == "1"
    assert looked(outbox, command).effect == "pending"
    adding.fill_order(1)
    assert looked(outbox, command).effect == "filled"
    assert Decimal(command.outcome["fill"]["amount"]) == exact(trade.orders[1].amount)


def test_an_order_that_was_to_add_and_was_cancelled_brought_nothing(
    dora: User, adder: Bot, adding: SimBot, outbox: Outbox
) -> None:
    command = entry(dora, adder, adding.book.trades[1].pair, "limit")
    outbox.submit([command.pk])
    ended(command, Command.DONE)
    adding.cancel_unfilled(1)
    assert looked(outbox, command).effect == "cancelled"
    assert adding.book.trades[1].is_open
    assert "fill" not in command.outcome


# --- opened and closed again before it was read


def test_a_lost_entry_that_was_closed_again_is_found_among_what_the_polls_brought(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    acts_then_dies(sim, PATH)
    command = lost(outbox, entry(dora, bot, "XRP/USDT"))
    sim.faults.clear()
    trade = next(trade for trade in sim.book.trades.values() if trade.pair == "XRP/USDT")
    sim.close_trade(trade.trade_id)
    polled(bot)
    looked(outbox, command)
    assert (command.state, command.effect) == (Command.DONE, "filled"), command.outcome
    assert (command.outcome["trade_id"], command.outcome["open_ms"]) == (str(trade.trade_id), trade.open_ms)
    assert Decimal(command.outcome["fill"]["amount"]) == exact(trade.amount)
    found = AuditEntry.objects.get(action="command_done").details["outcome"]["found"]
    assert found == f"Trade {trade.trade_id} of XRP/USDT was opened"


def test_nothing_is_said_before_the_closed_trades_were_read_again(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    acts_then_dies(sim, PATH)
    command = lost(outbox, entry(dora, bot, "XRP/USDT"))
    sim.faults.clear()
    sim.close_trade(next(trade.trade_id for trade in sim.book.trades.values() if trade.pair == "XRP/USDT"))
    assert looked(outbox, command, 4).state == Command.UNKNOWN
    assert command.outcome["found"].endswith("the closed trades are not read yet")
    BotStatus.objects.filter(bot=bot).update(seen_at=timezone.now())  # the open ones alone do not tell
    assert looked(outbox, command).state == Command.UNKNOWN
    polled(bot)
    assert looked(outbox, command).state == Command.DONE


def test_an_older_trade_of_the_pair_is_not_taken_for_the_entry(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    """Neither one that closed long before, nor one that was open when it was sent and closed since."""
    old = sim.open_trade("XRP/USDT")
    old.open_ms -= 60_000
    sim.close_trade(old.trade_id)
    fresh = sim.open_trade("XRP/USDT")
    polled(bot)
    never_acts(sim, PATH)
    command = lost(outbox, entry(dora, bot, "XRP/USDT"))
    sim.faults.clear()
    sim.close_trade(fresh.trade_id)
    polled(bot)
    assert looked(outbox, command, 2).code == "no_effect", command.outcome


def test_at_a_bot_that_tells_no_closed_trades_a_person_decides(dora: User, alpha: Team, outbox: Outbox) -> None:
    with running_fleet([BotSpec(name="old", release="2020.1", open_trades=1, dry_run=False)]) as fleet:
        sim = fleet.bots[0]
        bot = known(sim, alpha)
        polled(bot)
        never_acts(sim, "/forcebuy")
        command = lost(outbox, asked(dora, bot, "force_enter", {"pair": "XRP/USDT"}))
        sim.faults.clear()
        polled(bot)
        assert looked(outbox, command, 4).state == Command.UNKNOWN
        assert command.outcome["found"].endswith("this bot tells nothing of closed trades")


def test_a_bot_that_said_no_is_believed_without_its_closed_trades(
    dora: User, bot: Bot, sim: SimBot, outbox: Outbox
) -> None:
    command = entry(dora, bot, sim.book.trades[1].pair)
    outbox.submit([command.pk])
    ended(command)
    BotStatus.objects.filter(bot=bot).update(history_at=timezone.now() - timedelta(hours=1))
    assert looked(outbox, command, 2).code == "bot_refused", command.outcome
    assert "already open" in command.outcome["words"]
