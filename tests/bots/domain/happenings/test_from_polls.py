"""A bot that is only polled: its events say what happened, each once."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team
from bots.domain.polling.by_hand import poll_now
from bots.models import Bot, Command, Event, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.fleets import known, polled


@pytest.fixture
def sim() -> Iterator[SimBot]:
    with running_fleet([BotSpec(name="majors", history=6, open_trades=1)]) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def bot(sim: SimBot, alpha: Team) -> Bot:
    """Known, and read to the end of its history."""
    bot = known(sim, alpha)
    polled(bot)
    return bot


def kinds(bot: Bot, **only: object) -> list[str]:
    return list(Event.objects.filter(bot=bot, **only).order_by("at", "pk").values_list("kind", flat=True))


def test_what_is_read_for_the_first_time_is_no_news(bot: Bot) -> None:
    polled(bot)
    assert kinds(bot) == []


def test_a_trade_that_came_and_went_between_two_polls_is_told_whole(sim: SimBot, bot: Bot) -> None:
    trade = sim.open_trade("XRP/USDT", rate=0.5, stake=100.0)
    sim.close_trade(trade.trade_id, rate=0.55, reason="roi")
    polled(bot)
    polled(bot)
    assert kinds(bot, pair="XRP/USDT") == ["entry_placed", "entry_filled", "exit_placed", "exit_filled", "trade_closed"]
    closed = Event.objects.get(kind="trade_closed")
    row = Trade.objects.get(bot=bot, trade_id=str(trade.trade_id))
    assert (closed.text, closed.detail, closed.trade) == ("closed XRP/USDT", "roi", row)
    assert Decimal(closed.data["profit_abs"]) == row.profit_abs
    assert closed.at == row.close_date
    assert closed.data["currency"] == "USDT"
    entered = Event.objects.get(kind="entry_filled")
    assert entered.text == "entered XRP/USDT"
    assert entered.detail == "200 XRP at 0.5 · trend_up"


def test_an_order_is_told_as_placed_then_filled(sim: SimBot, bot: Bot) -> None:
    trade = sim.open_trade("XRP/USDT", filled=False)
    polled(bot)
    assert kinds(bot) == ["entry_placed"]
    sim.fill_order(trade.trade_id)
    polled(bot)
    assert kinds(bot) == ["entry_placed", "entry_filled"]


def test_an_entry_that_is_cancelled_is_told(sim: SimBot, bot: Bot) -> None:
    trade = sim.open_trade("XRP/USDT", filled=False)
    polled(bot)
    sim.cancel_unfilled(trade.trade_id)
    polled(bot)
    assert kinds(bot) == ["entry_placed", "entry_cancelled"]


def test_an_exit_that_is_cancelled_is_told(sim: SimBot, bot: Bot) -> None:
    trade = sim.open_trade("XRP/USDT", rate=0.5)
    sim.place_exit(trade.trade_id, rate=9.0)
    polled(bot)
    sim.cancel_unfilled(trade.trade_id)
    polled(bot)
    assert kinds(bot) == ["entry_placed", "entry_filled", "exit_placed", "exit_cancelled"]


def test_a_trade_deleted_at_the_bot_is_a_warning(sim: SimBot, bot: Bot) -> None:
    number = next(iter(sim.book.open)).trade_id
    sim.delete_trade(number)
    polled(bot)
    event = Event.objects.get(kind="warning")
    assert event.text == f"no longer has trade {number}, {event.trade.pair}"


def test_a_trade_forced_at_the_bot_itself_is_told_as_such(sim: SimBot, bot: Bot) -> None:
    trade = sim.open_trade("XRP/USDT")
    polled(bot)
    sim.close_trade(trade.trade_id, reason="force_exit")
    polled(bot)
    forced = Event.objects.get(kind="forced_outside")
    assert forced.text == "was made to exit XRP/USDT, and not by this portal"


def sent(bot: Bot, action: str, ago: timedelta = timedelta(0), **given: Any) -> Command:
    at = timezone.now() - ago
    command = Command(bot=bot, team=bot.team, action=action, expires_at=at, sent_at=at, ended_at=at, **given)
    command.save()
    return command


def test_a_trade_forced_by_a_command_of_ours_is_not(sim: SimBot, bot: Bot) -> None:
    trade = sim.open_trade("XRP/USDT")
    polled(bot)
    sent(bot, "force_exit", params={"trade_id": str(trade.trade_id)})
    sim.close_trade(trade.trade_id, reason="force_exit")
    polled(bot)
    assert "trade_closed" in kinds(bot)
    assert "forced_outside" not in kinds(bot)


def test_an_exit_of_all_trades_explains_no_exit_of_a_trade_opened_later(sim: SimBot, bot: Bot) -> None:
    sent(bot, "force_exit_all", timedelta(minutes=20))
    trade = sim.open_trade("XRP/USDT")
    polled(bot)
    sim.close_trade(trade.trade_id, reason="force_exit")
    polled(bot)
    assert "forced_outside" in kinds(bot)


def test_an_exit_in_another_life_of_the_bot_explains_no_exit_of_the_same_number(sim: SimBot, bot: Bot) -> None:
    trade = sim.open_trade("XRP/USDT")
    polled(bot)
    other = Trade.objects.filter(bot=bot, is_open=False).first()
    sent(bot, "force_exit", params={"trade_id": str(trade.trade_id)}, trade=other)
    sim.close_trade(trade.trade_id, reason="force_exit")
    polled(bot)
    assert "forced_outside" in kinds(bot)


PART = {"amount": "1"}
EARLIER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("ago", "params", "effect", "told"),
    [
        (EARLIER, PART, "filled", True),
        (EARLIER, PART, "partly", True),
        (EARLIER, {}, "partly", True),  # the rest was held on
        (EARLIER, {}, "cancelled", True),
        (EARLIER, PART, "pending", False),
        (EARLIER, {}, "pending", False),  # a limit order that waited
        (timedelta(minutes=2), PART, "filled", False),
    ],
)
def test_a_part_sold_by_us_earlier_explains_no_exit_of_the_rest(
    sim: SimBot, bot: Bot, ago: timedelta, params: dict[str, str], effect: str, told: bool
) -> None:
    row = long_open(sim, bot)
    sent(bot, "force_exit", ago, params={"trade_id": row.trade_id, **params}, trade=row, outcome={"effect": effect})
    sim.close_trade(int(row.trade_id), reason="force_exit")
    polled(bot)
    assert ("forced_outside" in kinds(bot)) is told


@pytest.mark.parametrize(("effect", "told"), [("filled", False), ("pending", False), ("", False), ("cancelled", True)])
def test_an_exit_of_all_trades_explains_those_it_may_have_closed(
    sim: SimBot, bot: Bot, effect: str, told: bool
) -> None:
    row = long_open(sim, bot)
    outcome = {"effect": "partly", "trades": [{"trade_id": row.trade_id, "pair": row.pair, "effect": effect}]}
    sent(bot, "force_exit_all", EARLIER, outcome=outcome)
    sim.close_trade(int(row.trade_id), reason="force_exit")
    polled(bot)
    assert ("forced_outside" in kinds(bot)) is told


def test_the_fill_counts_not_when_it_was_asked_for(sim: SimBot, bot: Bot) -> None:
    row = long_open(sim, bot)
    outcome = {"effect": "filled", "fill": {"seconds": str(EARLIER.total_seconds() - 60)}}
    sent(bot, "force_exit", EARLIER, params={"trade_id": row.trade_id, **PART}, trade=row, outcome=outcome)
    sim.close_trade(int(row.trade_id), reason="force_exit")
    polled(bot)
    assert "forced_outside" not in kinds(bot)


def long_open(sim: SimBot, bot: Bot) -> Trade:
    """A trade that was open before any of the commands here."""
    row = Trade.objects.get(bot=bot, is_open=True)
    assert row.open_date < timezone.now() - EARLIER
    return row


def test_stopped_paused_and_started_are_told_once_each(sim: SimBot, bot: Bot) -> None:
    for state in ("stopped", "running", "paused"):
        sim.enter_state(state)
        polled(bot)
        polled(bot)
    assert kinds(bot, subject="state") == ["stopped", "started", "paused"]


def test_a_bot_lost_and_found_is_told_with_the_reason_and_how_long(sim: SimBot, bot: Bot) -> None:
    sim.shut_down()
    for _ in range(4):
        polled(bot)
    assert kinds(bot) == ["connection_lost"]
    lost = Event.objects.get()
    assert (lost.text, lost.severity) == ("cannot be reached", "error")
    assert lost.detail == bot.status.last_error
    sim.come_back()
    poll_now(bot, now=timezone.now() + timedelta(minutes=7))
    found = Event.objects.get(kind="connection_found")
    assert (found.text, found.detail) == ("answers again", "after 7 min")


def test_a_wrong_password_is_told_apart(sim: SimBot, bot: Bot) -> None:
    sim.faults.wrong_password = True
    polled(bot)
    lost = Event.objects.get(kind="connection_lost")
    assert (lost.text, lost.data["code"]) == ("refuses our password", "wrong_password")


def test_another_release_mode_and_database_are_told(sim: SimBot, bot: Bot) -> None:
    sim.set_version("2026.8")
    polled(bot)
    assert Event.objects.get(kind="version_changed").detail == "2026.9 → 2026.8"
    sim.go_live()
    polled(bot)
    changed = Event.objects.get(kind="mode_changed")
    assert (changed.text, changed.detail) == ("trades LIVE now", "was DRY")
    sim.wipe_database()
    polled(bot)
    began = Event.objects.get(kind="run_began")
    assert began.detail.endswith("the trades before stay in the reports")
    assert kinds(bot, kind="trade_closed") == []


def test_changed_settings_are_told_with_the_difference(sim: SimBot, bot: Bot) -> None:
    sim.max_open_trades = 9
    sim.changed()
    polled(bot)
    event = Event.objects.get(kind="config_changed")
    assert event.detail == "max_open_trades 5 → 9"
    assert event.data["names"] == ["max_open_trades"]


def test_a_lock_is_told_when_it_comes_and_when_it_goes(sim: SimBot, bot: Bot) -> None:
    lock = sim.lock_pair("XRP/USDT", seconds=3600, reason="2 stoplosses in 5 min")
    polled(bot)
    polled(bot)
    added = Event.objects.get(kind="lock_added")
    assert added.text == "does not enter XRP/USDT"
    assert added.detail.startswith("2 stoplosses in 5 min · until ")
    sim.locks.release(lock.lock_id)
    sim.changed()
    polled(bot)
    gone = Event.objects.get(kind="lock_gone")
    assert (gone.text, gone.detail) == ("may enter XRP/USDT again", "before its time")


def test_warnings_in_the_log_are_told_once_an_hour_whatever_their_numbers(sim: SimBot, bot: Bot) -> None:
    for number in range(5):
        sim.note("freqtrade.exchange", f"Retrying still for {number} times.", "WARNING")
    sim.note("freqtrade.worker", "OperationalException: no space left", "ERROR")
    polled(bot)
    sim.note("freqtrade.exchange", "Retrying still for 9 times.", "WARNING")
    polled(bot)
    assert sorted(kinds(bot)) == ["exception", "warning"]
    assert Event.objects.get(kind="exception").detail == "OperationalException: no space left"


def test_a_bot_that_began_anew_is_told(sim: SimBot, bot: Bot) -> None:
    sim.started += 120
    sim.changed()
    polled(bot)
    assert kinds(bot) == ["reloaded"]


def test_new_events_raise_the_sequence_number_and_are_announced(sim: SimBot, bot: Bot, monkeypatch) -> None:
    told: list[object] = []
    monkeypatch.setattr("bots.domain.events.announce", told.extend)
    before = bot.status.seq
    sim.open_trade("XRP/USDT")
    polled(bot)
    assert "events" in told[-1].what
    assert bot.status.seq == told[-1].seq == before + 1
