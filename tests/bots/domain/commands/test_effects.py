"""Effects in figures: which way slippage counts, what a partial exit realized, when an order is whole."""

from decimal import Decimal

import pytest
from django.utils import timezone

from bots.domain.commands import effects
from bots.domain.commands.checking import of_trade
from bots.domain.commands.evidence import found_of_exit
from bots.models import Command
from bots.systems.contract import Order, Trade


def order(name: str, side: str, **values: object) -> Order:
    given = {"kind": "limit", "status": "closed", "is_open": False, "rate": Decimal(100), "amount": Decimal(2)}
    given |= {"filled": Decimal(2), "remaining": Decimal(0), "cost": None, "placed_ms": 1, "filled_ms": 2}
    return Order(order_id=name, side=side, **{**given, **values})  # type: ignore[arg-type]


def trade(side: str = "long", *orders: Order, **values: object) -> Trade:
    given = {"trade_id": "5", "open_ms": 1, "pair": "BTC/USDT", "side": side, "is_open": True, "currency": "USDT"}
    given |= {"leverage": Decimal(1), "amount": Decimal(4), "stake_amount": Decimal(400), "open_rate": Decimal(100)}
    return Trade(**{**given, "orders": orders, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("side", "rate", "slippage"),
    [("long", "99", "-0.01"), ("long", "101", "0.01"), ("short", "101", "-0.01"), ("short", "99", "0.01")],
)
def test_slippage_below_zero_is_worse_for_the_holder(side: str, rate: str, slippage: str) -> None:
    assert effects.slippage({"side": side, "current_rate": "100"}, Decimal(rate)) == slippage


def test_without_a_price_at_confirmation_there_is_no_slippage() -> None:
    assert effects.slippage({"side": "long", "current_rate": None}, Decimal(1)) is None
    assert effects.slippage({"side": "long", "current_rate": "100"}, None) is None
    assert effects.slippage({"side": "long", "current_rate": "0"}, Decimal(1)) is None


ENTRY = {"long": "buy", "short": "sell"}
EXIT = {"long": "sell", "short": "buy"}


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize(
    ("more", "wanted", "effect"),
    [
        ({"is_open": True, "filled": Decimal(0)}, None, "pending"),
        ({"filled": Decimal(0), "status": "canceled"}, None, "cancelled"),
        ({"filled": Decimal(2)}, None, "partly"),
        ({"filled": Decimal(2)}, "2", "filled"),
        ({"filled": Decimal(1)}, "2", "partly"),
        ({"amount": Decimal("1.99"), "filled": Decimal("1.99")}, "1.995", "filled"),
        ({"amount": None, "filled": Decimal("1.99")}, "1.995", "partly"),
        ({"amount": Decimal("1.99"), "filled": Decimal("1.99")}, None, "partly"),
    ],
)
def test_an_exit_order_tells_how_far_it_came(
    side: str, more: dict[str, object], wanted: str | None, effect: str
) -> None:
    known = {"orders": ["entry"], "has_open_orders": False}
    now = trade(side, order("entry", ENTRY[side]), order("exit", EXIT[side], **more))
    assert effects.effect_of_exit(known, wanted, now) == effect
    assert effects.effect_of_exit({"orders": ["entry", "exit"]}, wanted, now) == ""


def test_an_added_entry_is_no_exit() -> None:
    now = trade("long", order("entry", "buy"), order("more", "buy"), order("stop", "stoploss"))
    assert effects.effect_of_exit({"orders": ["entry"]}, None, now) == ""


def test_a_release_without_orders_tells_only_that_one_is_open() -> None:
    now = trade("long", has_open_orders=True)
    assert effects.effect_of_exit({"has_open_orders": False}, None, now) == "pending"
    assert effects.effect_of_exit({"has_open_orders": True}, None, now) == ""


@pytest.mark.parametrize("side", ["long", "short"])
def test_an_order_in_words_against_the_position_is_the_exits(side: str) -> None:
    """Until 2020.3 it has no id: where an entry's order was open before, only the side tells them apart."""
    words = {"is_open": True, "filled": None, "amount": None}
    entering, exiting = trade(side, order("", ENTRY[side], **words)), trade(side, order("", EXIT[side], **words))
    assert effects.effect_of_exit(of_trade(entering), None, exiting) == "pending"
    assert effects.effect_of_exit(of_trade(entering), None, entering) == ""
    assert effects.effect_of_exit(of_trade(exiting), None, exiting) == ""


def test_where_neither_orders_nor_words_are_told_an_open_one_may_be_the_exits() -> None:
    """/trade from 2020.10 to 2022.2: nobody may say that an exit had no effect while an order is open."""
    before = trade("long", has_open_orders=True)
    command = Command(action="force_exit", params={"trade_id": "5"}, outcome={"at_sending": of_trade(before)})
    assert found_of_exit(command, before).verdict == "unclear"
    assert found_of_exit(command, trade("long", has_open_orders=False)).verdict == "unchanged"
    assert found_of_exit(command, trade("long", order("entry", "buy", is_open=True))).verdict == "unchanged"


def test_a_partial_exit_realizes_the_difference() -> None:
    now = trade("long", order("entry", "buy"), order("exit", "sell"), realized_profit=Decimal("12.5"))
    command = Command(sent_at=timezone.now())
    known = {"orders": ["entry"], "realized_profit": "2.5"}
    fill = effects.fill_of_exit(command, {"side": "long", "current_rate": "100"}, known, now)
    assert fill is not None
    assert (fill["profit_abs"], fill["amount"], fill["close_rate"]) == ("10.0", "2", "100")
    assert fill["seconds"] is None  # the bot's clock says it was before: it says nothing


@pytest.mark.parametrize("side", ["long", "short"])
def test_an_addition_is_seen_by_its_own_orders(side: str) -> None:
    known = {"orders": ["entry"], "amount": "2"}
    first = order("entry", ENTRY[side])
    assert effects.effect_of_addition(known, trade(side, first)) == ""  # the older entry filled on, perhaps
    assert effects.effect_of_addition(known, trade(side, first, order("exit", EXIT[side]))) == ""
    for more, effect in (({"is_open": True}, "pending"), ({}, "filled"), ({"filled": Decimal(0)}, "cancelled")):
        assert effects.effect_of_addition(known, trade(side, first, order("more", ENTRY[side], **more))) == effect


def test_where_no_orders_are_listed_an_addition_is_seen_by_the_amount() -> None:
    known = {"orders": [], "amount": "3", "has_open_orders": False}
    assert effects.effect_of_addition(known, trade()) == "filled"
    assert effects.fill_of_addition(known, trade())["amount"] == "1"
    assert effects.effect_of_addition({**known, "amount": "4"}, trade()) == ""
    assert effects.effect_of_addition({**known, "has_open_orders": True}, trade()) == ""
    assert effects.effect_of_addition(known, trade(is_open=False)) == ""


def test_what_was_added_is_told_without_what_was_held() -> None:
    known = {"orders": ["entry"], "amount": "2"}
    more = order("more", "buy", rate=Decimal(90), filled=Decimal(2), cost=Decimal(180))
    fill = effects.fill_of_addition(known, trade("long", order("entry", "buy"), more))
    assert fill == {"open_rate": "90", "amount": "2", "stake_amount": "180", "currency": "USDT"}
