"""What a hostile or broken bot puts into its JSON, and what is left of it."""

import time
from contextlib import suppress
from decimal import Context, Decimal, localcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.systems.contract import Missing
from bots.systems.decoding import REPAIRABLE, Figures, decode, loose, name, prose, usable
from bots.systems.errors import BadAnswer


class Sample(msgspec.Struct):
    trade_id: int = 0
    rate: Decimal | None = None
    pair: str | None = None
    closed_ms: int | None = None
    rest: object = None


SAMPLE = msgspec.json.Decoder(Sample)
LIST = msgspec.json.Decoder(list[Sample])


def rate_of(body: bytes):
    figures = Figures()
    return figures.take("rate", decode(body, SAMPLE, "status").rate), figures.missing


def test_a_figure_is_taken_from_its_literal():
    assert rate_of(b'{"rate": 0.1000000000000000055}') == (Decimal("0.100000000000000006"), ())
    assert rate_of(b'{"rate": 399.99889391399995}') == (Decimal("399.99889391399995"), ())


@pytest.mark.parametrize(
    ("literal", "reason"),
    [
        (b"NaN", "the bot sent NaN"),
        (b"Infinity", "the bot sent Infinity"),
        (b"-Infinity", "the bot sent Infinity"),
        (b'"NaN"', "the bot sent NaN"),
        (b'"sNaN"', "the bot sent NaN"),
        (b'"-Infinity"', "the bot sent Infinity"),
        (b"1e400", "the bot sent a figure too large to be one"),
        (b"-1e20", "the bot sent a figure too large to be one"),
        (b'"1e999999"', "the bot sent a figure too large to be one"),
    ],
)
def test_a_figure_that_is_none_is_missing_with_its_reason(literal, reason):
    assert rate_of(b'{"rate": %s}' % literal) == (None, (Missing("rate", reason),))


def test_one_nan_leaves_the_rest_of_the_answer_standing():
    body = b'[{"trade_id": 7, "pair": "NaN/USDT: \\"Infinity\\"", "rate": NaN}, {"trade_id": 8, "rate": 1.5}]'
    first, second = decode(body, LIST, "status")
    assert (first.trade_id, first.pair, second.rate) == (7, 'NaN/USDT: "Infinity"', Decimal("1.5"))


def test_a_nan_where_no_figure_belongs_is_null():
    sample = decode(b'{"trade_id": 7, "closed_ms": NaN, "rate": 2}', SAMPLE, "status")
    assert (sample.closed_ms, sample.rate) == (None, Decimal(2))


@pytest.mark.parametrize("precision", [5, 28, 1000])
@pytest.mark.parametrize(
    ("spelled", "kept"),
    [
        ("99999999999999999999", "99999999999999999999"),
        ("-12345678901.5", "-12345678901.5"),
        ("1E+5", "1E+5"),
        ("0.100", "0.100"),
        ("-0.0", "0"),
        ("0E+999999", "0"),
        ("1e-18", "1E-18"),
        ("14e-19", "1E-18"),
        ("1e-1500000", "0"),
        ("1.0000000000000000004", "1"),
    ],
)
def test_a_figure_stays_as_spelled_or_is_rounded_to_18_decimals_whatever_the_threads_precision(
    spelled, kept, precision
):
    with localcontext(prec=precision):
        taken = usable(Decimal(spelled))
    assert taken is not None and taken.as_tuple() == Decimal(kept).as_tuple()


@pytest.mark.parametrize("precision", [5, 28, 1000])
def test_what_is_too_large_is_no_figure_whatever_the_threads_precision(precision):
    with localcontext(prec=precision):
        assert usable(Decimal("100000000000000000000")) is None
        assert usable(Decimal("-1e999999")) is None


