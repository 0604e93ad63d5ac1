"""Generations of bots that tell less, or otherwise: what the mirror then holds, and what it says it does not know."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Team
from bots.domain.polling.by_hand import poll_now
from bots.domain.profit import own_sums, realized_by_bot, today_in
from bots.models import Bot, BotReading, BotRun, PollTurn, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.fleets import at_the_bot, current_run, known, mirrored, polled, settled

Start = Callable[..., tuple[SimBot, Bot]]
LOST = {"close_date", "close_rate", "profit_abs", "profit_ratio"}


@pytest.fixture
def start(alpha: Team) -> Iterator[Start]:
    """A bot of a release, polled once."""
    fleets = []

    def started(release: str, **spec: object) -> tuple[SimBot, Bot]:
        more = {"history": 30, "open_trades": 3, "max_open_trades": 20, **spec}
        fleets.append(running_fleet([BotSpec(name="elder", release=release, **more)]))  # type: ignore[arg-type]
        sim = fleets[-1].__enter__().bots[0]
        bot = known(sim, alpha)
        polled(bot)
        return sim, bot

    yield started
    for fleet in fleets:
        fleet.__exit__(None, None, None)


@pytest.fixture
def elder(start: Start) -> tuple[SimBot, Bot]:
    """A bot of 2020.1: it tells nothing of a closed trade."""
    return start("2020.1")


def open_at_the_bot(sim: SimBot) -> list[object]:
    return [row for row in at_the_bot(sim) if row[3]]


def row_of(bot: Bot, trade_id: int) -> Trade:
    return Trade.objects.get(bot=bot, trade_id=str(trade_id))


# --- before 2020.4 ----------------------------------------------------------------------------------------------------


def test_of_the_eldest_bots_the_open_trades_are_mirrored_by_their_second(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    assert mirrored(bot) == open_at_the_bot(sim)
    assert len(mirrored(bot)) == 3
    assert {trade.open_ms % 1000 for trade in Trade.objects.filter(bot=bot)} == {0}
    status = bot.status
    assert (status.state, status.mode, status.version, status.slots) == ("running", "dry", "2020.1", 20)
    assert (status.open_count, status.stake_currency, status.timeframe) == (3, "USDT", "5m")
    assert (status.error_code, status.last_error) == ("", "")


def test_what_leaves_the_open_trades_of_the_eldest_is_closed_without_figures(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    late, other = (trade.trade_id for trade in sim.book.open[:2])
    sim.open_trade()
    sim.close_trade(other)
    polled(bot)
    sim.close_trade(late)  # under an older number
    settled(bot, polls=2)
    for trade_id in (late, other):
        trade = row_of(bot, trade_id)
        assert (trade.is_open, trade.gone_at, trade.profit_abs, trade.close_rate) == (False, None, None, None)
        assert (trade.close_date, trade.close_day, trade.profit_ratio) == (None, None, None)
        assert {gap["figure"]: gap["reason"] for gap in trade.missing} == dict.fromkeys(
            LOST, "this bot's release tells nothing of closed trades"
        )
    assert [row for row in mirrored(bot) if row[3]] == open_at_the_bot(sim)
    run = current_run(bot)
    assert (run.number, run.closed_count, run.closed_profit) == (1, 2, Decimal(0))


def test_closed_trades_without_figures_are_counted_and_in_no_sum(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sim.close_trade(sim.book.open[0].trade_id)
    polled(bot)
    (sums,) = realized_by_bot([bot.pk], today_in("UTC", timezone.now()))[bot.pk].values()
    assert (sums.all, sums.d30, sums.trades, sums.without_figure) == (0, 0, 1, 1)
    assert (sums.wins, sums.losses, sums.win_rate) == (0, 0, None)


def test_the_eldest_bots_own_sums_stand_by_day_and_by_pair(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sums = own_sums(bot, timezone.now())
    assert sums is not None and sums.label == "bot's own sums"
    days, pairs = sums.days.value, sums.pairs.value
    assert days is not None and pairs is not None
    assert (days.currency, len(days.days), days.days[0].day) == ("USDT", 30, timezone.now().strftime("%Y-%m-%d"))
    expected: dict[str, Decimal] = {}
    for trade in sim.book.closed:
        day = time.strftime("%Y-%m-%d", time.gmtime((trade.close_ms or 0) / 1000))
        expected[day] = expected.get(day, Decimal(0)) + Decimal(f"{trade.close_profit_abs:.8f}")
    told = {day.day: day.profit_abs for day in days.days if day.trades}
    assert told == {day: profit for day, profit in expected.items() if day in told}
    assert len(told) > 5
    assert sum(pair.trades for pair in pairs.pairs) == 30
    assert {pair.profit_abs for pair in pairs.pairs} == {None}
    assert sums.days.age_seconds is not None


def test_bots_that_tell_of_their_trades_need_no_sums_of_their_own(start: Start) -> None:
    _, bot = start("2020.4")
    assert own_sums(bot, timezone.now()) is None
    assert BotReading.objects.filter(bot=bot, kind="daily").exists()


def test_a_cancelled_entry_of_the_eldest_is_gone_and_its_number_another_trade(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    unfilled = sim.open_trade(filled=False)
    polled(bot)
    assert row_of(bot, unfilled.trade_id).orders[0]["side"] == "buy"
    sim.cancel_unfilled(unfilled.trade_id)
    time.sleep(1.1)  # this bot dates to the second
    second = sim.open_trade()
    assert second.trade_id == unfilled.trade_id
    settled(bot)
    first, again = Trade.objects.filter(bot=bot, trade_id=str(second.trade_id)).order_by("open_ms")
    assert (first.gone_at is not None, again.gone_at, again.is_open) == (True, None, True)
    assert mirrored(bot) == open_at_the_bot(sim)
    assert current_run(bot).number == 1


def test_an_entry_of_the_eldest_that_fills_and_closes_is_closed(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    entry = sim.open_trade(filled=False)
    polled(bot)
    sim.fill_order(entry.trade_id)
    polled(bot)
    assert row_of(bot, entry.trade_id).orders == []
    sim.close_trade(entry.trade_id)
    polled(bot)
    assert (row_of(bot, entry.trade_id).is_open, row_of(bot, entry.trade_id).gone_at) == (False, None)


def test_a_wiped_database_of_the_eldest_shows_in_numbers_that_begin_again(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sim.wipe_database()
    fresh = sim.open_trade()
    settled(bot)
    assert [(run.number, run.ended_at is None) for run in BotRun.objects.filter(bot=bot)] == [(1, False), (2, True)]
    assert current_run(bot).reason == "trades are numbered from the beginning again"
    assert [row[0] for row in mirrored(bot)] == [str(fresh.trade_id)] == ["1"]


def test_an_emptied_database_of_the_eldest_shows_in_its_count(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sim.close_trade(sim.book.open[0].trade_id)
    polled(bot)
    sim.wipe_database()
    settled(bot)
    assert current_run(bot).reason == "the bot counts 0 trades, 1 are known to have closed"
    assert mirrored(bot) == []


def test_the_eldest_without_a_closed_trade_refuses_its_profit_and_is_understood(start: Start) -> None:
    _, bot = start("2020.1", history=0)
    profit = BotReading.objects.get(bot=bot, kind="profit").data
    assert (profit["closed_abs"], profit["closed_count"], profit["all_abs"]) == ("0", 0, None)
    assert bot.status.error_code == ""


def test_the_eldest_after_a_restart_is_caught_up(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sim.shut_down()
    assert polled(bot).error is not None
    sim.close_trade(sim.book.open[0].trade_id)
    sim.open_trade()
    sim.come_back()
    settled(bot)
    assert [row for row in mirrored(bot) if row[3]] == open_at_the_bot(sim)
    assert (current_run(bot).number, current_run(bot).closed_count) == (1, 1)


def test_the_eldest_stopped_is_seen_by_its_refusal_to_count(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sim.stop()
    result = polled(bot)
    assert result.error is None
    assert bot.status.state == "stopped"
    sim.start()
    polled(bot)
    assert bot.status.state == "running"


def test_going_live_the_eldest_begins_a_run_of_its_own(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sim.wipe_database()
    sim.go_live()
    sim.open_trade()
    settled(bot)
    assert [(run.number, run.mode) for run in BotRun.objects.filter(bot=bot)] == [(1, "dry"), (2, "live")]
    assert mirrored(bot) == open_at_the_bot(sim)


def test_an_upgrade_to_a_release_that_tells_more_brings_everything_in_a_new_run(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sim.close_trade(sim.book.open[0].trade_id)
    polled(bot)
    sim.set_version("2020.6")
    settled(bot)
    assert current_run(bot).number == 2
    assert mirrored(bot) == at_the_bot(sim)
    assert len(mirrored(bot)) == 33


def test_it_asks_the_eldest_for_nothing_it_does_not_have(elder: tuple[SimBot, Bot]) -> None:
    sim, bot = elder
    sim.requests.clear()
    result = poll_now(bot)
    asked = {request.path.removeprefix("/api/v1/") for request in sim.requests}
    assert asked == {
        "show_config",
        "version",
        "count",
        "status",
        "profit",
        "balance",
        "performance",
        "daily",
        "whitelist",
        "blacklist",
    }
    assert result.failed == {}


# --- from 2020.4 to 2021.3 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2020.4", "2020.5"])
def test_the_first_releases_that_list_closed_trades_give_their_ratio_alone(start: Start, release: str) -> None:
    sim, bot = start(release)
    sim.close_trade(sim.book.open[0].trade_id)
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    closed = Trade.objects.filter(bot=bot, is_open=False)
    assert closed.count() == 31
    for trade in closed:
        of_the_bot = sim.book.trades[int(trade.trade_id)]
        assert trade.profit_ratio == round(Decimal(repr(of_the_bot.close_profit)), 18)
        assert [(gap["figure"], gap["reason"]) for gap in trade.missing] == [("profit_abs", "the bot gave no figure")]
        assert trade.close_date is not None and trade.exit_reason
    (sums,) = realized_by_bot([bot.pk], today_in("UTC", timezone.now()))[bot.pk].values()
    assert (sums.all, sums.trades, sums.without_figure) == (0, 31, 31)


@pytest.mark.parametrize("zone_hours", [-5, 9])
def test_a_bot_that_counts_its_timestamps_in_its_machines_zone_is_read_in_utc(start: Start, zone_hours: int) -> None:
    sim, bot = start("2020.6", zone_hours=zone_hours)
    assert mirrored(bot) == at_the_bot(sim)
    for trade in Trade.objects.filter(bot=bot, is_open=False):
        of_the_bot = sim.book.trades[int(trade.trade_id)]
        assert trade.close_date is not None
        assert round(trade.close_date.timestamp() * 1000) == of_the_bot.close_ms


@pytest.mark.parametrize("release", ["2020.6", "2021.1", "2021.3"])
def test_a_long_list_is_read_back_to_the_newest_known_trade_only(start: Start, release: str) -> None:
    sim, bot = start(release, history=120)
    assert len(mirrored(bot)) == 123
    sim.close_trade(sim.open_trade().trade_id)
    sim.requests.clear()
    result = polled(bot)
    assert sim.requests.count("/trades") == 1
    assert result.history is not None
    assert (result.history.full, len(result.history.trades) <= 50) == (False, True)
    assert mirrored(bot) == at_the_bot(sim)


def test_a_trade_deleted_far_below_the_newest_is_missed_by_the_bots_own_count(start: Start) -> None:
    sim, bot = start("2020.8", history=120)
    sim.delete_trade(7)
    settled(bot)
    assert mirrored(bot) == at_the_bot(sim)
    assert row_of(bot, 7).gone_at is not None
    assert PollTurn.objects.get(bot=bot).full_reread_at is not None


def test_a_trade_deleted_from_a_short_list_is_missed_at_the_next_reading(start: Start) -> None:
    sim, bot = start("2020.8", history=12)
    sim.delete_trade(7)
    polled(bot)
    assert row_of(bot, 7).gone_at is not None
    assert mirrored(bot) == at_the_bot(sim)
