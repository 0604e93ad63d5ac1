"""An answer is not decoded for what lasts in it when its bytes say the same: it must read as if it were."""

import random
import re
import time
from decimal import Decimal

import pytest

from bots.systems.contract import Missing
from bots.systems.errors import BadAnswer
from bots.systems.freqtrade import answers, trades
from bots.systems.freqtrade.mapping import NO_PRICE
from bots.systems.freqtrade.trades import KnownTrades
from bots.systems.freqtrade.unmoved import Unmoved
from tests.bots.systems.freqtrade.recorded import body

D = Decimal
RELEASES = ("2021.6", "2022.9.1", "2024.3", "2026.9")
OPEN = (
    b'[{"trade_id":7,"pair":"BTC/USDT","is_open":true,"open_timestamp":1,"amount":2.5,"profit_abs":1.5,"open_rate":9}]'
)
BITS = [
    *(bytes([sign]) for sign in b'05-+.eE",:{} \\'),
    b"null",
    b"NaN",
    b"[]",
    b"\\\n",
    b'"5:"',
    b'"amount":3,',
    b',"pair":"A/B"',
]


def read(answer: bytes, known: KnownTrades):
    try:
        return trades.open_trades_in(answer, "USDT", known)
    except BadAnswer as error:
        return str(error)


def read_after(before: bytes, answer: bytes):
    known = KnownTrades()
    read(before, known)
    return read(answer, known)


def dearer(answer: bytes) -> bytes:
    return re.sub(
        rb'("(?:profit_abs|profit_ratio|current_rate|stop_loss_abs|max_rate)":)[-.\d]+', rb"\g<1>-12.25", answer
    )


@pytest.mark.parametrize("release", RELEASES)
def test_genuine_trades_whose_prices_moved_are_known_by_their_bytes(release):
    known, now = KnownTrades(), dearer(body(release, "status"))
    first = read(body(release, "status"), known)
    assert known.moving_in(now, "USDT")
    then = read(now, known)
    assert [each.trade for each in then.trades] == [each.trade for each in first.trades]
    assert all(new.trade is old.trade for new, old in zip(then.trades, first.trades, strict=True))
    assert {(each.moving.current_rate, each.moving.profit_abs) for each in then.trades} == {(D("-12.25"), D("-12.25"))}
    assert then == read(now, KnownTrades())


@pytest.mark.parametrize(
    ("told", "instead", "amount", "profit"),
    [
        (b"2.5,", b"2.55,", "2.55", "1.5"),
        (b'2.5,"', b'2.5,"1', "2.5", None),
        (b":1.5,", b':1.5,"amount":4,', "4", "1.5"),
        (b":1.5,", b':-0.00000001,"profit_abs":2,', "2.5", "2"),
        (b'"profit_abs":1.5', b'"profit_abs":"1.5"', "2.5", "1.5"),
        (b'"profit_abs":1.5', b'"profit_abs":1.5e3', "2.5", "1500"),
        (b'"profit_abs":1.5', b'"profit_abs":NaN', "2.5", None),
        (b'"profit_abs":1.5,', b"", "2.5", None),
        (b'"profit_abs":1.5,"open_rate":9}', b'"profit_abs":1.5,"open_rate":9,"amount":6}', "6", "1.5"),
    ],
)
def test_whatever_else_changes_is_read(told, instead, amount, profit):
    each = read_after(OPEN, OPEN.replace(told, instead)).trades[0]
    assert each.trade.amount == D(amount)
    assert each.moving.profit_abs == (None if profit is None else D(profit))


@pytest.mark.parametrize("instead", [b":1.-5,", b":15.+,", b':"1:5",'])
def test_a_figure_that_is_none_is_a_bad_answer_though_all_else_is_the_same(instead):
    assert "status answered" in read_after(OPEN, OPEN.replace(b":1.5,", instead))


BARE = b'{"trade_id":%d,"pair":"A/B","is_open":true,"open_timestamp":1%s}'
WITHIN = b',"custom":{"a":1,"profit_abs":5.5},"orders":[{"order_id":"{1}","b":1,"stop_price":6.5}]'