def test_an_endless_row_of_digits_is_cut_to_what_a_table_holds():
    rate, missing = rate_of(b'{"rate": 1.%s}' % (b"3" * 100_000))
    assert (rate, missing) == (Decimal("1.333333333333333333"), ())
    assert len(str(rate_of(b'{"rate": 1.%s}' % (b"0" * 100_000))[0])) < 50


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b'{"trade_id": 1', "no JSON"),
        (b"\x1f\x8b\x08\x00", "no JSON"),
        (b"{'trade_id': 1}", "no JSON"),
        (b'{"rate": 1e99999999999999999999}', r"Invalid decimal string - at `\$\.rate`"),
        (b'{"trade_id": "s3cret"}', r"Expected `int`, got `str` - at `\$\.trade_id`"),
        (b"[1]", "Expected `object`, got `array`"),
        (b'{"rest": %s%s}' % (b"[" * 20_000, b"]" * 20_000), "nested too deeply"),
        (b'{"rest": %sNaN%s}' % (b'{"a":' * 10_000, b"}" * 10_000), "nested too deeply"),
        (b'{"closed_ms": NaN, "rest": undefined}', "no JSON"),
        (b'{"rest": %s%s}' % (b"[" * 200_000, b"]" * 200_000), "more values than any bot has"),
        (b'{"rest": [%s{}]}' % (b"{}," * 30_000), "more values than any bot has"),
        (b'{"rest": [%s0]}' % (b"0," * 500_001), "more values than any bot has"),
    ],
)
def test_what_cannot_be_read_is_a_bad_answer_that_names_the_endpoint_and_quotes_nothing(body, words):
    with pytest.raises(BadAnswer, match=f"^status answered with.*{words}|^status answered in.*{words}") as caught:
        decode(body, SAMPLE, "status")
    assert "s3cret" not in str(caught.value)
    assert caught.value.endpoint == "status"


@pytest.mark.parametrize(
    ("body", "pair"),
    [
        (b'{"pair": "\\ud800"}', "\ufffd"),
        (b'{"pair": "\\udc00x\\ud83d"}', "\ufffdx\ufffd"),
        (b'{"pair": "\\ud83d\\ude00 \\\\ud800 \\ud800"}', "😀 \\ud800 \ufffd"),
        (b'{"pair": "a\xff"}', "a\ufffd"),
        (b'{"pair": "a\nb"}', "a\nb"),
        (b'\xef\xbb\xbf{"pair": "a"}', "a"),
    ],
)
def test_broken_text_is_mended(body, pair):
    assert decode(body, SAMPLE, "status").pair == pair


def test_a_page_of_500_trades_with_40_orders_each_is_not_too_much():
    trade = b'{"trade_id": 7, "rest": [%s]}' % b", ".join([b'{"order_id": "x", "cost": 1.5, "filled": 1.5}'] * 40)
    assert len(decode(b"[%s]" % b",".join([trade] * 500), LIST, "trades")) == 500


def test_a_refusal_of_many_words_is_not_looked_into():
    assert loose(b'{"error": "no"}') == {"error": "no"}
    assert loose(b"[%s[]]" % (b"[]," * 30_000)) is None


@pytest.mark.parametrize("filler", [b'"a":1,', b'"b":"\\ud800",', b'"c":"' + b"\n" * 20_000 + b'",', b'"d":NaN,'])
def test_repairing_the_most_that_is_repaired_takes_a_moment(filler):
    body = b'{"rate": NaN, %s "trade_id": 7}' % (filler * ((REPAIRABLE - 50) // len(filler)))
    began = time.process_time()
    assert decode(body, SAMPLE, "status").trade_id == 7
    assert time.process_time() - began < 1
    with pytest.raises(BadAnswer, match="no JSON"):
        decode(body + b" " * REPAIRABLE, SAMPLE, "status")


def test_names_are_one_harmless_line_of_bounded_length():
    assert name("a\x00b\nc\x1b[31md\ud800e\u202ef\u2028") == "a\ufffdb\ufffdc\ufffd[31md\ufffde\ufffdf\ufffd"
    assert name("ЁЖИК 🚀 café") == "ЁЖИК 🚀 café"
    assert name("x" * 600) == "x" * 499 + "…"
    assert name(None) == ""


def test_log_lines_keep_their_line_breaks():
    assert prose("Traceback:\n\tline 1\r\x00") == "Traceback:\n\tline 1\ufffd\ufffd"
    assert len(prose("x" * 100_000)) == 4000


@given(st.text(max_size=50))
def test_any_text_fits_a_database_and_a_terminal(text):
    for harmless in (name(text), prose(text)):
        harmless.encode()
        assert "\0" not in harmless
        assert "\x1b" not in harmless


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\NaInfity-0123456789eu "', max_size=200).map(str.encode))
def test_any_bytes_are_an_answer_or_a_bad_one(body):
    with suppress(BadAnswer):
        decode(body, LIST, "status")


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_taken_figure_fits_the_tables_exactly(value):
    figure = Figures().take("rate", value)
    if figure is not None:
        assert abs(figure) < Decimal("1e20")
        assert figure == figure.quantize(Decimal("1e-18"), context=Context(prec=60))
