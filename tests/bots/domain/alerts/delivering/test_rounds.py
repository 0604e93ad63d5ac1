"""Who is told what: once, by severity and mode, never too much, nothing while it is muted or safe mode holds."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from bots.domain import safety
from bots.domain.alerts import destinations
from bots.domain.alerts.delivering import Postman, carry_due, due, forget_old, queue, stop_postman
from bots.models import Delivery, Destination
from tests.bots.domain.alerts.delivering.conftest import an_alert, carried, cleared, later, opened
from tests.builders import a_bot

pytestmark = pytest.mark.django_db(transaction=True)


def told(receiver):
    return [json.loads(body) for _, _, body in receiver.received]


def test_the_same_state_of_an_alert_goes_to_a_destination_once(hook, receiver, bot):
    (alert,) = opened(bot)
    for _ in range(3):
        queue([alert], Delivery.OPENED)
    carried(hook)
    queue([alert], Delivery.OPENED)
    alert.reminders = 1
    queue([alert], Delivery.REMINDER)
    queue([alert], Delivery.REMINDER)
    carried(hook)
    cleared(alert)
    cleared(alert)
    carried(hook)
    assert [one["what"] for one in told(receiver)] == ["opened", "reminder", "cleared"]


@pytest.mark.parametrize(
    ("least", "mode", "heard"),
    [
        ("info", "", ["live error", "live info", "dry error"]),
        ("warning", "", ["live error", "dry error"]),
        ("error", "live", ["live error"]),
        ("info", "live", ["live error", "live info"]),
    ],
)
def test_a_destination_hears_what_is_grave_enough_and_of_its_mode(hook, receiver, bot, alpha, least, mode, heard):
    Destination.objects.update(least=least, mode=mode)
    for wants in ("live error", "live info", "dry error"):
        of, severity = wants.split()
        opened(bot, mode=of, severity=severity, text=wants)
    carried(hook)
    assert [one["alert"]["text"] for one in told(receiver)] == heard


def test_another_team_hears_nothing(hook, receiver, beta):
    opened(a_bot(beta, "foreign"))
    assert Delivery.objects.count() == 0


def test_a_storm_is_one_digest_that_names_bots_and_counts(hook, receiver, alpha):
    bots = [a_bot(alpha, f"bot-{number:02}") for number in range(40)]
    queue([an_alert(bot, key=bot.slug) for bot in bots], Delivery.OPENED)
    assert carried(hook) == 1
    [digest] = told(receiver)
    assert digest["title"] == "40 alerts, 40 bots of Alpha: 40 new"
    assert digest["counts"] == {"alerts": 40, "bots": 40, "opened": 40}
    assert [one["bot"] for one in digest["alerts"]] == [bot.slug for bot in bots]
    states = set(Delivery.objects.exclude(what="digest").values_list("state", "part_of__state"))
    assert states == {("digested", "sent")}


def test_a_digest_by_mail_lists_thirty_and_counts_the_rest(box, mails, bot):
    opened(bot, 32)
    carried(box)
    [message] = mails.mails
    said = message.get_content()
    assert message["Subject"] == "32 alerts, 1 bot of Alpha: 32 new"
    assert "\n32 × unreachable\n" in said
    assert said.count("- LIVE btc-trend-01 has not answered for 12 min\n") == 30
    assert "- and 2 more\n" in said


def test_never_more_than_so_many_in_an_hour_and_the_last_is_a_digest(hook, receiver, bot):
    Destination.objects.update(most_per_hour=3)
    for _ in range(4):
        opened(bot)
        carried(hook)
    opened(bot)
    assert [one["what"] for one in told(receiver)] == ["opened", "opened", "opened"]
    assert carried(hook) == 0
    assert due(timezone.now()) == []
    later(minutes=61)
    assert carried(hook) == 2
    assert len(receiver.received) == 5
    Destination.objects.update(most_per_hour=3)
    opened(bot, 2)
    assert carried(hook) == 1
    assert told(receiver)[-1]["what"] == "digest"


def test_while_it_is_muted_nothing_is_told_and_afterwards_what_is_still_wrong(hook, receiver, bot):
    muted, over = opened(bot, 2)
    for alert in (muted, over):
        alert.silent = "muted"
        alert.save()
    assert carried(hook) == 0
    over.cleared_at = timezone.now()
    over.save()
    muted.silent = ""
    muted.save()
    later(minutes=2)
    carried(hook)
    assert [one["alert"]["id"] for one in told(receiver)] == [str(muted.uuid)]
    assert Delivery.objects.get(alert=over).state == "dropped"


def test_safe_mode_delivers_nothing(hook, receiver, bot, actor):
    opened(bot)
    safety.enter("restored from a backup", actor)
    assert carried(hook) == 0
    assert receiver.received == []
    safety.leave("it is the only one", actor)
    assert carried(hook) == 1


def test_a_worker_that_could_not_look_at_its_anchor_delivers_nothing_until_it_could(
    hook, receiver, bot, own_anchor, monkeypatch
):
    monkeypatch.setattr(safety, "first_look", safety.FirstLook())
    monkeypatch.setattr(safety, "LOOK_AGAIN_SECONDS", 0.0)
    opened(bot)
    own_anchor.write_text("nonsense\n")
    assert carried(hook) == 0
    assert receiver.received == []
    own_anchor.unlink()
    assert carried(hook) == 1


def test_what_could_not_be_told_for_a_day_is_told_only_if_it_is_still_so(hook, receiver, bot):
    still, over = opened(bot, 2)
    over.cleared_at = timezone.now()
    over.save()
    later(days=2)
    carried(hook)
    assert [one["alert"]["id"] for one in told(receiver)] == [str(still.uuid)]


def test_a_destination_switched_off_hears_nothing_more(hook, receiver, bot, actor):
    opened(bot)
    destinations.change_destination(actor, hook, enabled=False)
    assert carried(hook) == 0
    assert Delivery.objects.get().words == "The destination was switched off or removed"
    assert opened(bot)
    assert Delivery.objects.count() == 1


def test_two_workers_send_each_alert_once(hook, receiver, bot):
    opened(bot, 5)
    postmen = [Postman() for _ in range(4)]
    together = threading.Barrier(4)

    def work(postman):
        together.wait(10)
        postman.round_trip(hook.pk)

    threads = [threading.Thread(target=work, args=(postman,)) for postman in postmen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    carried(hook)
    assert len(receiver.received) == 5
    assert len({one["delivery"] for one in told(receiver)}) == 5


def test_the_tick_hands_what_is_due_to_the_workers_postman(hook, receiver, bot):
    opened(bot)
    try:
        carry_due()
        wait_until(lambda: Delivery.objects.get().state == "sent")
    finally:
        stop_postman()
    assert len(receiver.received) == 1


def wait_until(true, seconds=10.0):
    until = timezone.now() + timedelta(seconds=seconds)
    while not true():
        assert timezone.now() < until
        threading.Event().wait(0.02)


def test_queueing_costs_the_same_for_one_and_for_many(hook, bot, django_assert_num_queries):
    many = [an_alert(bot, key=str(number)) for number in range(30)]
    for what, alerts in (("opened", many[:1]), ("opened", many), ("cleared", many)):
        with transaction.atomic(), django_assert_num_queries(2):
            queue(alerts, what)


def test_old_deliveries_are_forgotten(hook, receiver, bot):
    (alert,) = opened(bot)
    carried(hook)
    alert.cleared_at = timezone.now()
    alert.save()
    assert forget_old(timezone.now(), 90) == 0
    assert forget_old(timezone.now() + timedelta(days=91), 90) == 1
