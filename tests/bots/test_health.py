import re
import socket
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from bots import health
from bots.models import Command, PollTurn, RelayProcess
from tests import builders


@pytest.fixture
def fresh_redis():
    health.redis.cache_clear()
    yield
    health.redis.cache_clear()


def test_livez_asks_nobody(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        answer = client.get("/livez")
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.django_db(transaction=True)
def test_a_portal_without_bots_is_ready(client, settings):
    settings.EMBEDDED = True
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": {"ok": True},
        "broker": {"ok": True, "kind": "in this process"},
        "workers": {"ok": True, "waiting_seconds": 0.0},
        "polls": {"ok": True, "oldest_seconds": None},
        "commands": {"ok": True, "waiting_seconds": 0.0},
        "relays": {"ok": True, "state": "nothing to hear"},
    }
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db(transaction=True)
def test_a_bot_that_no_worker_takes_makes_the_portal_unready(client, settings, alpha):
    settings.EMBEDDED = True
    bot = builders.a_bot(alpha, status={"tried_at": timezone.now() - timedelta(seconds=100)})
    due = timezone.now() - timedelta(seconds=90)
    PollTurn.objects.filter(bot=bot).update(next_poll_at=due)

    answer = client.get("/readyz")

    assert answer.status_code == 503 and answer.json()["ready"] is False
    assert answer.json()["workers"] == {
        "ok": False,
        "problem": "a bot has been due for 90 s and no worker asks it",
    }
    assert 100 <= answer.json()["polls"]["oldest_seconds"] < 160
    assert answer.json()["database"] == {"ok": True}


@pytest.mark.django_db(transaction=True)
def test_a_command_that_no_worker_sends_makes_the_portal_unready(client, settings, alpha):
    settings.EMBEDDED = True
    bot, asked = builders.a_bot(alpha), timezone.now() - timedelta(seconds=25)
    facts = {"bot": bot, "team": alpha, "action": "stop", "requested_at": asked}
    Command.objects.create(expires_at=asked + timedelta(seconds=60), **facts)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["commands"] == {
        "ok": False,
        "problem": "a command has waited for 25 s and no worker sends it",
    }


@pytest.mark.django_db(transaction=True)
def test_a_relay_that_is_dead_is_told_and_the_portal_is_ready(client, settings, alpha):
    settings.EMBEDDED = True
    builders.a_bot(alpha, status={"capabilities": ["websocket"]})
    told = [client.get("/readyz").json()["relays"]["state"]]
    relay = RelayProcess.objects.create(name="one", seen_at=timezone.now() - timedelta(seconds=40))
    told.append(client.get("/readyz").json()["relays"]["state"])
    RelayProcess.objects.filter(pk=relay.pk).update(seen_at=timezone.now())
    answer = client.get("/readyz")
    told.append(answer.json()["relays"]["state"])
    assert told[0] == "no relay lives: none runs"
    assert re.fullmatch(r"no relay lives: the last sign of life is 4\d s old", told[1])
    assert told[2] == "listening"
    assert answer.status_code == 200


@pytest.mark.parametrize("case", ["leased", "held", "paused", "retired", "not yet"])
@pytest.mark.django_db(transaction=True)
def test_a_bot_that_is_not_to_be_asked_now_waits_for_nobody(client, settings, alpha, case):
    settings.EMBEDDED = True
    bot, now = builders.a_bot(alpha), timezone.now()
    turn = PollTurn.objects.get(bot=bot)
    turn.next_poll_at = now - timedelta(seconds=90)
    if case == "leased":
        turn.leased_until = now + timedelta(seconds=30)
    elif case == "held":
        turn.held = "wrong_password"
    elif case == "not yet":
        turn.next_poll_at = now + timedelta(seconds=5)
    else:
        bot.enabled, bot.retired_at = False, now if case == "retired" else None
    turn.save()
    bot.save()
    assert client.get("/readyz").json()["workers"] == {"ok": True, "waiting_seconds": 0.0}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("fresh_redis")
def test_redis_that_is_away_or_hangs_is_told_in_time(client, settings):
    settings.EMBEDDED = False
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://:secret@127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        hanging = client.get("/readyz")
        assert time.monotonic() - began < 60
    health.redis.cache_clear()
    away = client.get("/readyz")
    for answer in (hanging, away):
        assert answer.status_code == 503
        assert answer.json()["broker"] == {"ok": False, "problem": "Redis does not answer"}
        assert b"secret" not in answer.content


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_holds_a_bot_and_writes_nothing_makes_the_portal_unready(client, settings, alpha):
    """It renews its leases: nobody else would ever find that bot due."""
    settings.EMBEDDED = True
    bot, now = builders.a_bot(alpha), timezone.now()
    taken = PollTurn.objects.filter(bot=bot)
    taken.update(next_poll_at=now - timedelta(seconds=140), leased_until=now + timedelta(seconds=30))
    assert client.get("/readyz").status_code == 200

    taken.update(next_poll_at=now - timedelta(seconds=200))
    answer = client.get("/readyz")

    assert answer.status_code == 503
    problem = answer.json()["polls"]["problem"]
    assert re.fullmatch(r"a bot has been due for 2\d\d s, and the worker that took it writes nothing", problem)
    assert answer.json()["workers"] == {"ok": True, "waiting_seconds": 0.0}


@pytest.fixture
def slow(monkeypatch):
    """The database hangs for two seconds in its second look, and so does Redis; less than half of one is waited."""
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.4)
    begun = []

    def hang():
        begun.append(time.monotonic())
        time.sleep(2)
        return {}

    monkeypatch.setitem(health.LOOKS, "workers", hang)
    monkeypatch.setattr(health, "broker", hang)
    yield begun
    over()


def over():
    for probe in health.PROBES:
        probe.round.running.result(10)


@pytest.mark.django_db(transaction=True)
def test_whatever_hangs_the_answer_comes_in_time_and_it_hangs_only_once(client, slow):
    began = time.monotonic()
    answers = [client.get("/readyz").json() for _ in range(3)]
    assert time.monotonic() - began < 2, "each look took its own time"
    silent = {"ok": False, "problem": "no answer within 0.4 s"}
    hanging = dict.fromkeys(["broker", "workers", "polls", "commands", "relays"], silent)
    assert answers == [{"ready": False, "database": {"ok": True}, **hanging}] * 3
    assert len(slow) == 2


@pytest.mark.django_db(transaction=True)
def test_what_hung_is_asked_anew_when_it_is_over(client, slow):
    assert client.get("/readyz").status_code == 503
    over()
    assert client.get("/readyz").json()["workers"]["ok"] is False
    assert len(slow) == 4


@pytest.mark.django_db(transaction=True)
def test_of_a_database_that_refuses_nothing_else_is_asked(client, monkeypatch, settings):
    settings.EMBEDDED = True

    def refuse():
        raise OperationalError("connection refused")

    monkeypatch.setitem(health.LOOKS, "database", refuse)
    monkeypatch.setitem(health.LOOKS, "polls", lambda: pytest.fail("it was asked"))
    told = client.get("/readyz").json()
    refused = {"ok": False, "problem": "the database refuses"}
    assert [told[name] for name in ("database", "workers", "polls", "commands")] == [refused] * 4
    assert told["broker"]["ok"] is True
