"""What genuine bots said on their websockets, understood."""

import json
from decimal import Decimal

import pytest

from bots.systems.contract import Kind
from bots.systems.errors import BadAnswer
from bots.systems.freqtrade.releases import parse
from bots.systems.freqtrade.stream import millis, topics, understood
from tests.bots.simulator.shapes import recorded_lines

RELEASES = ["2022.9.1", "2024.3", "2026.9"]


def messages(release, kind=""):
    lines = [line["msg"] for line in recorded_lines(release, "ws")]
    return [line for line in lines if line["type"] == kind or not kind]


def heard(message, **changes):
    return understood(json.dumps({**message, **changes}).encode())


@pytest.mark.parametrize("release", RELEASES)
def test_everything_recorded_is_understood_or_left_aside(release):
    kinds = {line["type"]: heard(line) for line in messages(release)}
    quiet = {kind for kind, told in kinds.items() if told is None}
    assert quiet <= {"whitelist", "new_candle", "analyzed_df"}
    assert {told.kind for told in kinds.values() if told} >= {
        "entry_placed",
        "entry_filled",
        "exit_placed",
        "exit_filled",
    }


@pytest.mark.parametrize("release", RELEASES)
def test_a_filled_exit_has_its_profit_and_makes_its_figures_old(release):
    said = messages(release, "exit_fill")[0]
    told = heard(said)
    assert (told.kind, told.trade_id, told.pair, told.side) == (
        "exit_filled", str(said["trade_id"]), said["pair"], "long",
    )  # fmt: skip
    assert told.profit_abs == Decimal(str(said["profit_amount"]))
    assert told.rate == Decimal(str(said["close_rate"]))
    assert (told.currency, told.tag) == ("USDT", said["exit_reason"])
    assert told.open_ms == millis(said["open_date"])
    assert told.at_ms == millis(said["close_date"])
    assert {Kind.OPEN_TRADES, Kind.CLOSED_TRADES, Kind.PROFIT} <= set(told.changed)


@pytest.mark.parametrize("release", RELEASES)
def test_the_garbage_of_a_cancelled_exit_is_dropped(release):
    cancelled = messages(release, "exit_cancel")
    assert cancelled
    for said in cancelled:
        told = heard(said)
        assert (told.kind, told.profit_abs, told.profit_ratio) == ("exit_cancelled", None, None)
        assert told.words == said["reason"]


def test_all_messages_of_a_trade_name_it_alike_with_and_without_a_zone():
    assert millis("2026-11-21T06:44:31.415556") == millis("2026-11-21T06:44:31.415556+00:00") == 1795243471415


def test_a_protection_is_a_lock_with_its_times():
    said = messages("2026.9", "protection_trigger")[0]
    told = heard(said)
    assert (told.kind, told.lock.lock_id, told.lock.pair) == ("protection", str(said["id"]), said["pair"])
    assert (told.lock.from_ms, told.lock.until_ms) == (said["lock_timestamp"], said["lock_end_timestamp"])
    assert told.lock.reason == said["reason"]


@pytest.mark.parametrize(
    ("words", "kind"),
    [("running", "started"), ("stopped", "stopped"), ("paused", "paused"), ("reload_config", "reloaded"), ("x", "")],
)
def test_states(words, kind):
    told = heard({"type": "status", "status": words})
    assert told.kind == kind
    assert Kind.STATE in told.changed


def test_words_of_the_bot_and_its_strategy():
    assert heard({"type": "warning", "status": "Dry run is enabled. All trades are simulated."}) is None
    assert heard({"type": "warning", "status": "No markets."}).words == "No markets."
    assert heard({"type": "exception", "data": "Invalid request type: x"}).words == "Invalid request type: x"
    assert heard({"type": "strategy_msg", "msg": {"a": 1}}).words == '{"a": 1}'
    assert heard({"type": "strategy_msg", "msg": "y" * 9000}).words.endswith("…")


@pytest.mark.parametrize(
    "message",
    [
        b"", b"no json", b"[]", b'"x"', b'{"type": 7}', b'{"type": "entry"}', b'{"type": "entry", "trade_id": "1"}',
        b'{"type": "entry", "trade_id": 1, "pair": "A/B", "open_date": "soon"}', b"\xff\xfe", b"[" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_message_is_a_bad_answer(message):
    with pytest.raises(BadAnswer):
        understood(message)


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "1e400", "null"])
def test_a_figure_that_is_none_is_left_out_and_the_fill_is_still_told(figure):
    told = understood(
        b'{"type": "exit_fill", "trade_id": 1, "pair": "A/B", "profit_amount": %s, "amount": 1}' % figure.encode()
    )
    assert (told.kind, told.profit_abs, told.amount) == ("exit_filled", None, Decimal(1))


@pytest.mark.parametrize(
    ("release", "newest"), [("2022.9", "strategy_msg"), ("2023.3", "exception"), ("2026.9", "liquidation_warning")]
)
def test_no_release_is_asked_for_a_topic_it_does_not_know(release, newest):
    from bots.simulator.messages import TOPICS
    from bots.simulator.releases import release as simulated

    asked = topics(parse(release))
    assert asked[-1] == newest
    assert all(simulated(release).since(TOPICS[topic]) for topic in asked)
