"""A webhook is told once, signed, through the portal's own door."""

import hashlib
import hmac
import json

import pytest
from django.utils import timezone

from bots.domain.alerts.delivering import due, take_back_lost, webhook
from bots.domain.alerts.delivering.outcome import AGAIN, REFUSED, TAKEN, UNSURE
from bots.models import Delivery
from tests.bots.domain.alerts.delivering.conftest import SECRET, carried, cleared, later, opened
from tests.engines import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_alert_arrives_once_signed_and_complete(hook, receiver, bot, settings):
    settings.PORTAL_URL = "https://portal.example.org"
    facts = {"figure": "-0.123", "limit": "-0.1", "unit": "ratio", "as_of": "2026-11-21T16:00:00Z", "age_seconds": 40}
    (alert,) = opened(bot, data=facts)
    assert carried(hook) == 1
    assert carried(hook) == 0
    [(path, headers, body)] = receiver.received
    assert path == "/hooks/k3y?token=t0ken"
    stamp, signed = (part.partition("=")[2] for part in headers["x-portal-signature"].split(","))
    assert signed == hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert abs(int(stamp) - timezone.now().timestamp()) < 60
    told = json.loads(body)
    delivery = Delivery.objects.get()
    assert headers["x-portal-delivery"] == told["delivery"] == f"delivery-{delivery.pk}"
    assert (told["what"], told["team"], told["title"]) == (
        "opened",
        "alpha",
        "LIVE btc-trend-01 has not answered for 12 min",
    )
    assert told["alert"] == {
        "id": str(alert.uuid), "kind": "unreachable", "severity": "error", "state": "open", "bot": bot.slug,
        "bot_name": "btc-trend-01", "mode": "live", "text": "has not answered for 12 min", "detail": "", "data": facts,
        "since": alert.since.isoformat(), "opened_at": alert.opened_at.isoformat(), "cleared_at": None,
        "cleared_why": "", "url": "https://portal.example.org/bots/btc-trend-01/",
    }  # fmt: skip
    assert (delivery.state, delivery.attempts, delivery.code, delivery.words) == (
        "sent",
        1,
        "",
        "127.0.0.1 answered 204",
    )
    assert delivery.took_ms is not None
    assert "k3y" not in repr(delivery.__dict__)


STATUSES = [(200, TAKEN), (202, TAKEN), (204, TAKEN), *((status, REFUSED) for status in (400, 401, 404, 410))]
STATUSES += [(status, AGAIN) for status in (408, 429, 500, 503)]


@pytest.mark.parametrize(("status", "verdict"), STATUSES)
def test_what_a_status_means(receiver, status, verdict):
    receiver.statuses = [status]
    outcome = webhook.post(f"{receiver.url}/k3y", SECRET, "delivery-1", {})
    assert (outcome.verdict, outcome.words) == (verdict, f"127.0.0.1 answered {status}")


def test_a_receiver_that_is_full_is_told_again_when_it_asks_for(hook, receiver, bot):
    receiver.statuses, receiver.headers = [429, 204], {"Retry-After": "900"}
    opened(bot)
    assert carried(hook) == 0
    waits = Delivery.objects.get()
    assert (waits.state, waits.code, waits.attempts) == ("pending", "http_429", 1)
    assert 890 < (waits.next_try_at - timezone.now()).total_seconds() <= 900
    assert due(timezone.now()) == []
    later(minutes=16)
    assert carried(hook) == 1
    assert len({headers["x-portal-delivery"] for _, headers, _ in receiver.received}) == 1


def test_no_redirect_is_followed(hook, receiver, bot):
    receiver.statuses, receiver.headers = [307], {"Location": f"{receiver.url}/elsewhere"}
    opened(bot)
    carried(hook)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.code) == ("pending", "redirected")
    assert [path for path, _, _ in receiver.received] == ["/hooks/k3y?token=t0ken"]


