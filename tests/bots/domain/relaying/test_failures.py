"""What goes wrong beside the bots, in the database or in our own code, does not make the relay deaf."""

import threading

import pytest
from django.db import DatabaseError, IntegrityError
from django.utils import timezone

from bots.domain.relaying import leases, relay, writing
from bots.domain.relaying.relay import RelayThread
from bots.models import Bot, Event, RelayLease, RelayProcess
from bots.systems.errors import BadAnswer
from bots.systems.freqtrade.stream import dumped
from tests import builders
from tests.bots.domain.relaying.conftest import connected, until


def told(bot):
    return list(Event.objects.filter(bot=bot, kind="strategy_message").order_by("pk").values_list("detail", flat=True))


def words_of(heard):
    return [each.heard.words for each in heard]


def failing(monkeypatch, place, name, when):
    """The function fails where `when` says so of its arguments."""
    real = getattr(place, name)

    def act(*given):
        problem = when(*given)
        if problem:
            raise problem
        return real(*given)

    monkeypatch.setattr(place, name, act)


def test_a_surprise_while_writing_does_not_end_the_writing(listening, sim, bot, monkeypatch, caplog):
    listening.start()
    connected(bot, sim)
    surprises = [RuntimeError("a mistake of ours")]
    failing(monkeypatch, relay, "written", lambda *given: surprises.pop() if surprises and given[0] else None)
    sim.say("one")
    until(lambda: not surprises)
    sim.say("two")
    until(lambda: told(bot))
    assert "failed in our own code" in caplog.text


def test_a_surprise_while_renewing_does_not_end_the_renewing(listening, sim, bot, monkeypatch):
    surprises = [RuntimeError("a mistake of ours")]
    failing(monkeypatch, leases, "keep", lambda *given: surprises.pop() if surprises else None)
    listening.start()
    connected(bot, sim)
    assert not surprises


def test_a_relay_that_cannot_renew_its_leases_gives_no_sign_of_life(listening, sim, bot, monkeypatch):
    relay, signs = listening.start(), []
    connected(bot, sim)
    relay.relay.alive = lambda: signs.append("alive")
    until(lambda: len(signs) > 1)
    tries = []
    failing(monkeypatch, leases, "keep", lambda *given: tries.append(given) or DatabaseError("gone"))
    until(lambda: len(tries) > 1)
    signs.clear()
    until(lambda: len(tries) > 4)
    assert signs == []


def test_what_the_database_refuses_is_left_out_and_the_rest_is_told(listening, sim, bot, monkeypatch, caplog):
    monkeypatch.setattr(relay, "FLUSH_SECONDS", 0.5)
    listening.start()
    connected(bot, sim)
    refused = IntegrityError("cannot be stored")
    failing(monkeypatch, writing, "write", lambda given, *_: refused if "poison" in words_of(given) else None)
    for words in ("one", "poison", "two"):
        sim.say(words)
    until(lambda: len(told(bot)) == 2)
    assert "is left out" in caplog.text


def test_words_that_change_nothing_delay_no_early_poll(listening, sim, bot, monkeypatch):
    listening.start()
    connected(bot, sim)
    until(lambda: listening.soon)
    monkeypatch.setattr(relay, "EARLY_GAP_SECONDS", 60.0)
    listening.soon.clear()
    sim.say("volume is low")
    until(lambda: told(bot))
    sim.open_trade("XRP/USDT", filled=False)
    until(lambda: listening.soon == [bot.pk])


def test_a_database_that_does_not_answer_is_not_the_bots_fault(listening, sim, bot, monkeypatch):
    problems = [DatabaseError("gone"), DatabaseError("gone")]
    failing(monkeypatch, relay, "opened_stream", lambda *given: problems.pop() if problems else None)
    listening.start()
    connected(bot, sim)
    assert not problems
    until(lambda: RelayLease.objects.get(bot=bot).connected_since)


def test_words_nested_too_deeply_are_a_bad_answer():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(BadAnswer):
        dumped(nested)


@pytest.mark.parametrize("act", ["keep", "release"])
def test_a_relay_whose_database_hangs_is_gone_before_its_leases_are(listening, sim, bot, monkeypatch, act):
    """Whatever the task that renews them waits for: by then another relay may listen."""
    monkeypatch.setattr(leases, "LEASE_SECONDS", 8.0)
    hangs, going_on = threading.Event(), threading.Event()
    failing(monkeypatch, leases, act, lambda *given: going_on.wait(20) and None if hangs.is_set() else None)
    second = builders.a_bot(bot.team, "another", status={"capabilities": ["websocket"]})
    relay = listening.start()
    connected(bot, sim)
    until(lambda: set(relay.relay.lines) == {bot.pk, second.pk})
    hangs.set()
    Bot.objects.filter(pk=second.pk).update(enabled=False)  # given up: hung up, then released
    until(lambda: not relay.relay.lines)
    until(lambda: not sim.listener.connections & {channel.connection for channel in sim.listener.channels})
    assert RelayProcess.objects.get().seen_at > timezone.now() - leases.lease_time(), "it still holds it"
    hangs.clear()
    going_on.set()
    until(lambda: set(relay.relay.lines) == {bot.pk})


def test_a_broker_that_hangs_delays_nothing_that_is_heard(quick, sim, bot):
    going_on, asked = threading.Event(), []
    relay = RelayThread(lambda bots: asked.append(bots) or going_on.wait(20))
    relay.start()
    connected(bot, sim)
    until(lambda: asked)
    sim.say("the broker does not answer")
    until(lambda: told(bot))
    assert len(asked) == 1
    going_on.set()
    relay.stop(5)
