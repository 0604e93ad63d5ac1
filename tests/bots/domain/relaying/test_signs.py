"""A relay's signs of life hold its lines, however long the look at who listens to what takes."""

import time
from datetime import timedelta

from django.db import DatabaseError
from django.utils import timezone

from bots.domain.relaying import leases
from bots.models import RelayProcess
from tests import builders
from tests.bots.domain.relaying.conftest import connected, until

LEASE = timedelta(seconds=leases.LEASE_SECONDS)
SPEAKS = {"capabilities": ["websocket"]}


def seen_at():
    return RelayProcess.objects.get().seen_at


def test_a_sign_between_two_looks_renews_what_is_held(db, alpha):
    builders.a_bot(alpha, "majors", status=SPEAKS)
    now = timezone.now()
    assert len(leases.keep("one", now).mine) == 1
    assert leases.sign_again("one", now + LEASE / 2)
    assert leases.keep("two", now + LEASE * 1.2).mine == {}
    assert len(leases.keep("two", now + LEASE * 1.6).mine) == 1


def test_a_sign_that_was_held_up_takes_none_back(db):
    now = timezone.now()
    leases.keep("one", now)
    leases.sign_again("one", now - LEASE / 2)
    assert seen_at() == now
    leases.keep("one", now - LEASE / 2)
    assert seen_at() == now


def test_a_sign_of_a_wrong_clock_is_replaced(db):
    now = timezone.now()
    leases.keep("one", now + timedelta(hours=1))
    leases.sign_again("one", now)
    assert seen_at() == now


def test_who_was_forgotten_gives_no_sign_and_begins_anew(db):
    assert not leases.sign_again("one", timezone.now())
    assert not RelayProcess.objects.exists()


def slow(monkeypatch, seconds):
    """What `keep` found is told so many seconds later. Returns `keep` as it is."""
    real, took = leases.keep, []

    def keep(name, now):
        shared = real(name, now)
        took.append(name)
        time.sleep(seconds)
        return shared

    monkeypatch.setattr(leases, "keep", keep)
    return real, took


def test_a_look_that_takes_longer_than_a_lease_costs_no_line_and_is_followed(listening, sim, bot, monkeypatch):
    thread = listening.start()
    connected(bot, sim)
    relay = thread.relay
    [first] = [channel.connection for channel in sim.listener.channels]
    monkeypatch.setattr(leases, "SHARED_FOR_SECONDS", 20.0)
    real, took = slow(monkeypatch, leases.LEASE_SECONDS + 0.5)
    until(lambda: took)
    second = builders.a_bot(bot.team, "another", status=SPEAKS)
    until(lambda: set(relay.lines) == {bot.pk, second.pk})
    assert {channel.connection for channel in sim.listener.channels} == {first}
    assert bot.pk not in real("two", timezone.now()).mine


def test_what_a_look_found_is_worth_nothing_once_the_signs_failed_meanwhile(listening, sim, bot, monkeypatch):
    thread = listening.start()
    connected(bot, sim)
    relay = thread.relay
    monkeypatch.setattr(leases, "SHARED_FOR_SECONDS", 20.0)
    real, took = slow(monkeypatch, leases.LEASE_SECONDS * 2)
    until(lambda: took)
    sign_again, opened, line_to = leases.sign_again, [], relay.line_to
    monkeypatch.setattr(relay, "line_to", lambda *given: opened.append(given) or line_to(*given))

    def failing(name, now):
        if name == relay.name:
            raise DatabaseError("gone")
        return sign_again(name, now)

    monkeypatch.setattr(leases, "sign_again", failing)
    until(lambda: bot.pk in real("two", timezone.now()).mine)
    assert relay.lines == {}, "another has the bot"
    monkeypatch.setattr(leases, "sign_again", sign_again)
    until(lambda: relay.lease_left() > 0)
    until(lambda: len(took) > 1)
    assert (relay.lines, opened) == ({}, [])
