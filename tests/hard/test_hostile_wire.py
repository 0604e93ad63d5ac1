"""Every way to misbehave on the wire, from the socket to the bot's row: named, bounded in time, and stored nowhere."""

import re
import time
from datetime import timedelta
from html import escape

import pytest
from django.urls import reverse
from django.utils import timezone

from bots.domain.polling.by_hand import poll_now
from bots.models import BotReading, PollTurn, Snapshot, Trade
from tests.hard.faults import ON_THE_WIRE
from tests.hard.recorded_bots import RecordedBot, listening
from tests.hard.rows import connected

pytestmark = pytest.mark.hard

DEADLINE = 1.0
SPARE = 10.0  # seconds beyond the deadline: the machine may be busy; without a deadline it would be for ever
POLL_LIMIT = 3 * DEADLINE


@pytest.fixture(autouse=True)
def short_deadlines(settings):
    settings.PORTAL_POLL_DEADLINE_SECONDS = DEADLINE


@pytest.fixture(scope="module")
def recorded():
    """One server for the module: what a test breaks, the next one finds whole."""
    bot = RecordedBot()
    with listening(bot.talk) as server:
        bot.url = server.url
        yield bot


@pytest.fixture
def whole(recorded):
    recorded.instead.clear()
    yield recorded
    recorded.instead.clear()


def timed_poll(bot):
    began = time.monotonic()
    result = poll_now(bot)
    bot.refresh_from_db()
    return result, time.monotonic() - began


def stored_of(bot):
    """All that a poll may write of a bot's figures."""
    trades = list(Trade.objects.filter(bot=bot).order_by("pk").values())
    readings = list(BotReading.objects.filter(bot=bot).order_by("kind").values("kind", "data", "read_at"))
    status = bot.status
    figures = (status.seen_at, status.open_count, status.unrealized, status.balance, status.closed_profit)
    return trades, readings, figures, status.moving, Snapshot.objects.filter(bot=bot).count()


@pytest.mark.parametrize("fault", ON_THE_WIRE)
def test_a_bot_that_does_it_from_the_start(whole, alpha, alice, client, fault):
    bot = connected(alpha, whole.url)
    assert poll_now(bot).error is None
    bot.refresh_from_db()
    before, turn_before = stored_of(bot), timezone.now()
    broken, code, words = ON_THE_WIRE[fault]
    whole.instead["*"] = broken
    result, seconds = timed_poll(bot)
    assert seconds <= DEADLINE + SPARE
    assert re.fullmatch(code, result.error.code)
    assert (bot.status.error_code, bot.status.last_error) == (result.error.code, str(result.error))
    assert re.search(words, bot.status.last_error, re.IGNORECASE)
    assert stored_of(bot) == before
    assert PollTurn.objects.get(bot=bot).next_poll_at > turn_before
    client.force_login(alice)
    shown = client.get(reverse("bot", args=[bot.slug])).content.decode()
    assert escape(bot.status.last_error) in shown


@pytest.mark.parametrize("endpoint", ["status", "trades", "balance"])
@pytest.mark.parametrize("fault", ON_THE_WIRE)
def test_a_bot_that_does_it_in_one_answer(whole, alpha, fault, endpoint):
    """The bot speaks, so it is no offline bot; its row names what failed, and the failed reading stays as it was."""
    bot = connected(alpha, whole.url)
    assert poll_now(bot).error is None
    bot.refresh_from_db()
    trades, readings, *_ = stored_of(bot)
    broken, code, words = ON_THE_WIRE[fault]
    whole.instead[endpoint] = broken
    result, seconds = timed_poll(bot)
    assert seconds <= (POLL_LIMIT if endpoint == "trades" else DEADLINE) + SPARE
    assert (result.error, bot.status.state) == (None, "running")
    failed = {str(kind): error for kind, error in result.failed.items()}
    if failed:  # a page of trades may take longer than a poll: then it is only late
        assert re.fullmatch(code, bot.status.error_code)
        assert re.search(words, bot.status.last_error, re.IGNORECASE)
    else:
        assert endpoint == "trades"
        assert "timed_out" in code
    trades_after, readings_after, *_ = stored_of(bot)
    assert trades_after == trades
    unchanged = {reading["kind"]: reading["data"] for reading in readings}
    assert {reading["kind"]: reading["data"] for reading in readings_after} == unchanged


def test_a_bot_that_refuses_the_password_for_ever_hears_it_three_times(whole, alpha):
    bot = connected(alpha, whole.url)
    whole.instead["*"] = ON_THE_WIRE["401"][0]
    whole.requests.clear()
    for _ in range(3):
        poll_now(bot)
    assert (PollTurn.objects.get(bot=bot).held, whole.requests) == ("wrong_password", ["show_config"] * 3)


@pytest.mark.parametrize(("fault", "least", "most"), [("429", 5, 60), ("429 with Retry-After", 400, 401)])
def test_a_busy_bot_is_left_alone_as_long_as_it_asks(whole, alpha, fault, least, most):
    bot = connected(alpha, whole.url)
    whole.instead["*"] = ON_THE_WIRE[fault][0]
    now = timezone.now()
    poll_now(bot, now=now)
    wait = PollTurn.objects.get(bot=bot).next_poll_at - now
    assert timedelta(seconds=least) <= wait <= timedelta(seconds=most)


def test_nobody_is_left_alone_for_longer_than_an_hour(whole, alpha):
    bot = connected(alpha, whole.url)
    whole.instead["*"] = ON_THE_WIRE["503 for ever"][0]
    now = timezone.now()
    poll_now(bot, now=now)
    assert PollTurn.objects.get(bot=bot).next_poll_at - now <= timedelta(hours=1)
