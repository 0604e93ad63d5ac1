"""Polls of simulated bots, whole: what the portal knows afterwards, and what a bad bot does to it and to others."""

import time
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.utils import timezone

from accounts.models import Team
from bots.domain import events
from bots.domain.polling.asking import PollResult
from bots.domain.polling.by_hand import poll_now
from bots.domain.polling.engine import Engine
from bots.domain.polling.orders import orders_for
from bots.domain.polling.schedule import claim_due, claim_one
from bots.domain.polling.writing import write
from bots.models import Bot, BotReading, BotStatus, ConfigVersion, PollTurn, Snapshot, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from bots.systems.contract import Kind
from bots.systems.errors import TimedOut
from tests.fleets import current_run, known, polled


def test_a_poll_fills_the_status_row(sim: SimBot, bot: Bot) -> None:
    for trade in sim.book.open:
        sim.set_price(trade.pair, trade.open_rate)
    assert polled(bot).error is None
    status = bot.status
    assert (status.state, status.mode, status.version) == ("running", "dry", "2026.9")
    assert (status.stake_currency, status.open_count, status.slots) == ("EUR", 2, 5)
    assert status.unrealized == sum(Decimal(figures["profit_abs"]) for figures in status.moving.values())
    assert status.unrealized < 0  # two entry and two exit fees at an unmoved price
    assert status.closed_profit == current_run(bot).closed_profit
    assert (status.failures, status.last_error, status.polls) == (0, "", 1)


def test_what_good_polls_took_adds_up_and_a_failed_one_adds_nothing(sim: SimBot, bot: Bot) -> None:
    took = [polled(bot).seconds, polled(bot).seconds]
    whole = round(took[0] * 1000) + round(took[1] * 1000)
    assert (bot.status.good_poll_ms, whole > 0) == (whole, True)
    sim.faults.wrong_password = True
    assert polled(bot).error is not None
    assert (bot.status.good_poll_ms, bot.status.polls) == (whole, 3)


SLOW = {
    "profit",
    "balance",
    "health",
    "locks",
    "logs",
    "performance",
    "daily",
    "whitelist",
    "blacklist",
    "config",
}


def test_every_slow_answer_is_kept_with_its_time(bot: Bot) -> None:
    polled(bot)
    kinds = set(BotReading.objects.filter(bot=bot).values_list("kind", flat=True))
    assert kinds == SLOW
    assert all(reading.read_at == bot.status.seen_at for reading in BotReading.objects.filter(bot=bot))


def test_what_is_in_trades_is_the_stake_of_the_open_trades(bot: Bot) -> None:
    polled(bot)
    stakes = Trade.objects.filter(bot=bot, is_open=True).values_list("stake_amount", flat=True)
    assert bot.status.open_count == len(stakes) > 0
    assert bot.status.total_stake == sum(stakes)


