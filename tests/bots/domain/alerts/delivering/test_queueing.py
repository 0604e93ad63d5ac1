"""What is still wrong is told to a destination that came later, was switched on again or was mended."""

import json

import pytest
from django.utils import timezone

from bots.domain.alerts.delivering import queue
from bots.domain.alerts.destinations import add_destination, change_destination, destinations_of, last_deliveries
from bots.models import Alert, Delivery, Destination
from tests.bots.domain.alerts.delivering.conftest import SECRET, an_alert, carried, later, opened
from tests.builders import a_bot

pytestmark = pytest.mark.django_db(transaction=True)


def told(receiver):
    return [json.loads(body)["alert"]["text"] for _, _, body in receiver.received]


def test_a_new_destination_is_told_what_is_still_wrong_and_nobody_has_taken_on(receiver, bot, actor, alpha, beta):
    now = timezone.now()
    an_alert(bot, text="stands")
    an_alert(bot, text="muted", silent="muted")
    an_alert(bot, text="is over", cleared_at=now)
    an_alert(bot, text="is taken on", acknowledged_at=now)
    an_alert(bot, text="is too light", severity="info")
    an_alert(bot, text="is told by the next look", announced_at=None)
    an_alert(a_bot(beta, "foreign"), text="is of another team")
    hook = add_destination(actor, alpha, kind="webhook", name="Late", address=receiver.url, secret=SECRET)
    carried(hook)
    carried(hook)
    assert told(receiver) == ["stands"]
    Alert.objects.filter(text="muted").update(silent="")
    later(minutes=2)
    carried(hook)
    assert told(receiver) == ["stands", "muted"]


def test_one_that_is_added_switched_off_is_told_nothing(receiver, bot, actor, alpha):
    an_alert(bot)
    add_destination(actor, alpha, kind="webhook", name="Off", address=receiver.url, secret=SECRET, enabled=False)
    assert not Delivery.objects.exists()


def test_one_that_is_switched_on_again_is_told_what_it_missed_and_nothing_twice(hook, receiver, bot, actor):
    opened(bot, text="told before")
    carried(hook)
    opened(bot, text="dropped when it was off")
    change_destination(actor, hook, enabled=False)
    carried(hook)
    opened(bot, text="opened while it was off")
    change_destination(actor, hook, enabled=True)
    for _ in range(2):
        carried(hook)
    assert told(receiver) == ["told before", "dropped when it was off", "opened while it was off"]


def test_the_parts_of_a_digest_that_was_dropped_are_told_when_it_is_switched_on_again(hook, receiver, bot, actor):
    receiver.statuses = [500, 204]
    opened(bot, 6)
    carried(hook)
    change_destination(actor, hook, enabled=False)
    later(minutes=5)
    carried(hook)
    change_destination(actor, hook, enabled=True)
    carried(hook)
    assert [json.loads(body)["counts"]["alerts"] for _, _, body in receiver.received] == [6, 6]


@pytest.mark.parametrize("change", ["address", "mode"])
def test_a_change_is_followed_by_what_could_not_be_told_before(hook, receiver, bot, actor, change):
    if change == "mode":
        Destination.objects.update(mode="live")
    else:
        receiver.statuses = [404, 204]
    opened(bot, mode="dry" if change == "mode" else "live")
    carried(hook)
    new = {"mode": ""} if change == "mode" else {"address": f"{receiver.url}/mended"}
    change_destination(actor, hook, **new)
    assert carried(hook) == 1


def test_what_may_have_arrived_twice_is_not_told_again(hook, receiver, bot, actor):
    opened(bot)
    Delivery.objects.update(state="given_up", unsure=2)
    change_destination(actor, hook, address=f"{receiver.url}/mended")
    assert carried(hook) == 0


def test_a_reminder_of_what_could_not_be_told_yet_is_not_sent_beside_it(hook, receiver, bot):
    receiver.statuses = [500]
    (alert,) = opened(bot)
    carried(hook)
    for number in (1, 2):
        alert.reminders = number
        queue([alert], Delivery.REMINDER)
    carried(hook)
    receiver.statuses = [204]
    later(hours=1)
    carried(hook)
    assert [json.loads(body)["what"] for _, _, body in receiver.received] == ["opened", "opened"]


def test_a_telling_that_failed_and_is_tried_again_is_what_is_known_of_the_destination(hook, receiver, bot, alice):
    receiver.statuses = [204, 500]
    opened(bot, 2)
    carried(hook)
    (listed,) = destinations_of(alice)
    last = last_deliveries([listed])[hook.pk]
    assert (last.state, last.words) == ("pending", "127.0.0.1 answered 500")
