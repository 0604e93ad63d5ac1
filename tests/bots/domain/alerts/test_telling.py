"""Each rule about what happened tells of it once, and is closed by a person or after its time."""

import pytest

from bots.domain.alerts import acknowledge
from bots.models import (
    Alert,
)
from tests.bots.domain.alerts.conftest import (
    a_destination,
    a_rule,
    an_event,
    as_actor,
    deliveries,
    states,
    told,
)
from tests.builders import a_bot

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_rule_for_live_bots_tells_of_one_that_turned_dry(quiet_alpha, tick):
    a_rule(quiet_alpha, "mode_changed", mode="live")
    a_rule(quiet_alpha, "version_changed", mode="live")
    bot = a_bot(quiet_alpha, status={"mode": "dry"})
    tick()
    an_event(bot, "mode_changed", tick.now, text="trades DRY now")
    an_event(bot, "version_changed", tick.now)
    tick()
    assert told() == [("trades DRY now", "")]


def test_errors_that_go_on_after_somebody_took_them_on_are_told_anew_when_its_time_is_over(quiet_alpha, tick, alice):
    a_rule(quiet_alpha, "log_messages", params={"level": "error", "keep_hours": 2})
    a_destination(quiet_alpha)
    bot = a_bot(quiet_alpha)
    tick()
    an_event(bot, "exception", tick.now, key="first")
    tick()
    acknowledge(as_actor(alice), alice, Alert.objects.get())
    for number in range(4):
        an_event(bot, "exception", tick.now, key=str(number))
        tick(40)
    assert (states(), deliveries()) == (["cleared", "open"], ["opened", "opened"])


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