def test_of_an_end_an_unreachable_receiver_is_told_six_times_and_then_no_more(hook, receiver, bot):
    hook.set_secret("address", f"http://127.0.0.1:{free_port()}/k3y")
    hook.save()
    cleared(*opened(bot))
    Delivery.objects.filter(what="opened").delete()
    for _ in range(5):
        carried(hook)
        assert Delivery.objects.get().state == "pending"
        later(hours=1)
    carried(hook)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.unsure) == ("given_up", 6, 0)
    assert delivery.code == "connection_refused"
    assert "Nothing listens at 127.0.0.1" in delivery.words


def test_a_lost_answer_is_told_once_more_and_never_a_third_time(hook, receiver, bot):
    receiver.cut = True
    opened(bot)
    carried(hook)
    first = Delivery.objects.get()
    assert (first.state, first.unsure) == ("pending", 1)
    assert first.words.endswith(": it may have arrived")
    for _ in range(3):
        later(hours=1)
        carried(hook)
    last = Delivery.objects.get()
    assert (last.state, last.unsure, last.attempts) == ("given_up", 2, 2)
    assert last.words.endswith(": it may have arrived, perhaps twice")
    assert len(receiver.received) == 2


def test_what_arrived_after_a_lost_answer_says_that_it_may_have_come_twice(hook, receiver, bot):
    receiver.cut = True
    opened(bot)
    carried(hook)
    receiver.cut = False
    later(hours=1)
    assert carried(hook) == 1
    assert "it may have arrived twice" in Delivery.objects.get().words


def test_a_receiver_that_hangs_is_given_its_time_and_no_more(receiver, monkeypatch):
    monkeypatch.setattr("bots.models.doors.WEBHOOK_SECONDS", 0.2)
    receiver.hangs = 0.6
    outcome = webhook.post(f"{receiver.url}/k3y", SECRET, "delivery-1", {})
    assert (outcome.verdict, outcome.code) == (UNSURE, "timed_out")
    assert "k3y" not in outcome.words


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "0.0.0.0", "[fe80::1]",
    "10.0.0.1", "192.168.0.1"])  # fmt: skip
def test_no_forbidden_address_is_told_anything(host, settings):
    """The policy of the door itself: whatever stands in the row."""
    settings.PORTAL_WEBHOOK_NETWORKS = ["public"]
    outcome = webhook.post(f"http://{host}/latest", SECRET, "delivery-1", {})
    assert (outcome.verdict, outcome.code) == (REFUSED, "address_not_allowed")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "[::ffff:127.0.0.1]",
    "bot.localhost"])  # fmt: skip
def test_loopback_is_told_nothing_where_only_public_addresses_are_open(host, receiver, settings):
    settings.PORTAL_WEBHOOK_NETWORKS = ["public"]
    port = receiver.url.rpartition(":")[2]
    assert webhook.post(f"http://{host}:{port}/x", SECRET, "delivery-1", {}).code == "address_not_allowed"
    assert receiver.received == []


def test_a_worker_killed_before_it_sent_leaves_an_alert_to_others_and_one_after_it_sends_it_once_more(
    hook, receiver, bot
):
    opened(bot)
    with pytest.raises(Killed):
        postman_that_dies_at("claimed").carry(hook.pk)
    assert take_back_lost(timezone.now()) == 0
    later(minutes=2)
    assert take_back_lost(timezone.now()) == 1
    assert (Delivery.objects.get().unsure, receiver.received) == (0, [])
    later(hours=1)
    with pytest.raises(Killed):
        postman_that_dies_at("sent").carry(hook.pk)
    later(minutes=4)
    assert take_back_lost(timezone.now()) == 1
    again = Delivery.objects.get()
    assert (again.state, again.unsure) == ("pending", 1)
    assert again.words == "The worker ended while it was sent: it may have arrived"
    later(hours=1)
    with pytest.raises(Killed):
        postman_that_dies_at("sent").carry(hook.pk)
    later(minutes=4)
    take_back_lost(timezone.now())
    assert Delivery.objects.get().state == "given_up"
    assert len(receiver.received) == 2


class Killed(BaseException):
    pass


def postman_that_dies_at(where):
    from bots.domain.alerts.delivering import Postman

    def at(point, delivery_id):
        if point == where:
            raise Killed

    return Postman(at)
