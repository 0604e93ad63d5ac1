"""Each rule about what stands fires with its words, once, and clears; by what the database holds, asking no bot."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F
from django.utils import timezone

from bots.domain.alerts.evaluating.looking import Scene
from bots.domain.events import Happened, record
from bots.models import (
    Alert,
    BotReading,
    Command,
    EquityPeak,
    PollTurn,
    RelayProcess,
)
from tests.bots.domain.alerts.conftest import (
    MINUTE,
    a_destination,
    a_rule,
    an_event,
    deliveries,
    now_says,
    states,
    told,
)
from tests.builders import a_bot, a_reading, a_run, a_trade

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_bot_that_does_not_answer_is_told_of_once_and_clears_by_itself(quiet_alpha, tick):
    a_rule(quiet_alpha, "unreachable")
    a_destination(quiet_alpha)
    bot = a_bot(
        quiet_alpha, status={"state": "offline", "failing_since": tick.now - 3 * MINUTE, "last_error": "refused"}
    )
    tick()
    assert told() == []
    tick()
    assert told() == [("has not answered for 5 min", "refused")]
    tick()
    assert told() == [("has not answered for 6 min", "refused")]
    alert = Alert.objects.get()
    assert (alert.severity, alert.mode, alert.bot, alert.data) == (
        "error",
        "live",
        bot,
        {"figure": 6, "limit": 5, "unit": "minutes"},
    )
    now_says(bot, state="running", failing_since=None)
    tick()
    assert states() == ["open"]  # not said to be well at once: it may be gone again in a minute
    tick(2)
    alert.refresh_from_db()
    assert (alert.state, alert.cleared_why, alert.cleared_by_name) == ("cleared", "It is over", "")
    assert deliveries() == ["opened", "cleared"]


def test_a_bot_that_comes_and_goes_is_one_alert_and_then_rarer_ones(quiet_alpha, tick):
    a_rule(quiet_alpha, "wrong_password")
    a_destination(quiet_alpha)
    bot = a_bot(quiet_alpha)
    for minute in range(17):
        now_says(bot, state="auth_failed" if minute % 4 == 0 else "running", failing_since=None)
        tick()
    assert Alert.objects.count() == 2
    assert deliveries() == ["opened", "cleared", "opened"]


def test_an_unreachable_bot_hides_what_follows_from_it(alpha, tick):
    now = tick.now
    a_bot(
        alpha,
        status={
            "state": "offline",
            "failing_since": now - 30 * MINUTE,
            "answered_at": now - 30 * MINUTE,
            "seen_at": now - 30 * MINUTE,
            "last_process_at": now - 60 * MINUTE,
            "unrealized": Decimal(-500),
            "unrealized_ratio": Decimal("-0.5"),
        },
    )
    tick()
    assert [alert.kind for alert in Alert.objects.all()] == ["unreachable"]


def test_what_was_wrong_before_the_bot_fell_silent_neither_clears_nor_opens_again(quiet_alpha, tick):
    a_rule(quiet_alpha, "loss_open")
    bot = a_bot(quiet_alpha, status={"unrealized": Decimal(-150), "unrealized_ratio": Decimal("-0.15")})
    tick()
    now_says(bot, state="offline", failing_since=tick.now)
    tick()
    tick(10)
    assert states() == ["open"]
    now_says(bot, state="running", failing_since=None, unrealized=Decimal(0), unrealized_ratio=Decimal(0))
    tick()
    tick(3)
    assert states() == ["cleared"]


def test_a_wrong_password(quiet_alpha, tick):
    a_rule(quiet_alpha, "wrong_password")
    a_rule(quiet_alpha, "unreachable")
    failing = {"state": "auth_failed", "failing_since": tick.now - 60 * MINUTE, "last_error": "401"}
    a_bot(quiet_alpha, status=failing)
    tick()
    assert told() == [("refuses the password that the portal has for it", "401")]


def test_a_bot_whose_loop_hangs_while_it_says_it_runs(quiet_alpha, tick):
    a_rule(quiet_alpha, "silent")
    bot = a_bot(quiet_alpha, status={"last_process_at": tick.now - 11 * MINUTE})
    healthy = a_bot(quiet_alpha, "healthy", status={"last_process_at": tick.now})
    a_bot(quiet_alpha, "old release", status={"last_process_at": None})
    for one in (bot, healthy):
        a_reading(one, "health", {}, read_at=tick.now)
    tick()
    ((text, detail),) = told()
    assert text == "says it runs, but its trading loop had not turned for 11 min"
    assert detail == f"as read at {BotReading.objects.first().read_at:%H:%M:%S} UTC"


def test_a_stopped_bot_counts_from_its_stopping(quiet_alpha, tick):
    a_rule(quiet_alpha, "stopped")
    bot = a_bot(quiet_alpha, status={"state": "stopped"})
    stopped = Happened(
        kind="stopped", team_id=bot.team_id, bot_id=bot.pk, at=tick.now - 58 * MINUTE, key="1", text="stopped"
    )
    record([stopped])
    tick()
    assert told() == []
    tick()
    assert told() == [("is stopped for 60 min", "")]


@pytest.mark.parametrize(
    ("story", "told_of"),
    [
        ([("stopped", 900, ""), ("started", 800, ""), ("connection_found", 59, "stopped")], "is stopped for 60 min"),
        ([("stopped", 900, ""), ("connection_found", 800, "running"), ("connection_found", 9, "stopped")], None),
        ([("stopped", 119, ""), ("connection_found", 9, "stopped")], "is stopped for 2 h 0 min"),
        ([("stopped", 900, ""), ("connection_found", 800, "running")], "is stopped"),
    ],
)
def test_a_bot_that_ran_since_it_was_stopped_counts_anew(quiet_alpha, tick, story, told_of):
    a_rule(quiet_alpha, "stopped")
    bot = a_bot(quiet_alpha, status={"state": "stopped"})
    for kind, minutes_ago, state in story:
        an_event(bot, kind, tick.now - minutes_ago * MINUTE, **({"state": state} if state else {}))
    tick()
    assert [text for text, _ in told()] == ([told_of] if told_of else [])


def test_stale_figures_of_a_bot_that_answers_and_not_when_the_portal_asks_nobody(quiet_alpha, tick):
    a_rule(quiet_alpha, "stale")
    bot = a_bot(quiet_alpha)
    now_says(bot, seen_at=tick.now - 11 * MINUTE, answered_at=tick.now)
    tick(asked=False)
    assert [text for text, _ in told()] == ["answers, but its figures are 12 min old"]
    Alert.objects.all().delete()
    now_says(bot, seen_at=tick.now - 20 * MINUTE, answered_at=tick.now - 20 * MINUTE)
    tick(asked=False)
    assert told() == []


def test_open_trades_below_their_stake_by_the_limit_exactly(quiet_alpha, tick):
    a_rule(quiet_alpha, "loss_open", params={"ratio": "0.1"})
    status = {"unrealized": Decimal("-100.1239"), "unrealized_ratio": Decimal("-0.1")}
    a_bot(quiet_alpha, status=status)
    a_bot(quiet_alpha, "less", status={"unrealized": Decimal(-9), "unrealized_ratio": Decimal("-0.0999")})
    a_bot(quiet_alpha, "missing", status={"unrealized": None, "unrealized_ratio": Decimal("-0.9")})
    tick()
    assert told() == [("stands 10.0 % below the stake of its open trades: −100.124 USDT", "limit 10.0 %")]
    figures = Alert.objects.get().data
    assert (figures["figure"], figures["limit"], figures["unit"], figures["currency"]) == (
        "-0.1000",
        "0.1",
        "ratio",
        "USDT",
    )


@pytest.mark.parametrize("decimals", [None, 19, 500])
def test_a_currency_with_impossible_decimals_is_written_with_eight(quiet_alpha, tick, decimals):
    a_rule(quiet_alpha, "loss_open")
    lost = {"unrealized": Decimal("-120.123456789"), "unrealized_ratio": Decimal("-0.5")}
    a_bot(quiet_alpha, status={**lost, "stake_currency": "BTC", "stake_currency_decimals": decimals})
    tick()
    assert told()[0][0] == "stands 50.0 % below the stake of its open trades: −120.12345679 BTC"


def test_a_loss_today_counts_closed_trades_of_the_teams_day_against_what_the_bot_had(quiet_alpha, tick):
    a_rule(quiet_alpha, "loss_today", params={"ratio": "0.05"})
    bot = a_bot(quiet_alpha, status={"balance": Decimal(950)})
    a_trade(bot, "-50", ratio="-0.05")
    a_trade(bot, "-900", ratio="-0.9", close_date=timezone.now() - timedelta(days=2))
    now = timezone.now().replace(hour=12, minute=0)
    tick.now = now
    tick()
    assert told() == [("lost 5.0 % today in closed trades: −50 USDT of 1000 USDT", "limit 5.0 %")]
    tick(24 * 60)
    tick(3)
    assert states() == ["cleared"]


def test_a_drawdown_counts_from_the_highest_and_realized_parts_are_no_loss(quiet_alpha, tick):
    a_rule(quiet_alpha, "drawdown", params={"ratio": "0.2"})
    bot = a_bot(quiet_alpha, status={"balance": Decimal(1500), "unrealized": Decimal(500), "open_count": 1})
    trade = a_trade(bot)
    tick()
    trade.realized_profit = Decimal(250)  # half of it was sold at a profit
    trade.save()
    now_says(bot, unrealized=Decimal(250))
    tick()
    assert told() == []
    now_says(bot, unrealized=Decimal(-50), balance=Decimal(1200))  # 250 - 50 = 200 of the 500 it had made
    tick()
    assert told() == [("stands 20.0 % below its highest: −300 USDT of 1500 USDT", "limit 20.0 %")]


def test_what_the_mirror_does_not_hold_yet_makes_no_peak(quiet_alpha, tick):
    bot = a_bot(quiet_alpha, status={"open_count": 0, "unrealized": Decimal(0)})
    trade = a_trade(bot)  # closed at the bot, and the mirror has not heard at what price
    trade.realized_profit = Decimal(250)
    trade.save()
    tick()
    assert not EquityPeak.objects.exists()
    now_says(bot, open_count=1)
    tick()
    assert EquityPeak.objects.get().profit == Decimal(250)


def test_figures_of_different_moments_are_not_added_up(quiet_alpha, tick, monkeypatch):
    bot = a_bot(quiet_alpha, status={"unrealized": Decimal(40)})
    run = a_run(bot)
    real = Scene.runs.func

    def written_meanwhile(scene):
        run.closed_profit = Decimal(40)  # the trade that stood at +40 was closed
        run.save()
        now_says(bot, unrealized=Decimal(0), seq=F("seq") + 1)
        return real(scene)

    monkeypatch.setattr(Scene.runs, "func", written_meanwhile)
    tick()
    assert not EquityPeak.objects.exists()
    monkeypatch.undo()
    tick()
    assert EquityPeak.objects.get().profit == Decimal(40)


def test_no_trade_for_many_times_the_bots_own_gap(quiet_alpha, tick):
    a_rule(quiet_alpha, "no_trade", params={"times": 5, "least_hours": 6})
    quiet, busy, rare = a_bot(quiet_alpha, "quiet"), a_bot(quiet_alpha, "busy"), a_bot(quiet_alpha, "rare")
    for hour in range(24):
        a_trade(quiet, "1", close_date=tick.now - timedelta(hours=24 + hour))
        a_trade(busy, "1", close_date=tick.now - timedelta(hours=24 + hour))
    a_trade(busy, open_date=tick.now - timedelta(hours=1))
    a_trade(rare, "1", close_date=tick.now - timedelta(days=9))
    tick()
    assert [alert.bot.name for alert in Alert.objects.all()] == ["quiet"]
    assert told()[0][0] == "has opened and closed nothing for 24 h 1 min"


def test_a_command_nobody_knows_the_end_of(quiet_alpha, tick):
    a_rule(quiet_alpha, "command_unknown")
    bot = a_bot(quiet_alpha)
    command = Command.objects.create(
        bot=bot,
        team=bot.team,
        action="force_exit",
        params={"trade_id": "97"},
        before={"pair": "BTC/USDT"},
        state=Command.UNKNOWN,
        requested_by_name="trader",
        role="trader",
        expires_at=tick.now,
    )
    tick()
    assert told() == [
        (
            "may or may not have done the force exit of BTC/USDT #97",
            "asked by trader; look at the bot, then close the command",
        )
    ]
    Command.objects.filter(pk=command.pk).update(state=Command.CLOSED)
    tick()
    assert states() == ["cleared"]


def test_the_portal_tells_of_itself_in_every_team(quiet_alpha, tick):
    a_rule(quiet_alpha, "portal_lagging")
    bot = a_bot(quiet_alpha)
    RelayProcess.objects.create(name="relay-1", seen_at=tick.now - 5 * MINUTE)
    PollTurn.objects.filter(pk=bot.pk).update(next_poll_at=tick.now - 2 * MINUTE)
    tick(asked=False)
    assert [text for text, _ in told()] == [
        "bots wait for a worker to ask them for 3 min: figures grow old, commands may wait",
        "no relay has listened to the bots for 6 min: what they say comes by polls only",
    ]
    assert {(alert.bot, alert.team) for alert in Alert.objects.all()} == {(None, quiet_alpha)}
