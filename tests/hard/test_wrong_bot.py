"""Two bots of one team whose trades have the same numbers: whatever the way in, the bot that was meant is reached, or
none. Dora trades for team Alpha.
"""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Team, User
from bots.domain import commands
from bots.domain.commands import Outbox
from bots.domain.commands.batches import ask_many
from bots.models import Bot, Command, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.bots.api.conftest import Caller
from tests.bots.domain.commands.conftest import actor, exit_of
from tests.bots.domain.commands.conftest import dora as dora  # noqa: PLC0414  a fixture
from tests.bots.pages.asking import confirmed, form_of
from tests.bots.pages.asking import exit_of as exit_page
from tests.bots.pages.reading import page
from tests.fleets import known, polled
from tests.hard.test_command_races import reconciled

pytestmark = [pytest.mark.hard, pytest.mark.django_db(transaction=True)]

# Three trades each, of the same pairs and with the same numbers: nothing but the bot and the open time differs.
SPECS = [BotSpec(name=name, dry_run=False) for name in ("left", "right")]
PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
REASON = "the market turns"


@pytest.fixture
def sims() -> Iterator[tuple[SimBot, SimBot]]:
    with running_fleet(SPECS) as fleet:
        for sim in fleet.bots:
            for pair in PAIRS:
                sim.open_trade(pair)
            time.sleep(0.005)
        yield fleet.bots[0], fleet.bots[1]


@pytest.fixture
def outbox(transactional_db: None) -> Iterator[Outbox]:
    box = Outbox().start()
    yield box
    box.stop()


class Twins:
    """The bot that is meant, and its neighbour which must not be touched."""

    def __init__(self, sims: tuple[SimBot, SimBot], dora: User, team: Team, outbox: Outbox, *, meant: int) -> None:
        bots = [known(sim, team) for sim in sims]
        for bot in bots:
            polled(bot)
        self.sim, self.other = sims[meant], sims[1 - meant]
        self.bot, self.other_bot = bots[meant], bots[1 - meant]
        self.dora, self.team, self.outbox = dora, team, outbox
        self.api = Caller(dora)
        self.browser = Client()
        self.browser.force_login(dora)
        self.trade, self.namesake = (Trade.objects.get(bot=bot, trade_id="2") for bot in (self.bot, self.other_bot))

    def post(self, bot: Bot, **params: object) -> object:
        body = {"action": "force_exit", "params": params, "reason": REASON}
        return self.api(f"bots/{bot.slug}/commands/", "POST", body)

    def sent(self) -> list[Command]:
        """Everything that was asked, at its end."""
        numbers = list(Command.objects.values_list("pk", flat=True))
        self.outbox.submit(numbers)
        return list(reconciled([self.outbox], numbers).values())

    def only_mine_was_sold(self, left: float = 0.0) -> None:
        mine = self.sim.book.trades[2]
        assert (mine.amount if mine.is_open else 0.0) == pytest.approx(left, abs=1e-6)
        assert [effect.trade_id for effect in self.sim.effects] == [2]
        self.neighbour_is_untouched()

    def neighbour_is_untouched(self) -> None:
        assert (self.other.effects, len(self.other.book.open)) == ([], 3)
        assert self.other.requests.count("", "POST") == 0


@pytest.fixture(params=[0, 1], ids=["left", "right"])
def twins(request: pytest.FixtureRequest, sims, dora: User, alpha: Team, outbox: Outbox) -> Twins:
    return Twins(sims, dora, alpha, outbox, meant=request.param)


def test_the_trades_have_the_same_numbers(twins: Twins) -> None:
    assert (twins.trade.trade_id, twins.trade.pair) == (twins.namesake.trade_id, twins.namesake.pair)
    assert twins.sim.book.trades.keys() == twins.other.book.trades.keys()


# --- the right one ----------------------------------------------------------------------------------------------------


def test_over_the_api(twins: Twins) -> None:
    assert twins.post(twins.bot, **exit_of(twins.trade)).status_code == 202
    assert [(command.state, command.effect) for command in twins.sent()] == [("done", "filled")]
    twins.only_mine_was_sold()


def test_a_part_over_the_api(twins: Twins) -> None:
    """The fault of the most used page of this field: a part of bot C's trade 500 is sold at bot A's trade 500."""
    held = twins.sim.book.trades[2].amount
    part = Decimal(str(held)) / 4
    assert twins.post(twins.bot, **exit_of(twins.trade, amount=f"{part:.4f}", order_type="market")).status_code == 202
    twins.sent()
    twins.only_mine_was_sold(left=held - float(f"{part:.4f}"))


def test_from_the_page(twins: Twins) -> None:
    confirmed(twins.browser, exit_page(twins.trade), reason=REASON)
    assert [command.bot_id for command in twins.sent()] == [twins.bot.pk]
    twins.only_mine_was_sold()


