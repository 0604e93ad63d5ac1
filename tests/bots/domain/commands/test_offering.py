"""Offers: what a person may do here now; and whatever is offered can be asked."""

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain import commands
from bots.models import Bot, BotStatus, Trade
from tests.bots.domain.commands.conftest import actor, first_trade
from tests.builders import a_bot, a_trade, person

pytestmark = pytest.mark.django_db
OPERATING = {"stop", "pause", "reload_config", "lock_pair", "unlock", "blacklist_add", "blacklist_remove"}
TRADING = {"force_exit_all", "force_enter"}


def offered(user: User, bot: Bot) -> set[str]:
    return {offer.action for offer in commands.offers(user, Bot.objects.get(pk=bot.pk))}


def offered_of(user: User, trade: Trade) -> set[str]:
    return {offer.action for offer in commands.trade_offers(user, Trade.objects.get(pk=trade.pk))}


def test_by_role(alice: User, bob: User, otto: User, dora: User, charlie: User, bot: Bot) -> None:
    trade = first_trade(bot)
    assert offered(bob, bot) == offered(charlie, bot) == set()
    assert offered(otto, bot) == OPERATING
    assert offered(dora, bot) == offered(alice, bot) == OPERATING | TRADING
    assert offered_of(otto, trade) == offered_of(bob, trade) == set()
    assert offered_of(dora, trade) == {"force_exit", "delete_trade", "reload_trade"}


def test_by_what_the_bot_is_doing(otto: User, bot: Bot) -> None:
    def in_state(state: str) -> set[str]:
        BotStatus.objects.update(state=state)
        return offered(otto, bot) & {"start", "stop", "pause"}

    assert in_state("running") == {"stop", "pause"}
    assert in_state("paused") == {"start", "stop"}
    assert in_state("stopped") == {"start"}
    assert in_state("offline") == {"start", "stop", "pause"}  # nobody knows


def test_by_capability_with_its_extras_and_what_one_should_know(dora: User, bot: Bot) -> None:
    BotStatus.objects.update(capabilities=["force_exit", "force_exit_partial", "stop_entry"])
    (exit_,) = commands.trade_offers(dora, first_trade(bot))
    assert (exit_.action, exit_.extras, exit_.needs_reason) == ("force_exit", ("amount",), True)
    (pause,) = commands.offers(dora, Bot.objects.get(pk=bot.pk))
    assert (pause.action, pause.label) == ("pause", "Pause entries")
    assert "only reload config undoes it" in pause.note


def test_nothing_at_a_bot_that_is_not_spoken_to(alice: User, bot: Bot) -> None:
    trade = first_trade(bot)
    Bot.objects.update(enabled=False)
    assert offered(alice, bot) == offered_of(alice, trade) == set()
    Bot.objects.update(enabled=True, retired_at=timezone.now())
    assert offered(alice, bot) == offered_of(alice, trade) == set()


def test_a_closed_trade_can_be_deleted_and_one_that_is_gone_nothing(dora: User, bot: Bot) -> None:
    closed = a_trade(bot, "5", run=first_trade(bot).run)
    assert offered_of(dora, closed) == {"delete_trade", "reload_trade"}
    Trade.objects.update(gone_at=timezone.now())
    assert offered_of(dora, closed) == set()


def test_an_open_order_can_be_cancelled(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    Trade.objects.filter(pk=trade.pk).update(orders=[{"order_id": "1", "is_open": True}])
    assert "cancel_order" in offered_of(dora, trade)


def test_many_bots_cost_one_question_for_the_roles(alice: User, alpha: Team, django_assert_num_queries) -> None:
    for number in range(20):
        a_bot(alpha, f"bot-{number}", status={"capabilities": ["stop"]})
    listed = list(Bot.objects.visible_to(alice).select_related("status"))
    with django_assert_num_queries(1):
        found = commands.offers_for(alice, listed)
    assert [[offer.action for offer in each] for each in found.values()] == [["stop"]] * 20


def test_whatever_is_offered_can_be_asked(alice: User, bot: Bot) -> None:
    needed = {"lock_pair": {"pair": "BTC/USDT", "until": "2199-01-01T00:00:00Z"}, "unlock": {"pair": "BTC/USDT"}}
    needed |= {"force_enter": {"pair": "XRP/USDT"}, "blacklist_add": {"pairs": ["A/B"]}}
    needed |= {"blacklist_remove": {"pairs": ["A/B"]}}
    trade = first_trade(bot)
    for offer in commands.trade_offers(alice, trade):
        commands.ask(actor(alice), alice, bot, offer.action, {"trade_id": trade.trade_id}, "because")
    for offer in commands.offers(alice, Bot.objects.get(pk=bot.pk)):
        commands.ask(actor(alice), alice, bot, offer.action, needed.get(offer.action, {}), "because")


def test_a_stranger_is_offered_nothing(bot: Bot) -> None:
    assert offered(person("eve"), bot) == set()
