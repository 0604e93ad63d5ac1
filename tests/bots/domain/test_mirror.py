"""After whatever happened at a bot, the mirror holds exactly the bot's trades."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team
from bots.domain import rollups
from bots.models import Bot, BotDay, BotRun, PollTurn, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.builders import moved_to
from tests.fleets import at_the_bot, current_run, known, mirrored, polled, settled


@pytest.fixture(scope="module", params=["2020.6", "2021.1", "2021.3", "2021.6", "2022.9.1", "2026.9"])
def release(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(autouse=True)
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases without pages are asked for more and more of their newest trades: here in small steps."""
    monkeypatch.setattr("bots.systems.freqtrade.listing.NEWEST", (2, 8, 0))


@pytest.fixture
def sim(release: str) -> Iterator[SimBot]:
    with running_fleet(
        [BotSpec(name="majors", release=release, history=30, open_trades=3, max_open_trades=20)]
    ) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def bot(sim: SimBot, alpha: Team) -> Bot:
    bot = known(sim, alpha)
    polled(bot)
    return bot


@pytest.fixture(autouse=True)
def rollups_are_the_sums_afterwards(alpha: Team) -> Iterator[None]:
    yield
    assert rollups.differences(alpha) == []


def test_the_first_poll_brings_every_trade(sim: SimBot, bot: Bot) -> None:
    assert len(mirrored(bot)) == 33
    assert mirrored(bot) == at_the_bot(sim)


def test_a_trade_that_closes_under_an_old_id_is_closed_in_the_mirror(sim: SimBot, bot: Bot) -> None:
    oldest = min(trade.trade_id for trade in sim.book.open)
    sim.close_trade(oldest)
    polled(bot)
    assert mirrored(bot) == at_the_bot(sim)


def test_a_trade_that_opened_and_closed_between_two_polls_is_there(sim: SimBot, bot: Bot) -> None:
    quick = sim.open_trade()
    sim.close_trade(quick.trade_id)
    polled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    assert current_run(bot).closed_count == 31


def test_a_cancelled_entry_is_gone_though_its_id_lives_on_in_another_trade(sim: SimBot, bot: Bot) -> None:
    unfilled = sim.open_trade(filled=False)
    polled(bot)
    sim.cancel_unfilled(unfilled.trade_id)
    time.sleep(0.01)  # the bot's clock counts milliseconds
    second = sim.open_trade()
    assert second.trade_id == unfilled.trade_id
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    first = Trade.objects.get(bot=bot, trade_id=str(unfilled.trade_id), open_ms=unfilled.open_ms)
    assert first.gone_at is not None
    assert BotRun.objects.filter(bot=bot).count() == 1


def test_a_deleted_closed_trade_leaves_the_totals_but_not_the_mirror(sim: SimBot, bot: Bot) -> None:
    sim.delete_trade(7)
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    gone = Trade.objects.get(bot=bot, trade_id="7")
    assert gone.gone_at is not None
    assert current_run(bot).closed_count == 29


def test_the_last_trade_deleted_and_its_id_used_again_is_another_trade(sim: SimBot, bot: Bot) -> None:
    for trade in list(sim.book.open):
        sim.close_trade(trade.trade_id)
    polled(bot)
    last = max(sim.book.trades)
    sim.delete_trade(last)
    time.sleep(0.01)
    again = sim.open_trade()
    assert again.trade_id == last
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    assert BotRun.objects.filter(bot=bot).count() == 1


def test_a_wiped_database_begins_a_new_run_and_the_old_trades_stay(sim: SimBot, bot: Bot) -> None:
    sim.wipe_database()
    for _ in range(3):
        sim.close_trade(sim.open_trade().trade_id)
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    first, second = BotRun.objects.filter(bot=bot)
    assert (first.number, first.closed_count, first.ended_at is None) == (1, 30, False)
    assert (second.number, second.closed_count, second.ended_at) == (2, 3, None)
    assert Trade.objects.filter(run=first).count() == 33


def test_a_database_wiped_and_grown_larger_than_before_is_no_continuation(sim: SimBot, bot: Bot) -> None:
    sim.wipe_database()
    for _ in range(40):
        sim.close_trade(sim.open_trade().trade_id)
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    assert [run.closed_count for run in BotRun.objects.filter(bot=bot)] == [30, 40]


def test_an_emptied_database_shows_no_trade_and_no_profit(sim: SimBot, bot: Bot) -> None:
    sim.wipe_database()
    settled(bot)
    assert mirrored(bot) == []
    assert current_run(bot).number == 2


def test_a_bot_that_goes_live_begins_a_run_of_its_own(sim: SimBot, bot: Bot) -> None:
    sim.wipe_database()
    sim.go_live()
    sim.close_trade(sim.open_trade().trade_id)
    settled(bot)
    assert [(run.number, run.mode) for run in BotRun.objects.filter(bot=bot)] == [(1, "dry"), (2, "live")]
    assert mirrored(bot) == at_the_bot(sim)
    assert set(Trade.objects.filter(run=current_run(bot)).values_list("mode", flat=True)) == {"live"}


