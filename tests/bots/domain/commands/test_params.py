"""Params: every field typed, one spelling for one wish, every wrong field named."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.domain.commands import WrongParams
from bots.domain.commands.params import instruction, parsed
from bots.systems.instructions import NEEDS

TOMORROW = (timezone.now() + timedelta(days=1)).isoformat()
LEAST = {
    "force_exit": {"trade_id": "5"},
    "force_enter": {"pair": "BTC/USDT"},
    "cancel_order": {"trade_id": "5"},
    "delete_trade": {"trade_id": "5"},
    "reload_trade": {"trade_id": "5"},
    "lock_pair": {"pair": "BTC/USDT", "until": TOMORROW},
    "unlock": {"lock_id": "3"},
    "blacklist_add": {"pairs": ["BTC/USDT"]},
    "blacklist_remove": {"pairs": ["BTC/USDT"]},
}


def wrong(action: str, params: object) -> dict[str, str]:
    with pytest.raises(WrongParams) as caught:
        parsed(action, params)
    assert (caught.value.code, caught.value.status) == ("wrong_params", 400)
    return caught.value.fields


@pytest.mark.parametrize("action", sorted(NEEDS))
def test_every_action_takes_its_least_and_nothing_unknown(action: str) -> None:
    least = LEAST.get(action, {})
    assert set(parsed(action, least)) == set(least)
    assert wrong(action, {**least, "tradeid": "all"}) == {"tradeid": "Unknown here"}
    for name in least:
        assert name in wrong(action, {key: value for key, value in least.items() if key != name})


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0.10", "0.1"), ("1e-8", "0.00000001"), ("1E3", "1000"), (0.1, "0.1"), (3, "3"), (" 2.5 ", "2.5"),
        (Decimal("0.000000000000000001"), "0.000000000000000001"), ("99999999999999999999", "99999999999999999999"),
    ],
)  # fmt: skip
def test_an_amount_has_one_spelling(typed: object, stored: str) -> None:
    assert parsed("force_exit", {"trade_id": "5", "amount": typed})["amount"] == stored


@pytest.mark.parametrize(
    "typed",
    [
        "0", "-1", "-0", "NaN", "Infinity", "-inf", "sNaN", "1e20", "1e400", "1e-19", "0.0000000000000000001", "1,5",
        "all", True, False, [], {}, "0x10", "1" * 61, float("nan"), float("inf"), "٣ ",
    ],
)  # fmt: skip
def test_what_is_no_positive_finite_amount_is_refused(typed: object) -> None:
    for name in ("amount", "price"):
        if typed == "٣ ":  # Arabic digits are digits to Python, and three is three
            assert parsed("force_exit", {"trade_id": "5", name: typed})[name] == "3"
        else:
            assert name in wrong("force_exit", {"trade_id": "5", name: typed})


@pytest.mark.parametrize("typed", [5.0, True, ["5"], {"id": 5}, "5 6", "a\x00b", "x" * 41, "\ud800"])
def test_what_is_no_trade_id_is_refused(typed: object) -> None:
    assert "trade_id" in wrong("force_exit", {"trade_id": typed})


def test_a_trade_id_is_a_text_however_it_was_typed() -> None:
    assert parsed("force_exit", {"trade_id": 5}) == parsed("force_exit", {"trade_id": "5"}) == {"trade_id": "5"}


def test_what_is_empty_was_not_said() -> None:
    assert parsed("force_exit", {"trade_id": "5", "amount": "", "price": None}) == {"trade_id": "5"}


def test_orders_are_limit_or_market_and_a_price_is_for_a_limit() -> None:
    assert wrong("force_exit", {"trade_id": "5", "order_type": "stop"}) == {"order_type": "Must be limit or market"}
    assert wrong("force_exit", {"trade_id": "5", "order_type": "market", "price": "1"}).keys() == {"price"}
    assert parsed("force_exit", {"trade_id": "5", "order_type": "limit", "price": "1"})["price"] == "1"


def test_a_lock_ends_at_a_moment_to_come_with_its_zone() -> None:
    base = {"pair": "*", "side": "*", "note": "news at 14:00"}
    known = parsed("lock_pair", {**base, "until": "2199-11-21T15:00:00+01:00"})
    assert known["until"] == "2199-11-21T14:00:00+00:00"
    assert instruction("lock_pair", known).until_ms == 7_254_626_400_000
    for until in (
        "2199-11-21T15:00:00",
        "tomorrow",
        12,
        "9999-12-31T23:59:59-12:00",
        "2199-13-01T00:00Z",
    ):
        assert "until" in wrong("lock_pair", {**base, "until": until})


def test_a_lock_is_named_by_id_or_pair_not_both() -> None:
    assert wrong("unlock", {"pair": "BTC/USDT", "lock_id": "3"}) == {"lock_id": "Either lock_id or pair, not both"}
    assert wrong("unlock", {}) == {"lock_id": "One of lock_id and pair is required"}


@pytest.mark.parametrize("pairs", [[], ["A/B"] * 51, "BTC/USDT", [1], ["BTC /USDT"], [""], ["x" * 61], {"a": 1}])
def test_a_list_of_pairs_is_a_list_of_pairs(pairs: object) -> None:
    assert "pairs" in wrong("blacklist_add", {"pairs": pairs})


def test_a_pair_named_twice_is_one_pair() -> None:
    assert parsed("blacklist_add", {"pairs": ["A/B", "C/D", "A/B"]})["pairs"] == ["A/B", "C/D"]


def test_what_was_expected_is_typed_too() -> None:
    full = {"pair": "BTC/USDT", "side": "long", "amount": "0.50", "open_date": "2026-11-21T14:00:00.123Z"}
    known = parsed("force_exit", {"trade_id": "5", "expected": full})["expected"]
    assert known == {**full, "amount": "0.5", "open_date": "2026-11-21T14:00:00.123000+00:00"}
    assert parsed("cancel_order", {"trade_id": "5", "expected": {"amount": "0"}})["expected"] == {"amount": "0"}
    for strange in ({"rate": 1}, {"side": "up"}, {"amount": "x"}, {"open_date": "noon"}, [], "x"):
        assert "expected" in wrong("force_exit", {"trade_id": "5", "expected": strange})


def test_nothing_but_its_mode_is_expected_of_a_bot() -> None:
    assert wrong("force_exit_all", {"expected": {"pair": "BTC/USDT"}}) == {
        "expected": "Only mode: it is about no single trade"
    }


@pytest.mark.parametrize("params", [None, [], "x", 5, [("trade_id", "5")]])
def test_params_are_an_object(params: object) -> None:
    assert "params" in wrong("force_exit", params)


def test_every_wrong_field_is_named_at_once() -> None:
    assert set(wrong("force_exit", {"trade_id": [], "amount": "x", "colour": "red"})) == {
        "trade_id",
        "amount",
        "colour",
    }


def test_an_instruction_holds_what_was_stored() -> None:
    params = parsed("force_exit", {"trade_id": 5, "amount": "0.10", "price": "1.5", "order_type": "limit"})
    told = instruction("force_exit", params, open_ms=1_795_243_471_427)
    assert (told.trade_id, told.amount, told.price, told.order_type) == ("5", Decimal("0.1"), Decimal("1.5"), "limit")
    assert told.open_ms == 1_795_243_471_427
    assert instruction("blacklist_add", {"pairs": ["A/B"]}).pairs == ("A/B",)
