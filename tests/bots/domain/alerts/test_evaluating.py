"""Each rule fires with its words, once, and clears; of what the database holds, without asking a bot."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.domain import safety
from bots.domain.alerts import acknowledge
from bots.domain.alerts.evaluating import evaluate
from bots.domain.audit import Actor
from bots.domain.events import Happened, record
from bots.models import (
    Alert,
    AlertClock,
    AlertDefaults,
    Bot,
    BotReading,
    BotStatus,
    Command,
    Delivery,
    Destination,
    Maintenance,
    Mute,
    PollTurn,
    RelayProcess,
)
from tests.bots.domain.alerts.conftest import a_rule, an_alert, as_actor
from tests.builders import a_bot, a_reading, a_trade

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


class Minutes:
    """The tick: each call is a minute later, everything of which the database says that it was just read with it."""

    def __init__(self):
        self.now = timezone.now()

    def __call__(self, minutes=1, *, asked=True):
        self.now += minutes * MINUTE
        if asked:
            fresh = {"answered_at": self.now, "seen_at": self.now, "history_at": self.now}
            BotStatus.objects.filter(failing_since=None).exclude(state="unknown").update(**fresh)
            PollTurn.objects.update(next_poll_at=self.now + MINUTE)
        return evaluate(self.now)


@pytest.fixture
def tick():
    return Minutes()


@pytest.fixture
def quiet_alpha(alpha):
    """A team that has no rules but those of the test."""
    AlertDefaults.objects.create(team=alpha)
    return alpha


def now_says(bot: Bot, **values: object) -> None:
    BotStatus.objects.filter(pk=bot.pk).update(**values)


def told() -> list[tuple[str, str]]:
    return list(Alert.objects.open().order_by("pk").values_list("text", "detail"))


def states() -> list[str]:
    return [alert.state for alert in Alert.objects.order_by("pk")]


def a_destination(team, **values):
    return Destination.objects.create(team=team, kind="webhook", name="room", **values)


def deliveries() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("what", flat=True))


# --- what stands


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
    for minute in range(60):
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


# --- what happened


def an_event(bot, kind, at, *, text="happened", detail="", key="", **data):
    said = Happened(
        kind=kind,
        team_id=bot.team_id,
        bot_id=bot.pk,
        at=at,
        key=key or f"{kind} {at}",
        text=text,
        detail=detail,
        data=data,
    )
    (event,) = record([said], at)
    return event


@pytest.mark.parametrize(
    ("kind", "event", "data"),
    [
        ("version_changed", "version_changed", {}),
        ("mode_changed", "mode_changed", {}),
        ("forced_outside", "forced_outside", {}),
        ("config_changed", "config_changed", {"names": ["stoploss", "strategy"]}),
        ("strategy_changed", "config_changed", {"names": ["strategy"]}),
    ],
)
def test_what_happened_is_told_once_and_closed_after_its_time(quiet_alpha, tick, kind, event, data):
    rule = a_rule(quiet_alpha, kind, params={"keep_hours": 2})
    for other in {"config_changed", "strategy_changed"} - {kind}:
        a_rule(quiet_alpha, other, params={"keep_hours": 2}, enabled=kind != "config_changed")
    bot = a_bot(quiet_alpha)
    tick()
    an_event(bot, event, tick.now, text="did it", detail="so", **data)
    tick()
    tick()
    alert = Alert.objects.get(rule=rule)
    assert Alert.objects.count() == 1
    assert (alert.text, alert.detail, alert.times, alert.state) == ("did it", "so", 1, "open")
    an_event(bot, event, tick.now, text="did it again", **data)
    tick()
    alert.refresh_from_db()
    assert (alert.text, alert.times, Alert.objects.count()) == ("did it again", 2, 1)
    tick(119)
    assert states() == ["open"]
    tick()
    alert.refresh_from_db()
    assert (alert.state, alert.cleared_why) == ("cleared", "Nothing more within 2 h")


def test_a_change_after_somebody_took_the_first_one_on_is_a_new_alert(quiet_alpha, tick, alice):
    a_rule(quiet_alpha, "mode_changed")
    a_destination(quiet_alpha)
    bot = a_bot(quiet_alpha)
    tick()
    an_event(bot, "mode_changed", tick.now, text="trades DRY now")
    tick()
    acknowledge(as_actor(alice), alice, Alert.objects.get())
    an_event(bot, "mode_changed", tick.now, text="trades LIVE now")
    tick()
    assert states() == ["cleared", "open"]
    assert told() == [("trades LIVE now", "")]
    assert deliveries() == ["opened", "opened"]


def test_errors_in_the_log_are_counted_within_their_window(quiet_alpha, tick):
    a_rule(quiet_alpha, "log_messages", params={"level": "error", "count": 3, "minutes": 10})
    bot = a_bot(quiet_alpha)
    for number in range(2):
        an_event(bot, "exception", tick.now, key=str(number), detail="exchange says no")
    an_event(bot, "warning", tick.now, key="w")
    tick()
    assert told() == []
    tick(20)
    an_event(bot, "exception", tick.now, key="3")
    tick()
    assert told() == []
    for number in range(4, 6):
        an_event(bot, "exception", tick.now, key=str(number), detail=f"timeout {number}")
    tick()
    assert told() == [("has told 3 errors in its log within 10 min", "timeout 5")]


def test_an_event_whose_transaction_ended_late_is_not_missed_and_none_is_counted_twice(quiet_alpha, tick):
    a_rule(quiet_alpha, "forced_outside")
    bot = a_bot(quiet_alpha)
    heard = tick.now
    an_event(bot, "forced_outside", heard, key="in time")
    tick()
    an_event(bot, "forced_outside", heard, key="written late")
    for _ in range(8):
        tick()
    assert Alert.objects.get().times == 2


# --- whom it concerns


def test_a_rule_looks_at_its_tag_its_bot_or_live_bots_only(quiet_alpha, tick):
    failing = {"state": "offline", "failing_since": tick.now - 9 * MINUTE}
    one = a_bot(quiet_alpha, "one", status=failing, tags=["btc"])
    a_bot(quiet_alpha, "two", status={**failing, "mode": "dry"}, tags=["eth"])
    a_bot(quiet_alpha, "never seen", status={**failing, "mode": ""})
    for name, scope in {"by tag": {"tag": "eth"}, "by bot": {"bot": one}, "live": {"mode": "live"}}.items():
        a_rule(quiet_alpha, "unreachable", name=name, **scope)
    tick()
    assert sorted(Alert.objects.values_list("rule__name", "bot__name")) == [
        ("by bot", "one"),
        ("by tag", "two"),
        ("live", "never seen"),
        ("live", "one"),
    ]


def test_a_bot_the_portal_no_longer_asks_has_no_open_alert(quiet_alpha, tick):
    a_rule(quiet_alpha, "unreachable")
    bot = a_bot(quiet_alpha, status={"state": "offline", "failing_since": tick.now - 9 * MINUTE})
    tick()
    Bot.objects.filter(pk=bot.pk).update(enabled=False)
    tick()
    assert [alert.cleared_why for alert in Alert.objects.all()] == ["The portal does not ask this bot"]


def test_a_rule_of_one_team_says_nothing_of_another(quiet_alpha, beta, tick):
    AlertDefaults.objects.create(team=beta)
    a_rule(beta, "unreachable")
    a_bot(quiet_alpha, status={"state": "offline", "failing_since": tick.now - 9 * MINUTE})
    tick()
    assert told() == []


# --- silence


@pytest.mark.parametrize(
    "silence", ["bot in maintenance", "team in maintenance", "rule muted", "bot muted", "safe mode"]
)
def test_in_silence_it_is_recorded_and_told_when_the_silence_ends_if_it_is_still_so(quiet_alpha, tick, silence):
    rule = a_rule(quiet_alpha, "unreachable")
    a_destination(quiet_alpha)
    failing = {"state": "offline", "failing_since": tick.now - 9 * MINUTE}
    bot, other = a_bot(quiet_alpha, status=failing), a_bot(quiet_alpha, "other", status=failing)
    now_says(other, state="running", failing_since=None)
    span = {"starts_at": tick.now, "ends_at": tick.now + 5 * MINUTE, "planned_by_name": "alice"}
    if "maintenance" in silence:
        Maintenance.objects.create(team=quiet_alpha, bot=bot if "bot" in silence else None, **span)
    elif "muted" in silence:
        named = {"rule": rule} if "rule" in silence else {"bot": bot}
        Mute.objects.create(team=quiet_alpha, until=span["ends_at"], muted_by_name="dave", **named)
    else:
        safety.enter("copied", Actor(name="test"))
    tick()
    tick()
    alert = Alert.objects.get()
    assert alert.silent == {"maintenance": "maintenance", "muted": "muted", "mode": "safe_mode"}[silence.split()[-1]]
    assert (deliveries(), alert.state) == ([], "open")
    if silence == "safe mode":
        safety.leave("it is the only one", Actor(name="test"))
    tick(6)
    alert.refresh_from_db()
    assert (alert.silent, deliveries()) == ("", ["opened"])


def test_what_is_over_before_the_silence_ends_is_never_told(quiet_alpha, tick):
    a_rule(quiet_alpha, "unreachable")
    a_destination(quiet_alpha)
    bot = a_bot(quiet_alpha, status={"state": "offline", "failing_since": tick.now - 9 * MINUTE})
    Mute.objects.create(team=quiet_alpha, bot=bot, until=tick.now + 10 * MINUTE, muted_by_name="dave")
    tick()
    now_says(bot, state="running", failing_since=None)
    tick()
    tick(3)
    tick(20)
    assert (states(), deliveries()) == (["cleared"], [])


def test_what_nobody_takes_on_is_told_again_after_the_rules_hours(quiet_alpha, tick, alice):
    a_rule(quiet_alpha, "unreachable", remind_hours=2)
    a_destination(quiet_alpha)
    a_bot(quiet_alpha, status={"state": "offline", "failing_since": tick.now - 9 * MINUTE})
    tick()
    tick(119)
    assert deliveries() == ["opened"]
    tick()
    tick(120)
    assert list(Delivery.objects.order_by("pk").values_list("what", "round")) == [
        ("opened", 0),
        ("reminder", 1),
        ("reminder", 2),
    ]
    acknowledge(as_actor(alice), alice, Alert.objects.get())
    tick(300)
    assert len(deliveries()) == 3


# --- the turn


def test_of_two_ticks_in_one_minute_the_second_does_nothing(quiet_alpha, tick):
    assert tick() is not None
    assert evaluate(tick.now + timedelta(seconds=54)) is None
    assert tick() is not None


def test_who_was_overtaken_while_reading_writes_nothing(quiet_alpha, tick, monkeypatch):
    a_rule(quiet_alpha, "unreachable")
    a_bot(quiet_alpha, status={"state": "offline", "failing_since": tick.now - 9 * MINUTE})
    later = tick.now + 10 * MINUTE

    def overtaken(*args):
        AlertClock.objects.update(evaluated_at=later)
        return []

    monkeypatch.setattr("bots.domain.alerts.evaluating.heard_since", overtaken)
    assert tick() is None
    assert told() == []


def test_the_number_of_queries_does_not_grow_with_the_fleet(alpha, tick, django_assert_max_num_queries):
    for number in range(3):
        a_trade(a_bot(alpha, f"bot {number}"), "-500")
    tick()
    with django_assert_max_num_queries(60) as few:
        tick()
    for number in range(12):
        a_trade(a_bot(alpha, f"more {number}"), "-500")
    tick()
    with django_assert_max_num_queries(60) as many:
        tick()
    assert len(many) == len(few)


def test_an_old_cleared_alert_goes_in_time(alpha, settings):
    from bots.domain.alerts import forget_old

    settings.PORTAL_EVENT_DAYS = 30
    now = timezone.now()
    an_alert(a_bot(alpha, "a"), cleared_at=now - timedelta(days=31))
    kept = an_alert(a_bot(alpha, "b"), cleared_at=now - timedelta(days=29))
    standing = an_alert(a_bot(alpha, "c"), opened_at=now - timedelta(days=400))
    assert forget_old(now) == 1
    assert set(Alert.objects.all()) == {kept, standing}
