"""Nobody hears that something is wrong after its end, nor is left without the end of what was told, nor without what is
still wrong because it could not be told in time."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from bots.domain.alerts.clearing import clear
from bots.domain.alerts.delivering import forget_old, queue, rounds
from bots.models import Alert, Delivery, Destination, Maintenance, Mute
from tests.bots.domain.alerts.delivering.conftest import an_alert, carried, cleared, later, opened

pytestmark = pytest.mark.django_db(transaction=True)


def told(receiver):
    return [json.loads(body)["what"] for _, _, body in receiver.received]


def half_an_hour_from_now(**which):
    Delivery.objects.filter(**which).update(attempts=4, next_try_at=timezone.now() + timedelta(minutes=30))


def over(alert):
    with transaction.atomic():
        clear([Alert.objects.select_for_update().get(pk=alert.pk)], "It is over", timezone.now())


def outcomes():
    return list(Delivery.objects.order_by("id").values_list("what", "state", "words"))


# --- never after its end


@pytest.mark.parametrize("what", ["opened", "reminder"])
@pytest.mark.parametrize("unsure", [0, 1])
def test_what_waited_for_its_next_try_is_not_told_after_its_end(hook, receiver, bot, what, unsure):
    (alert,) = opened(bot)
    if what == "reminder":
        Delivery.objects.update(state="sent")
        alert.reminders = 1
        queue([alert], what)
    half_an_hour_from_now(what=what)
    Delivery.objects.filter(what=what).update(unsure=unsure)
    cleared(alert)
    carried(hook)
    later(minutes=31)
    carried(hook)
    assert told(receiver) == ["cleared"]
    assert (what, "dropped", "The message that it is over has gone already") in outcomes()


def test_what_may_have_arrived_is_repeated_while_its_end_still_waits(hook, receiver, bot):
    (alert,) = opened(bot)
    Delivery.objects.update(unsure=1, attempts=1)
    cleared(alert)
    carried(hook)
    assert told(receiver) == ["opened", "cleared"]


def test_an_opening_is_told_when_its_end_was_given_up(hook, receiver, bot):
    (alert,) = opened(bot)
    cleared(alert)
    Delivery.objects.filter(what="cleared").update(state="given_up")
    carried(hook)
    assert told(receiver) == ["opened"]


def test_a_digest_that_failed_is_sent_again_without_what_is_over(hook, receiver, bot):
    receiver.statuses = [500, 204]
    alerts = opened(bot, 7)
    carried(hook)
    cleared(*alerts[:2])
    carried(hook)
    later(minutes=2)
    carried(hook)
    assert told(receiver) == ["digest", "cleared", "cleared", "digest"]
    last = json.loads(receiver.received[-1][2])
    assert last["counts"] == {"alerts": 5, "bots": 1, "opened": 5}
    assert {one["id"] for one in last["alerts"]} == {str(alert.uuid) for alert in alerts[2:]}
    assert Delivery.objects.get(what="digest").data == {"alerts": 5, "bots": 1}


def test_a_digest_of_which_all_is_over_is_sent_no_more(hook, receiver, bot):
    receiver.statuses = [500, 204]
    alerts = opened(bot, 6)
    carried(hook)
    cleared(*alerts)
    carried(hook)
    later(minutes=2)
    carried(hook)
    assert told(receiver) == ["digest", "digest"]
    assert json.loads(receiver.received[-1][2])["counts"] == {"alerts": 6, "bots": 1, "cleared": 6}
    assert [state for what, state, _ in outcomes() if what == "digest"] == ["dropped", "sent"]


# --- the end of what was told


@pytest.mark.parametrize("how", ["muted", "maintenance"])
def test_who_was_told_of_it_hears_its_end_when_the_mute_is_over(hook, receiver, bot, how):
    (alert,) = opened(bot)
    carried(hook)
    now = timezone.now()
    if how == "muted":
        silence = Mute.objects.create(team=bot.team, bot=bot, until=now + timedelta(days=3), muted_by_name="alice")
    else:
        span = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=3)}
        silence = Maintenance.objects.create(team=bot.team, bot=bot, planned_by_name="alice", **span)
    Alert.objects.update(silent=how)
    over(alert)
    carried(hook)
    later(days=2)
    carried(hook)
    assert told(receiver) == ["opened"]
    assert outcomes()[-1] == ("cleared", "pending", "")
    silence.ended_at = timezone.now()
    silence.save()
    later(minutes=2)
    carried(hook)
    assert told(receiver) == ["opened", "cleared"]


def test_who_was_told_nothing_before_the_mute_hears_nothing_of_its_end(hook, receiver, bot):
    (alert,) = opened(bot)
    half_an_hour_from_now()
    Mute.objects.create(team=bot.team, bot=bot, until=timezone.now() + timedelta(hours=1), muted_by_name="alice")
    Alert.objects.update(silent="muted")
    over(alert)
    for _ in range(2):
        carried(hook)
        later(hours=2)
    assert told(receiver) == []
    assert [state for _, state, _ in outcomes()] == ["dropped", "dropped"]


# --- what is still wrong


@pytest.mark.parametrize("status", [500, 404])
def test_what_is_still_wrong_is_tried_once_an_hour_until_it_is_taken(hook, receiver, bot, status):
    receiver.statuses = [status]
    opened(bot)
    for _ in range(8):
        assert carried(hook) == 0
        later(hours=1)
    assert [state for _, state, _ in outcomes()] == ["pending"]
    assert len(receiver.received) == 8
    later(days=2)
    receiver.statuses = [204]
    assert carried(hook) == 1


def test_a_digest_that_holds_what_is_still_wrong_is_tried_once_an_hour(hook, receiver, bot):
    receiver.statuses = [404]
    alerts = opened(bot, 6)
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts[1:]]).update(cleared_at=timezone.now())
    carried(hook)
    digest = Delivery.objects.get(what="digest")
    assert digest.state == "pending"
    assert digest.next_try_at > timezone.now() + timedelta(minutes=45)
    later(days=2)
    carried(hook)
    assert len(receiver.received) == 2


@pytest.mark.parametrize("what", ["cleared", "test"])
def test_an_end_and_a_test_are_given_up(hook, receiver, bot, what):
    receiver.statuses = [404]
    (alert,) = opened(bot)
    Delivery.objects.update(state="sent")
    if what == "cleared":
        cleared(alert)
    else:
        Delivery.objects.create(destination=hook, what="test")
    carried(hook)
    assert Delivery.objects.get(what=what).state == "given_up"


def test_what_is_told_of_something_still_wrong_is_not_forgotten(hook, receiver, bot, monkeypatch):
    monkeypatch.setattr(rounds, "AT_ONCE", 2)
    alerts = opened(bot, 8)
    single = an_alert(bot)
    carried(hook)
    queue([single], "opened")
    carried(hook)
    cleared(*alerts[:3])
    carried(hook)
    at = timezone.now() + timedelta(days=91)
    assert forget_old(at, 90) == 6
    assert set(Delivery.objects.values_list("what", "alert__cleared_at")) == {("opened", None), ("digest", None)}
    Alert.objects.update(cleared_at=timezone.now())
    assert forget_old(at, 90) == 7
    assert not Delivery.objects.exists()


# --- which bots


def test_that_a_bot_is_dry_now_is_told_where_only_live_bots_are_heard(hook, receiver, bot):
    Destination.objects.update(mode="live")
    opened(bot, mode="dry")
    opened(bot, mode="dry", kind="mode_changed", text="trades DRY now")
    carried(hook)
    assert [json.loads(body)["alert"]["text"] for _, _, body in receiver.received] == ["trades DRY now"]
