"""Whom a rule concerns, when nobody is told, and whose turn it is to look."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from bots.domain import safety
from bots.domain.alerts import RuleWish, acknowledge, forget_old, remove_rule, rules, save_rule
from bots.domain.alerts.evaluating import evaluate
from bots.domain.alerts.evaluating.lasting import equity_of
from bots.domain.audit import Actor
from bots.models import (
    Alert,
    AlertClock,
    AlertDefaults,
    AlertRule,
    Bot,
    BotStatus,
    Delivery,
    EquityPeak,
    Maintenance,
    Mute,
)
from tests.bots.domain.alerts.conftest import (
    MINUTE,
    a_destination,
    a_rule,
    an_alert,
    an_event,
    as_actor,
    deliveries,
    now_says,
    states,
    told,
)
from tests.builders import a_bot, a_run, a_trade

pytestmark = pytest.mark.django_db(transaction=True)


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


# --- what is odd


def test_a_bot_or_a_rule_that_cannot_be_judged_silences_nobody_else(quiet_alpha, beta, tick, caplog):
    AlertDefaults.objects.create(team=beta)
    rule, broken = a_rule(beta, "unreachable"), a_rule(quiet_alpha, "unreachable")
    failing = {"state": "offline", "failing_since": tick.now - 9 * MINUTE}
    one, other = a_bot(quiet_alpha, "one", status=failing), a_bot(beta, "other", status=failing)
    tick()
    AlertRule.objects.filter(pk__in=[rule.pk, broken.pk]).update(changed_at=tick.now)
    AlertRule.objects.filter(pk=broken.pk).update(params={})
    late = a_bot(beta, "late", status={"state": "offline", "failing_since": tick.now - 9 * MINUTE})
    tick()
    assert {alert.bot for alert in Alert.objects.open()} == {one, other, late}  # one's is not said to be over either
    assert f"rule {broken.pk} (unreachable) cannot be judged of one" in caplog.text


def test_what_one_bot_has_made_cannot_be_told_and_the_others_peaks_are_kept(quiet_alpha, tick, monkeypatch):
    odd, sound = (a_bot(quiet_alpha, name, status={"unrealized": Decimal(7)}) for name in ("odd", "sound"))
    for bot in (odd, sound):
        a_run(bot)

    def equity(bot, scene):
        return equity_of(bot, scene) / (bot.bot_id - odd.pk)

    monkeypatch.setattr("bots.domain.alerts.evaluating.peaks.equity_of", equity)
    assert tick() is not None
    assert list(EquityPeak.objects.values_list("bot__slug", "profit")) == [("sound", Decimal(7))]


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


@pytest.mark.parametrize("change", ["other limit", "switched off", "removed"])
def test_what_a_rule_found_that_is_another_one_by_now_is_not_told(quiet_alpha, tick, alice, monkeypatch, change):
    rule = a_rule(quiet_alpha, "unreachable")
    a_rule(quiet_alpha, "unreachable", name="stays")
    a_bot(quiet_alpha, status={"state": "offline", "failing_since": tick.now - 9 * MINUTE})

    def meanwhile(*args):
        if change == "removed":
            remove_rule(as_actor(alice), alice, rule)
        else:
            wish = RuleWish("unreachable", params={"minutes": 30}, enabled=change != "switched off")
            save_rule(as_actor(alice), alice, quiet_alpha, wish, rule)
        return []

    monkeypatch.setattr("bots.domain.alerts.evaluating.heard_since", meanwhile)
    tick()
    assert list(Alert.objects.values_list("rule__name", flat=True)) == ["stays"]


def test_a_clock_that_was_once_ahead_does_not_silence_everything(quiet_alpha, tick):
    a_rule(quiet_alpha, "unreachable")
    a_rule(quiet_alpha, "forced_outside")
    bot = a_bot(quiet_alpha, status={"state": "offline", "failing_since": tick.now - 9 * MINUTE})
    ahead = tick.now + timedelta(days=700)
    AlertClock.objects.create(pk=1, evaluated_at=ahead, events_at=ahead)
    an_event(bot, "forced_outside", tick.now)
    assert tick() is not None
    assert {text for text, _ in told()} == {"has not answered for 10 min", "happened"}
    assert evaluate(tick.now + timedelta(seconds=30)) is None


def test_a_look_raises_each_bots_number_once_and_all_of_them_together(quiet_alpha, tick, django_assert_max_num_queries):
    a_rule(quiet_alpha, "unreachable")
    a_rule(quiet_alpha, "forced_outside", params={"keep_hours": 1})
    well, failing = (a_bot(quiet_alpha, name) for name in ("well", "failing"))
    tick()
    for bot in (failing, well):
        an_event(bot, "forced_outside", tick.now)
    tick()
    now_says(failing, state="offline", failing_since=tick.now)
    before = dict(BotStatus.objects.values_list("pk", "seq"))
    with django_assert_max_num_queries(80) as asked:
        tick(60)
    assert states() == ["cleared", "cleared", "open"]
    assert dict(BotStatus.objects.values_list("pk", "seq")) == {pk: seq + 1 for pk, seq in before.items()}
    assert len([each for each in asked if each["sql"].startswith('UPDATE "bots_botstatus" SET "seq"')]) == 1


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer, circles cannot arise")
def test_a_look_and_somebody_who_saves_a_rule_do_not_wait_for_each_other(quiet_alpha, tick, alice, monkeypatch):
    rule = a_rule(quiet_alpha, "unreachable")
    failing = {"state": "offline", "failing_since": tick.now - 9 * MINUTE}
    a_bot(quiet_alpha, "one", status=failing)
    tick()
    a_bot(quiet_alpha, "two", status=failing)
    failures = []

    def look():
        try:
            tick()
        except OperationalError as deadlock:
            failures.append(deadlock)
        finally:
            connection.close()

    looked = threading.Thread(target=look)

    def while_looking(*args):
        looked.start()
        wait_until_somebody_waits_for_a_lock()
        return written(*args)

    written = rules.written
    monkeypatch.setattr(rules, "written", while_looking)
    save_rule(as_actor(alice), alice, quiet_alpha, RuleWish("unreachable", params={"minutes": 6}), rule)
    looked.join(20)
    assert (failures, states()) == ([], ["cleared"])
    tick()
    assert states() == ["cleared", "open", "open"]


def wait_until_somebody_waits_for_a_lock() -> None:
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody came to wait")


def test_the_number_of_queries_does_not_grow_with_the_fleet(alpha, tick, django_assert_max_num_queries):
    tick.now = tick.now.replace(hour=12)  # "today" does not end within the test
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
    settings.PORTAL_EVENT_DAYS = 30
    now = timezone.now()
    an_alert(a_bot(alpha, "a"), cleared_at=now - timedelta(days=31))
    kept = an_alert(a_bot(alpha, "b"), cleared_at=now - timedelta(days=29))
    standing = an_alert(a_bot(alpha, "c"), opened_at=now - timedelta(days=400))
    assert forget_old(now) == 1
    assert set(Alert.objects.all()) == {kept, standing}
