"""Well-known tricks in a bot's JSON, one by one, from the socket to the bot's row."""

import json
import re

import pytest

from bots.domain.polling.by_hand import poll_now
from bots.models import Trade
from tests.bots.systems.raw_bots import http
from tests.hard.recorded_bots import RecordedBot, listening
from tests.hard.rows import connected


@pytest.fixture(scope="module")
def recorded():
    bot = RecordedBot()
    with listening(bot.talk) as server:
        bot.url = server.url
        yield bot


@pytest.fixture
def whole(recorded):
    recorded.instead.clear()
    return recorded


def settings(**changes: object) -> bytes:
    """show_config with some fields changed; one of `...` is taken out."""
    answer = {**json.loads(RecordedBot().recorded("show_config")), **changes}
    return json.dumps({name: value for name, value in answer.items() if value is not ...}).encode()


DEEP = b"[" * 20_000 + b"]" * 20_000
EVERYWHERE = {
    "nothing": (b"", "bad_answer", "no JSON"),
    "null": (b"null", "bad_answer", "Expected `object`, got `null`"),
    "a list": (b"[]", "bad_answer", "Expected `object`, got `array`"),
    "cut in the middle": (settings()[:-20], "bad_answer", "no JSON"),
    "two answers": (settings() * 2, "bad_answer", "no JSON"),
    "UTF-16": (settings().decode().encode("utf-16"), "bad_answer", "no JSON"),
    "NUL bytes": (b"\0" * 1000, "bad_answer", "no JSON"),
    "nested 20 000 deep": (settings().replace(b"{", b'{"x": %s,' % DEEP, 1), "bad_answer", "nested too deeply|no JSON"),
    "a bare NaN as state": (settings(state=...)[:-1] + b', "state": NaN}', "bad_answer", "state"),
    "wrong type": (settings(dry_run="yes"), "bad_answer", "neither True nor False of dry_run"),
    "missing field": (settings(stake_currency=...), "bad_answer", "missing required field `stake_currency`"),
    "a state nobody knows": (settings(state="<script>\0"), "bad_answer", "which no known release has"),
    "other JSON": (b'{"hello": "world"}', "bad_answer", "missing required field"),
    "webserver mode": (settings(runmode="webserver"), "webserver_mode", "does not trade"),
    "backtest mode": (settings(runmode="backtest"), "webserver_mode", "does not trade"),
}


@pytest.mark.parametrize("trick", EVERYWHERE)
def test_a_bot_whose_state_cannot_be_read_says_so_on_its_row(whole, alpha, trick):
    body, code, words = EVERYWHERE[trick]
    bot = connected(alpha, whole.url)
    whole.instead["show_config"] = http(body)
    assert poll_now(bot).error.code == code
    bot.refresh_from_db()
    assert (bot.status.error_code, bot.status.state) == (code, "unsupported")
    assert re.search(words, bot.status.last_error)
    assert bot.status.last_error.isprintable()
    assert not Trade.objects.filter(bot=bot).exists()


HARMLESS = {
    "BOM": b"\xef\xbb\xbf" + settings(),
    "unknown fields": settings(nested={"a": [1, {"b": None}]}, more="x" * 5000),
    "a field twice": settings()[:-1] + b', "state": "running", "state": "running"}',
    "1e400 slots": settings(max_open_trades=...)[:-1] + b', "max_open_trades": 1e400}',
    "NaN slots": settings(max_open_trades=...)[:-1] + b', "max_open_trades": NaN}',
    "lone surrogates": settings(bot_name=...)[:-1] + b', "bot_name": "\\ud800 \\udc00 \\u0000 \\u202e"}',
    "half a sign": settings(bot_name=...)[:-1] + b', "bot_name": "\xc3("}',
    "a name of half a MB": settings(bot_name="x" * 500_000),
    "a line break in a name": settings(bot_name="a\nb\x1b[2J"),
    "four thousand spaces": settings() + b" " * 4000,
}


@pytest.mark.parametrize("trick", HARMLESS)
def test_what_harms_nothing_costs_no_more_than_itself(whole, alpha, trick):
    bot = connected(alpha, whole.url)
    whole.instead["show_config"] = http(HARMLESS[trick])
    result = poll_now(bot)
    bot.refresh_from_db()
    assert (result.error, bot.status.state, bot.status.open_count) == (None, "running", 5)
    assert len(bot.status.bot_name) <= 200
    assert bot.status.bot_name.isprintable()


@pytest.mark.parametrize(
    ("literal", "reason"),
    [
        ("NaN", "the bot sent NaN"),
        ("-Infinity", "the bot sent Infinity"),
        ("1e400", "the bot sent a figure too large to be one"),
        ('"NaN"', "the bot sent NaN"),
        ("null", "it cannot get a price"),
    ],
)
def test_a_figure_that_is_none_is_missing_on_the_row_and_nowhere_zero(whole, alpha, literal, reason):
    body = re.sub(
        rb'"profit_abs":\s*-?[\d.e-]+', b'"profit_abs": ' + literal.encode(), whole.recorded("status"), count=1
    )
    bot = connected(alpha, whole.url)
    whole.instead["status"] = http(body)
    assert poll_now(bot).error is None
    bot.refresh_from_db()
    assert bot.status.unrealized is None
    assert [gap["reason"] for gap in bot.status.missing if gap["figure"].endswith("profit_abs")] != []
    assert reason in str(bot.status.missing)
    assert (bot.status.error_code, bot.status.open_count) == ("", 5)
