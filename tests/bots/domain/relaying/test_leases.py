"""Which relay listens to which bot: shared evenly, never by two, taken over when a relay dies."""

import threading
import time
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bots.domain.polling.schedule import claim_one
from bots.domain.relaying import leases
from bots.models import Bot, PollTurn, RelayLease, RelayProcess
from tests import builders

LEASE = timedelta(seconds=leases.LEASE_SECONDS)


@pytest.fixture
def bots(alpha):
    speaks = {"capabilities": ["websocket"]}
    return [builders.a_bot(alpha, f"bot-{number}", status=speaks) for number in range(10)]


def numbers(shared):
    return sorted(shared.mine)


def test_one_relay_holds_all_bots_that_speak_and_are_asked(bots, alpha):
    builders.a_bot(alpha, "silent")
    bots[0].enabled = False
    bots[0].save()
    bots[1].retired_at = timezone.now()
    bots[1].save()
    PollTurn.objects.filter(bot=bots[2]).update(held="wrong_password")
    assert numbers(leases.keep("one", timezone.now())) == [bot.pk for bot in bots[3:]]


def test_a_second_relay_gets_its_half_once_the_first_gave_it_up(bots):
    now = timezone.now()
    assert len(leases.keep("one", now).mine) == 10
    assert len(leases.keep("two", now).mine) == 0
    shared = leases.keep("one", now)
    assert (len(shared.mine), len(shared.give_up)) == (5, 5)
    assert len(leases.keep("two", now).mine) == 0, "not before they are released"
    leases.release("one", shared.give_up)
    assert set(leases.keep("two", now).mine) == shared.give_up
    assert leases.keep("one", now).give_up == frozenset()


def test_a_dead_relays_bots_are_taken_when_its_leases_run_out_and_not_before(bots):
    now = timezone.now()
    leases.keep("one", now)
    almost = now + LEASE - timedelta(seconds=0.1)
    assert len(leases.keep("two", almost).mine) == 0
    assert len(leases.keep("two", now + LEASE + timedelta(seconds=0.1)).mine) == 10


def test_who_comes_back_late_holds_nothing_and_gives_nothing_back(bots):
    now = timezone.now()
    leases.keep("one", now)
    later = now + LEASE + timedelta(seconds=1)
    assert len(leases.keep("two", later).mine) == 10
    assert leases.keep("one", later).mine == {}
    leases.release("one", [bot.pk for bot in bots])
    assert set(RelayLease.objects.values_list("holder", flat=True)) == {"two"}


def test_a_relay_that_leaves_in_order_is_followed_at_once(bots):
    now = timezone.now()
    leases.keep("one", now)
    leases.leave("one", now)
    assert len(leases.keep("two", now).mine) == 10
    assert list(RelayProcess.objects.values_list("name", flat=True)) == ["two"]


def test_bots_of_a_holder_nobody_knows_are_free(bots):
    now = timezone.now()
    leases.keep("one", now)
    RelayProcess.objects.all().delete()
    assert len(leases.keep("two", now).mine) == 10


def test_a_relay_that_was_forgotten_takes_its_bots_anew(bots):
    now = timezone.now()
    leases.keep("one", now)
    RelayProcess.objects.all().delete()
    assert len(leases.keep("one", now).mine) == 10
    assert set(RelayLease.objects.values_list("holder", "fence")) == {("one", 2)}


def test_a_lease_of_a_wrong_clock_does_not_stand_for_ever(bots):
    leases.keep("one", timezone.now() + timedelta(days=1))
    assert len(leases.keep("two", timezone.now()).mine) == 10


def test_a_long_look_gives_its_sign_for_the_moment_of_its_end(bots, monkeypatch):
    speaking, ended = leases.speaking, []

    def slowly():
        found = speaking()
        ended.append(timezone.now())
        return found

    monkeypatch.setattr(leases, "speaking", slowly)
    leases.keep("one")
    assert RelayProcess.objects.get().seen_at >= ended[0]


def test_a_relay_that_leaves_by_a_wrong_clock_takes_nothing_from_the_others(bots):
    now = timezone.now()
    leases.keep("one", now)
    leases.leave("two", now + timedelta(days=2))
    assert leases.keep("three", now).mine == {}


def test_a_changed_connection_or_release_is_another_stamp(bots):
    now = timezone.now()
    bot = bots[0]
    stamps = [leases.keep("one", now).mine[bot.pk]]
    bot.connection = {**bot.connection, "url": "http://10.8.0.13:8080"}
    bot.save()
    stamps.append(leases.keep("one", now).mine[bot.pk])
    bot.set_secret("ws_token", "another")
    bot.save()
    stamps.append(leases.keep("one", now).mine[bot.pk])
    bot.status.version = "2026.10"
    bot.status.save()
    stamps.append(leases.keep("one", now).mine[bot.pk])
    assert len(set(stamps)) == 4
    claim_one(bot)
    assert leases.keep("one", now).mine[bot.pk] == stamps[-1]


def test_relays_that_come_at_once_never_get_the_same_bot(transactional_db, alpha):
    speaks = {"capabilities": ["websocket"]}
    for number in range(30):
        builders.a_bot(alpha, f"bot-{number}", status=speaks)
    now, got, together = timezone.now(), {}, threading.Barrier(4)

    def come(name):
        together.wait()
        got[name] = set(leases.keep(name, now).mine)
        connection.close()

    threads = [threading.Thread(target=come, args=(f"relay-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [bot for mine in got.values() for bot in mine]
    assert len(everything) == len(set(everything))
    assert set(everything) <= set(Bot.objects.values_list("pk", flat=True))


LATE = 2 * LEASE


@pytest.fixture
def one_was_silent(transactional_db, alpha):
    """Relay one held ten bots and gave no sign of life for two lease times: the moment after."""
    for number in range(10):
        builders.a_bot(alpha, f"bot-{number}", status={"capabilities": ["websocket"]})
    now = timezone.now()
    assert len(leases.keep("one", now).mine) == 10
    return now + LATE


class Meanwhile(threading.Thread):
    """A transaction of another process: begun, and not over for half a second."""

    def __init__(self, *acts):
        super().__init__()
        self.acts, self.done = acts, threading.Event()
        self.start()
        assert self.done.wait(10)

    def run(self):
        with transaction.atomic():
            for act in self.acts:
                act()
            self.done.set()
            time.sleep(0.5)
        connection.close()


def test_who_is_just_giving_a_sign_of_life_keeps_its_bots(one_was_silent):
    now = one_was_silent
    meanwhile = Meanwhile(lambda: leases.sign_of_life("one", now))
    assert leases.keep("two", now).mine == {}
    meanwhile.join()
    assert len(leases.keep("one", now).mine) == 5, "half of them are the other's, who is there now"


def test_a_sign_of_life_that_comes_while_others_take_the_bots_comes_too_late(one_was_silent):
    now, everything = one_was_silent, set(leases.speaking())
    taking = partial(leases.take, "two", everything, 10, now)
    meanwhile = Meanwhile(lambda: leases.sign_of_life("two", now), taking)
    assert leases.keep("one", now).mine == {}
    meanwhile.join()
    assert set(RelayLease.objects.values_list("holder", flat=True)) == {"two"}
