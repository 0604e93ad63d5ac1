import re
import socket
import time
from datetime import timedelta

import pytest
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


def test_a_check_that_hangs_is_answered_in_time_and_hangs_only_once(monkeypatch):
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.05)
    begun = []

    def hang():
        begun.append(time.monotonic())
        time.sleep(0.5)
        return {}

    probe = health.Probe(hang)
    answers = [probe() for _ in range(4)]
    assert all(answer == {"ok": False, "problem": "no answer within 0.05 s"} for answer in answers)
    assert len(begun) == 1
    time.sleep(0.6)
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 2)
    assert probe() == {"ok": True}
    assert len(begun) == 2