def test_a_part_from_the_page(twins: Twins) -> None:
    held = twins.sim.book.trades[2].amount
    confirmed(twins.browser, exit_page(twins.trade), reason=REASON, amount=f"{held / 2:.4f}", order_type="market")
    twins.sent()
    twins.only_mine_was_sold(left=held - float(f"{held / 2:.4f}"))


def test_from_a_batch_of_one(twins: Twins) -> None:
    chosen = Bot.objects.visible_to(twins.dora).filter(pk=twins.bot.pk)
    who = actor(twins.dora)
    ask_many(who, twins.dora, twins.team, chosen, "force_exit_all", {}, REASON, typed=twins.team.name)
    twins.sent()
    assert (twins.sim.book.open, len(twins.sim.effects)) == ([], 3)
    twins.neighbour_is_untouched()


def test_both_at_once_each_its_own(twins: Twins) -> None:
    for bot, trade in ((twins.bot, twins.trade), (twins.other_bot, twins.namesake)):
        assert twins.post(bot, **exit_of(trade)).status_code == 202
    twins.sent()
    for sim in (twins.sim, twins.other):
        assert [(effect.action, effect.trade_id) for effect in sim.effects] == [("force_exit", 2)]


# --- or none ----------------------------------------------------------------------------------------------------------


def seen(trade: Trade) -> dict[str, object]:
    return {
        "pair": trade.pair,
        "side": trade.side,
        "amount": str(trade.amount),
        "open_date": trade.open_date.isoformat(),
    }


def test_what_was_seen_of_the_other_bots_trade_is_refused(twins: Twins) -> None:
    """The same number, pair and side: the open time tells them apart."""
    assert twins.trade.open_ms != twins.namesake.open_ms
    answer = twins.post(twins.other_bot, **exit_of(twins.namesake, expected=seen(twins.trade)))
    assert (answer.status_code, answer.json()["code"]) == (409, "trade_changed")
    assert "open_date" in str(answer.json()["differences"])
    assert not Command.objects.exists()


def test_a_form_of_the_one_posted_to_the_other_is_refused(twins: Twins) -> None:
    form = form_of(page(twins.browser.get(exit_page(twins.trade)))) | {"reason": REASON}
    twins.browser.post(exit_page(twins.namesake), form)
    assert not Command.objects.exists()


def test_a_number_that_was_given_again_after_it_was_confirmed_is_not_exited(twins: Twins) -> None:
    """The entry is cancelled, the bot gives its number to the next trade, and nobody has polled it yet."""
    sim = twins.sim
    sim.delete_trade(3)
    waiting = sim.open_trade("LTC/USDT", filled=False)
    polled(twins.bot)
    assert twins.post(twins.bot, trade_id=str(waiting.trade_id)).status_code == 202
    sim.cancel_unfilled(waiting.trade_id)
    again = sim.open_trade("LTC/USDT", filled=False)  # alike in everything but the moment
    assert again.trade_id == waiting.trade_id
    (command,) = twins.sent()
    assert (command.state, command.code) == ("refused", "trade_changed")
    assert (sim.effects, again.is_open) == ([], True)


def test_connections_that_change_places_after_it_was_confirmed_send_nothing(twins: Twins) -> None:
    assert twins.post(twins.bot, **exit_of(twins.trade)).status_code == 202
    mine, others = twins.bot.connection, twins.other_bot.connection
    Bot.objects.filter(pk=twins.bot.pk).update(connection=others)
    Bot.objects.filter(pk=twins.other_bot.pk).update(connection=mine)
    (command,) = twins.sent()
    assert command.state == "refused"
    assert twins.sim.effects == twins.other.effects == []


def test_another_bot_that_took_the_port_sends_nothing(sims, dora: User, alpha: Team, outbox: Outbox) -> None:
    """After it was confirmed, the machine's other bot listens there: same numbers and pairs, other open times."""
    twins = Twins(sims, dora, alpha, outbox, meant=0)
    assert twins.post(twins.bot, **exit_of(twins.trade)).status_code == 202
    twins.sim.shut_down()
    twins.other.shut_down()
    twins.other.listener.port = twins.sim.listener.port
    twins.other.come_back()
    (command,) = twins.sent()
    assert (command.state, command.code) == ("refused", "trade_changed")
    assert twins.other.effects == []


def test_a_trade_of_another_team_is_not_there(twins: Twins, charlie: User) -> None:
    answer = Caller(charlie)(f"bots/{twins.bot.slug}/commands/", "POST", {"action": "force_exit", "params": {}})
    assert answer.status_code == 404
    browser = Client()
    browser.force_login(charlie)
    assert browser.get(exit_page(twins.trade)).status_code == 404
    assert not Command.objects.exists()
    assert commands.sweep().to_send == []