def test_only_what_is_due_is_asked(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    sim.requests.clear()
    later = timezone.now() + timedelta(seconds=12)
    write([poll_due(bot, later)], later)
    asked = sorted(request.path.removeprefix("/api/v1") for request in sim.requests)
    assert asked == ["/show_config", "/status"]


def poll_due(bot: Bot, now) -> PollResult:
    import asyncio

    from bots.domain.polling.by_hand import conversation

    claim = claim_one(bot, now)
    return asyncio.run(conversation(orders_for([claim], now)[0]))


def test_sysinfo_is_never_asked(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    assert sim.requests.count("/sysinfo") == 0


def test_a_bot_that_is_gone_keeps_its_figures_and_says_why(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    seen, unrealized = bot.status.seen_at, bot.status.unrealized
    sim.shut_down()
    assert polled(bot).error.code == "connection_refused"
    assert bot.status.state == "running"  # one lost request is no news
    polled(bot)
    status = bot.status
    assert (status.state, status.error_code, status.failures) == ("offline", "connection_refused", 2)
    assert "connection refused" in status.last_error
    assert (status.seen_at, status.unrealized, status.open_count) == (seen, unrealized, 2)
    sim.come_back()
    polled(bot)
    assert (bot.status.state, bot.status.last_error, bot.status.failing_since) == ("running", "", None)


def test_a_wrong_password_is_tried_three_times_and_then_no_more(sim: SimBot, bot: Bot) -> None:
    sim.faults.wrong_password = True
    for _ in range(3):
        assert polled(bot).error.code == "wrong_password"
    assert bot.status.state == "auth_failed"
    assert PollTurn.objects.get(bot=bot).held == "wrong_password"
    assert claim_due(timezone.now() + timedelta(hours=1)) == []
    assert sim.requests.count("/show_config") == 3
    assert len(sim.requests) == 3


def test_a_stopped_bot_is_stopped_not_broken(sim: SimBot, bot: Bot) -> None:
    sim.stop()
    polled(bot)
    assert (bot.status.state, bot.status.last_error, bot.status.open_count) == ("stopped", "", 2)


def test_a_reading_that_fails_leaves_the_others_fresh(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    before = BotReading.objects.get(bot=bot, kind="locks").read_at
    sim.faults.on("/locks").status = 500
    polled(bot)
    locks, logs = (BotReading.objects.get(bot=bot, kind=kind) for kind in ("locks", "logs"))
    assert (locks.read_at, locks.error != "") == (before, True)
    assert (logs.read_at, logs.error) == (bot.status.seen_at, "")
    assert bot.status.state == "running"
    assert bot.status.last_error.startswith("locks: ")


def test_an_exchange_that_is_down_makes_figures_missing_not_zero(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    realized = bot.status.closed_profit
    sim.faults.exchange_down = True
    polled(bot)
    assert bot.status.unrealized is None
    assert [gap["figure"] for gap in bot.status.missing] != []
    assert bot.status.closed_profit == realized
    assert bot.status.state == "running"


def test_a_hanging_bot_costs_its_deadline_and_nobody_else(sim: SimBot, bot: Bot, settings) -> None:
    settings.PORTAL_POLL_DEADLINE_SECONDS = 0.5
    sim.faults.hang = 60.0
    began = time.monotonic()
    assert polled(bot).error.code == "timed_out"
    assert time.monotonic() - began < 30


def test_a_slow_bot_gives_the_rest_at_the_next_poll(sim: SimBot, bot: Bot, settings) -> None:
    """Fourteen answers of 0.15 s do not fit into 1.2 s: what was not asked stays due, and nothing starves."""
    settings.PORTAL_POLL_DEADLINE_SECONDS = 0.4
    sim.faults.hang = 0.15
    for _ in range(4):
        now = timezone.now()
        write([poll_due(bot, now)], now)
    kinds = set(BotReading.objects.filter(bot=bot).values_list("kind", flat=True))
    assert kinds == SLOW
    bot.refresh_from_db()
    assert (bot.status.state, bot.status.failures) == ("running", 0)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"garbage": True}, "bad_answer"),
        ({"wrong_types": True}, "bad_answer"),
        ({"not_a_freqtrade": True}, "not_this_system"),
        ({"status": 500}, "bot_failed"),
        ({"status": 429, "retry_after": 7}, "busy"),
        ({"status": 403}, "forbidden"),
        ({"reset": True}, "connection_lost"),
        ({"redirect": "http://169.254.169.254/latest/meta-data/"}, "redirected"),
        ({"huge": 30_000_000}, "answer_too_large"),
        ({"gzip_bomb": 200_000_000}, "answer_too_large"),
    ],
)
def test_every_bad_answer_has_its_name_and_writes_nothing(sim: SimBot, bot: Bot, fault: dict, code: str) -> None:
    polled(bot)
    seen, trades = bot.status.seen_at, Trade.objects.count()
    for name, value in fault.items():
        setattr(sim.faults, name, value)
    result = polled(bot)
    assert result.error.code == code
    assert bot.status.last_error == str(result.error)
    assert (bot.status.seen_at, Trade.objects.count()) == (seen, trades)


def test_a_result_whose_right_was_lost_is_not_written(bot: Bot) -> None:
    claim = claim_one(bot)
    stale = PollResult(orders_for([claim], timezone.now())[0], error=TimedOut("late"))
    claim_one(bot)  # another worker took the bot meanwhile
    assert write([stale], timezone.now()) == []
    assert BotStatus.objects.get(bot=bot).polls == 0


def test_one_answer_the_database_refuses_harms_only_its_bot(sim: SimBot, bot: Bot, alpha: Team) -> None:
    other = known(sim, alpha, name="other")
    now = timezone.now()
    results = [poll_due(each, now) for each in (bot, other)]
    impossible = msgspec.structs.replace(results[0].profit, closed_abs=Decimal("1e30"))
    results[0].values[Kind.PROFIT] = impossible
    write(results, now)
    bot.refresh_from_db()
    other.refresh_from_db()
    assert bot.status.error_code == "bad_answer"
    assert (other.status.state, other.status.open_count) == ("running", 2)


def test_changed_settings_become_a_version_with_the_difference(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    polled(bot)
    assert ConfigVersion.objects.filter(bot=bot).count() == 1
    sim.max_open_trades = 9
    sim.changed()
    polled(bot)
    newest = ConfigVersion.objects.filter(bot=bot).first()
    assert [(change["name"], change["before"], change["after"]) for change in newest.changes] == [
        ("max_open_trades", 5, 9)
    ]


def test_the_first_snapshot_of_an_hour_is_kept_for_good(bot: Bot) -> None:
    polled(bot)
    polled(bot)
    assert list(Snapshot.objects.filter(bot=bot).order_by("at").values_list("grain", flat=True)) == ["hour", "fine"]


def test_old_snapshots_thin_out(bot: Bot) -> None:
    from bots.domain.polling.readings import thin

    now = timezone.now()
    for grain, days in (("fine", 0.5), ("fine", 1.5), ("minute", 13), ("minute", 15), ("hour", 400)):
        facts = {"state": "running", "mode": "dry", "currency": "EUR"}
        Snapshot.objects.create(bot=bot, at=now - timedelta(days=days), grain=grain, **facts)
    assert thin(now) == 2
    kept = Snapshot.objects.order_by("-at").values_list("grain", flat=True)
    assert list(kept) == ["fine", "minute", "hour"]


def test_the_sequence_rises_with_every_change_and_is_announced(sim: SimBot, bot: Bot, monkeypatch) -> None:
    told: list[events.Changed] = []
    monkeypatch.setattr(events, "announce", told.extend)
    polled(bot)
    sim.close_trade(sim.book.open[0].trade_id)
    polled(bot)
    assert [change.seq for change in told] == [1, 2]
    assert {"figures", "trades"} <= set(told[1].what)
    assert BotStatus.objects.get(bot=bot).seq == 2


def test_a_poll_after_which_nothing_moved_raises_no_sequence(sim: SimBot, bot: Bot, monkeypatch) -> None:
    """Though trades are open: their figures are held against those of the row, which come out of JSON."""
    told: list[events.Changed] = []
    monkeypatch.setattr(events, "announce", told.extend)
    for trade in sim.book.open:
        sim.set_price(trade.pair, trade.open_rate)
    polled(bot)
    for seconds in (12, 24):
        later = timezone.now() + timedelta(seconds=seconds)
        write([poll_due(bot, later)], later)
    assert [(change.seq, change.what) for change in told[1:]] == [(1, ("seen",)), (1, ("seen",))]


@pytest.mark.django_db(transaction=True)
def test_dead_bots_do_not_delay_the_others(settings) -> None:
    """Of 20 bots 5 hang: the 15 others are written while those are still waited for."""
    from tests.builders import team

    settings.PORTAL_POLL_DEADLINE_SECONDS = 6.0
    alpha = team("Alpha")
    with running_fleet([BotSpec(name=f"bot-{number}", seed=number) for number in range(20)]) as fleet:
        bots = [known(sim, alpha) for sim in fleet.bots]
        for sim in fleet.bots[:5]:
            sim.faults.hang = 30.0
        engine = Engine().start()
        try:
            began = time.monotonic()
            engine.submit(orders_for(claim_due(), timezone.now()))
            while BotStatus.objects.exclude(seen_at=None).count() < 15 and time.monotonic() - began < 60:
                time.sleep(0.02)
            still_waited_for = not BotStatus.objects.exclude(failing_since=None).exists()
            while BotStatus.objects.exclude(failing_since=None).count() < 5 and time.monotonic() - began < 60:
                time.sleep(0.02)
        finally:
            engine.stop()
        assert BotStatus.objects.exclude(seen_at=None).count() == 15
        assert still_waited_for
        failed = BotStatus.objects.exclude(failing_since=None).values_list("bot", "error_code")
        assert sorted(failed) == [(bot.pk, "timed_out") for bot in bots[:5]]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_ends_in_peace_gives_its_bots_back(sim: SimBot) -> None:
    from tests.builders import team

    sim.faults.hang = 30.0
    bot = known(sim, team("Alpha"))
    engine = Engine().start()
    engine.submit(orders_for(claim_due(), timezone.now()))
    while not engine.keeper.claims(0):
        time.sleep(0.01)
    engine.stop()
    turn = PollTurn.objects.get(bot=bot)
    assert (turn.leased_until, turn.fence) == (None, 2)
    assert [claim.fence for claim in claim_due()] == [3]


def test_the_secret_of_another_row_does_not_open(sim: SimBot, bot: Bot, alpha: Team) -> None:
    other = known(sim, alpha, name="other")
    Bot.objects.filter(pk=bot.pk).update(sealed=other.sealed)
    result = poll_now(Bot.objects.get(pk=bot.pk))
    assert result.error.code == "wrong_settings"
    assert sim.requests.count("/show_config") == 0


def test_figures_that_could_not_be_read_are_not_fresh_because_the_bot_answers(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    seen = bot.status.seen_at
    sim.faults.on("/status").status = 500
    polled(bot)
    assert bot.status.seen_at == seen
    assert bot.status.answered_at > seen
    assert bot.status.last_error.startswith("open trades: ")


def test_profit_of_trades_never_read_is_not_zero(sim: SimBot, bot: Bot, alice) -> None:
    from bots.domain.fleet import fleet_for

    sim.faults.on("/trades").status = 500
    polled(bot)
    fleet = fleet_for(alice)
    assert (fleet.rows[0].all, fleet.rows[0].today) == (None, None)
    assert (fleet.totals[0].unread, fleet.totals[0].all) == (1, None)
    sim.faults.clear()
    polled(bot)
    assert fleet_for(alice).rows[0].all == current_run(bot).closed_profit
    assert fleet_for(alice).totals[0].unread == 0


def test_money_of_the_dry_run_does_not_stand_under_live(sim: SimBot, bot: Bot) -> None:
    polled(bot)
    assert bot.status.balance is not None
    sim.go_live()
    sim.faults.on("/balance").status = sim.faults.on("/profit").status = 500
    polled(bot)
    assert (bot.status.mode, bot.status.balance, bot.status.closed_profit) == ("live", None, None)


def test_two_results_of_one_bot_in_one_batch_only_the_newer_counts(bot: Bot) -> None:
    now = timezone.now()
    old = PollResult(orders_for([claim_one(bot)], now)[0], error=TimedOut("old"))
    new = PollResult(orders_for([claim_one(bot)], now)[0], error=TimedOut("new"))
    write([old, new], now)
    status = BotStatus.objects.get(bot=bot)
    assert (status.polls, status.last_error) == (1, "new")


@pytest.mark.django_db(transaction=True)
def test_no_answer_ends_the_writer(settings) -> None:
    """A surprise in one bot's answer (here a moment no calendar has) must not stop the writing of all others."""
    from tests.builders import team

    alpha = team("Alpha", time_zone="Asia/Tokyo")
    with running_fleet([BotSpec(name="bad", history=3), BotSpec(name="good", seed=2, history=3)]) as fleet:
        bad, good = (known(sim, alpha) for sim in fleet.bots)
        fleet["bad"].book.trades[1].close_ms = 253402300799999
        fleet["bad"].book.changed()
        engine = Engine().start()
        try:
            for _ in range(2):
                PollTurn.objects.update(leased_until=None, next_poll_at=timezone.now(), due={})
                polls = BotStatus.objects.get(bot=good).polls
                engine.submit(orders_for(claim_due(), timezone.now()))
                until = time.monotonic() + 60
                while BotStatus.objects.get(bot=good).polls == polls and time.monotonic() < until:
                    time.sleep(0.05)
        finally:
            engine.stop()
    assert BotStatus.objects.get(bot=good).polls == 2
    assert BotStatus.objects.get(bot=bad).error_code == "bad_answer"