@pytest.mark.parametrize(
    "listed",
    [
        [b"", b""],
        [b"", b',"profit_abs":7.5', b"", b"", b',"current_rate":8.5'],
        [b',"profit_abs":7.5', b""],
        [WITHIN, b',"profit_abs":7.5' + WITHIN + b',"current_rate":8.5', WITHIN],
        [b',"profit_abs":7.5,"note":"}{\\"[","current_rate":8.5'],
    ],
)
def test_what_moves_is_that_of_its_trade_whatever_moves_within_or_beside_it(listed):
    before = b"[" + b",".join(BARE % (number, more) for number, more in enumerate(listed)) + b"]"
    now = before.replace(b".5", b".25")
    known = KnownTrades()
    read(before, known)
    assert (known.moving_in(now, "USDT") is None) == (WITHIN in before)
    assert read(now, known) == read(now, KnownTrades())


def test_what_moves_stands_beside_what_lasts_within_a_trade():
    before = b"[" + BARE % (1, b',"profit_abs":7.5' + WITHIN + b',"current_rate":8.5') + b"]"
    now = before.replace(b"7.5", b"-1").replace(b"8.5", b"2.125")
    assert Unmoved(before).moving_in(now) == b'[{"profit_abs":-1,"current_rate":2.125}]'
    assert read_after(before, now) == read(now, KnownTrades())


@pytest.mark.parametrize(("told", "instead"), [(b"1.5", b"8.1e-06"), (b"8.1e-06", b"1.5"), (b"1E-05", b"2e-08")])
def test_a_figure_may_have_an_exponent_before_or_now(told, instead):
    known, before = KnownTrades(), OPEN.replace(b":1.5", b":" + told)
    now = before.replace(told, instead)
    read(before, known)
    assert known.moving_in(now, "USDT") == b'[{"profit_abs":%b}]' % instead
    assert read(now, known).trades[0].moving.profit_abs == D(instead.decode())


@pytest.mark.parametrize("end", [b'"', b""])
def test_a_text_of_broken_escapes_is_gone_through_once(end):
    """Accepted where it can be repaired. Gone through from each of its quotes it would take hours."""
    text = b'\\"' * 60_000 + b"\\\n" + end
    began = time.thread_time()
    Unmoved(b'[{"a":1,"x":"' + text + b',"profit_abs":1.5}]')
    assert time.thread_time() - began < 5


def test_a_figure_written_as_no_bot_does_is_read_from_the_whole_answer():
    before = OPEN.replace(b'"profit_abs":1.5', b'"profit_abs":"1.5","stop_loss":41')
    now = before.replace(b"41", b"43")
    assert read_after(before, now) == read(now, KnownTrades())
    assert read_after(before, now).trades[0].moving.profit_abs == D("1.5")


def test_a_figure_lacks_for_the_same_reason_at_every_poll():
    """Where no figure belongs a NaN is null, and then in all of the answer."""
    lost = OPEN.replace(b":1.5,", b':NaN,"close_timestamp":NaN,"current_rate":2,')
    first, then = read(lost, KnownTrades()), read_after(lost, lost.replace(b":2,", b":3,"))
    assert Missing("profit_abs", NO_PRICE) in first.trades[0].moving.missing
    assert then.trades[0].moving.missing == first.trades[0].moving.missing
    assert then.trades[0].moving.current_rate == D(3)


def mutant(answer: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2))):
        at, dropped = chance.randrange(len(answer)), chance.choice((0, 0, 1, 2, 30))
        answer = answer[:at] + chance.choice(BITS) + answer[at + dropped :]
    return answer


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_answer_reads_as_if_no_other_had_been_read_before(seed):
    chance = random.Random(seed)
    for before in (OPEN, body(RELEASES[seed % 4], "status")):
        known = KnownTrades()
        read(before, known)
        assert known.moving_in(before, "USDT"), "or nothing is tried here"
        for _ in range(60):
            now = mutant(before, chance)
            assert read_after(before, now) == read(now, KnownTrades())


def test_nothing_that_lasts_is_named_like_what_moves_even_without_its_digits_and_e():
    without_e = r"(?:profit|currnt_|total_profit|m(?:in|ax)_rat|(?:initial_)?stop)"
    lasting = {*answers.TradeAnswer.__struct_fields__} - {*answers.MovingAnswer.__struct_fields__}
    for name in lasting | {*answers.OrderAnswer.__struct_fields__}:
        assert re.fullmatch("[a-z_]+", name)
        assert not re.match(without_e, name.replace("e", ""))
        assert not Unmoved(b'[{"a":1,"%b":1}]' % name.encode())._stretches