def test_a_bot_away_for_long_is_caught_up(sim: SimBot, bot: Bot) -> None:
    sim.shut_down()
    assert polled(bot).error is not None
    for trade in list(sim.book.open):
        sim.close_trade(trade.trade_id)
    for _ in range(5):
        sim.close_trade(sim.open_trade().trade_id)
    sim.open_trade()
    sim.come_back()
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)


def test_a_close_that_moves_to_another_day_counts_there_and_no_more_where_it_was(sim: SimBot, bot: Bot) -> None:
    trade = sim.book.trades[9]
    before = Trade.objects.get(bot=bot, trade_id="9").close_day
    trade.close_profit_abs, trade.close_ms = 123.0, trade.close_ms + 5 * 86_400_000
    sim.book.changed()
    settled(bot)
    after = Trade.objects.get(bot=bot, trade_id="9").close_day
    assert (after - before).days == 5
    assert BotDay.objects.get(bot=bot, day=after).profit >= 100


def test_a_trade_missed_by_the_mirror_is_found_by_the_bots_own_count(sim: SimBot, bot: Bot) -> None:
    Trade.objects.filter(bot=bot, trade_id="5").delete()
    run = current_run(bot)
    run.closed_count -= 1
    run.save()
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)


def test_a_figure_changed_at_the_bot_is_found_by_the_bots_own_sum(sim: SimBot, bot: Bot) -> None:
    sim.book.trades[9].close_profit_abs = 123.0
    sim.book.changed()
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)


def test_everything_is_read_again_at_most_once_in_ten_minutes(sim: SimBot, bot: Bot) -> None:
    """A bot whose sums never agree (here: its /profit lies) is not read from the beginning at every poll."""
    run = current_run(bot)
    settled(bot)
    run.refresh_from_db()
    PollTurn.objects.filter(bot=bot).update(full_reread_at=timezone.now() - timedelta(minutes=3), mismatches=5)
    BotRun.objects.filter(pk=run.pk).update(closed_count=29)
    sim.requests.clear()
    polled(bot)
    assert PollTurn.objects.get(bot=bot).reread_offset is None
    PollTurn.objects.filter(bot=bot).update(full_reread_at=timezone.now() - timedelta(minutes=11))
    BotRun.objects.filter(pk=run.pk).update(closed_count=29)
    polled(bot)
    assert PollTurn.objects.get(bot=bot).reread_offset == 0


def test_the_rest_between_two_full_readings_follows_the_pace(sim: SimBot, bot: Bot, settings: object) -> None:
    run = current_run(bot)
    settled(bot)
    settings.PORTAL_POLL_PACE = 0.25
    three_minutes_ago = timezone.now() - timedelta(minutes=3)
    PollTurn.objects.filter(bot=bot).update(full_reread_at=three_minutes_ago, mismatches=5)
    BotRun.objects.filter(pk=run.pk).update(closed_count=29)
    polled(bot)
    assert PollTurn.objects.get(bot=bot).reread_offset == 0


def test_days_follow_the_teams_zone(sim: SimBot, bot: Bot, alpha: Team) -> None:
    Trade.objects.filter(bot=bot, trade_id="1").update(close_date="2026-03-01T22:30:00Z")
    moved_to("Asia/Tokyo", alpha)
    assert str(Trade.objects.get(bot=bot, trade_id="1").close_day) == "2026-03-02"
    moved_to("America/New_York", alpha)
    assert str(Trade.objects.get(bot=bot, trade_id="1").close_day) == "2026-03-01"


def test_a_bot_that_comes_back_to_dry_run_finds_its_old_trades_again(sim: SimBot, bot: Bot) -> None:
    """Freqtrade keeps a database per mode: dry, live, dry again must not count the dry trades twice."""
    book, before = sim.book, mirrored(bot)
    sim.book = type(book)()
    sim.desk.book = sim.book
    sim.go_live()
    sim.close_trade(sim.open_trade().trade_id)
    settled(bot)
    assert [(run.number, run.mode) for run in BotRun.objects.filter(bot=bot)] == [(1, "dry"), (2, "live")]
    sim.book, sim.desk.book = book, book
    sim.go_live(False)
    book.changed()
    settled(bot)
    assert mirrored(bot) == before == at_the_bot(sim)
    assert [(run.number, run.ended_at is None) for run in BotRun.objects.filter(bot=bot)] == [(1, True), (2, False)]
    assert Trade.objects.filter(bot=bot, mode="dry").counted().count() == 33


def test_a_wiped_database_that_is_restored_is_the_old_one(sim: SimBot, bot: Bot) -> None:
    before, trades = mirrored(bot), dict(sim.book.trades)
    sim.wipe_database()
    settled(bot)
    sim.book.trades.update(trades)
    sim.book.changed()
    settled(bot)
    assert mirrored(bot) == before
    assert Trade.objects.filter(bot=bot).closed().count() == 30


def test_the_same_database_in_another_mode_counts_no_trade_twice(sim: SimBot, bot: Bot) -> None:
    """One db_url for dry and live: what was made dry stays dry, what comes is live."""
    sim.go_live()
    new = sim.close_trade(sim.open_trade().trade_id)
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    assert BotRun.objects.filter(bot=bot).count() == 1
    closed = Trade.objects.filter(bot=bot).closed()
    assert (closed.filter(mode="dry").count(), closed.filter(mode="live").count()) == (30, 1)
    assert closed.get(mode="live").trade_id == str(new.trade_id)
