"""A relay at simulated bots: what it hears, what it asks for, what it does when the line goes."""

import logging
import time

import pytest
from django.utils import timezone

from bots.domain.polling.schedule import due_kinds
from bots.domain.relaying import line
from bots.models import Event, PollTurn, RelayLease, RelayProcess
from bots.simulator import BotSpec, running_fleet
from bots.systems.contract import Kind
from tests.bots.domain.relaying.conftest import connected, until
from tests.fleets import known, polled


def kinds(bot, **only):
    return list(Event.objects.filter(bot=bot, **only).order_by("at", "pk").values_list("kind", flat=True))


def lease_of(bot):
    return RelayLease.objects.get(bot=bot)


def test_a_trade_is_heard_within_a_second_and_told_once_although_it_is_polled_too(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    trade = sim.open_trade("XRP/USDT", rate=0.5)
    sim.close_trade(trade.trade_id, rate=0.6, reason="roi")
    until(lambda: len(kinds(bot, pair="XRP/USDT")) == 4, seconds=1)
    polled(bot)
    polled(bot)
    assert kinds(bot, pair="XRP/USDT") == ["entry_placed", "entry_filled", "exit_placed", "exit_filled", "trade_closed"]
    told = Event.objects.filter(bot=bot, pair="XRP/USDT").exclude(kind="trade_closed")
    assert {event.source for event in told} == {"websocket"}
    assert all(event.told_key and event.trade_id for event in told)
    exited = Event.objects.get(bot=bot, kind="exit_filled")
    assert exited.data["profit_abs"] == format(trade.close_profit_abs, "f").rstrip("0")
    assert exited.data["currency"] == "USDT"


def test_what_a_message_makes_old_is_due_at_once_and_the_rest_is_not(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    until(lambda: listening.soon)
    polled(bot)
    listening.soon.clear()
    sim.open_trade("XRP/USDT", filled=False)
    until(lambda: listening.soon == [bot.pk])
    turn = PollTurn.objects.get(bot=bot)
    assert due_kinds(turn.due, bot.plan(), timezone.now()) == {Kind.OPEN_TRADES}
    assert turn.next_poll_at <= timezone.now()


def test_after_every_connect_the_bot_is_read_again(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    until(lambda: listening.soon)
    due = due_kinds(PollTurn.objects.get(bot=bot).due, bot.plan(), timezone.now())
    assert {Kind.OPEN_TRADES, Kind.CLOSED_TRADES, Kind.STATE} <= due
    assert Kind.CONFIG not in due


def test_a_reload_cuts_the_line_and_it_comes_back(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    sim.listener.restart_soon(0.05, 0.2)
    until(lambda: lease_of(bot).connects >= 2)
    connected(bot, sim)
    sim.open_trade("XRP/USDT")
    until(lambda: "entry_filled" in kinds(bot))


def test_stop_and_start_are_told_once_by_both_sources(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    sim.stop()
    until(lambda: kinds(bot) == ["stopped"])
    polled(bot)
    sim.start()
    until(lambda: kinds(bot) == ["stopped", "started"])
    polled(bot)
    assert kinds(bot) == ["stopped", "started"]


def test_locks_warnings_errors_and_the_strategys_words(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    sim.lock_pair("XRP/USDT", reason="2 stoplosses in 5 min")
    sim.say("volume is low")
    sim.say("volume is low")
    from bots.simulator import messages

    sim.publish(messages.warning("Could not load markets."))
    sim.publish(messages.exception("OperationalException: no space"))
    until(lambda: len(kinds(bot)) == 5)
    assert sorted(kinds(bot)) == ["exception", "protection", "strategy_message", "strategy_message", "warning"]
    polled(bot)
    assert Event.objects.filter(bot=bot, kind="lock_added").count() == 0
    assert Event.objects.get(bot=bot, kind="protection").text == "does not enter XRP/USDT"


def test_of_a_line_that_stands_is_known_again_after_its_relay_was_forgotten(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    until(lambda: lease_of(bot).connected_since)
    since = lease_of(bot).connected_since
    RelayProcess.objects.all().delete()
    until(lambda: lease_of(bot).fence == 2)
    until(lambda: lease_of(bot).connected_since == since)
    assert lease_of(bot).connects == 1


def test_a_half_open_line_is_noticed_and_opened_anew(listening, sim, bot, monkeypatch):
    monkeypatch.setattr(line, "ASK_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(line, "ANSWER_SECONDS", 0.3)
    listening.start()
    connected(bot, sim)
    sim.faults.half_open = True
    until(lambda: lease_of(bot).error_code == "connection_lost", seconds=5)
    sim.faults.half_open = False
    until(lambda: lease_of(bot).connected_since is not None and lease_of(bot).connects >= 2)


def test_a_silent_bot_that_answers_is_not_hung_up_on(listening, sim, bot, monkeypatch):
    monkeypatch.setattr(line, "ASK_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(line, "ANSWER_SECONDS", 0.2)
    relay = listening.start()
    connected(bot, sim)
    [(listened, _, _)] = relay.relay.lines.values()
    until(lambda: lease_of(bot).connects)
    written = lease_of(bot).messages
    time.sleep(2.5)  # the leases are renewed meanwhile
    assert listened.messages >= written + 3
    assert lease_of(bot).connects == 1
    assert lease_of(bot).messages == written, "its row is not written for every sign of life"


def test_a_flood_is_cut_down_and_said(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    sim.flood(5000)
    until(lambda: "warning" in kinds(bot))
    time.sleep(1.2)
    sim.open_trade("XRP/USDT")
    until(lambda: "entry_filled" in kinds(bot))
    assert kinds(bot).count("strategy_message") <= 2 * line.MOST_PER_SECOND
    assert Event.objects.get(bot=bot, kind="warning").text == "sends more than anybody can listen to"


def test_a_wrong_token_is_said_and_seldom_tried(listening, sim, bot):
    bot.set_secret("ws_token", "wrong")
    bot.save()
    listening.start()
    until(lambda: RelayLease.objects.filter(error_code="forbidden").exists())
    assert "ws_token" in lease_of(bot).last_error
    assert kinds(bot) == []


def test_a_bot_without_a_token_of_its_own_is_listened_to_by_a_login(listening, sim, bot):
    bot.sealed.pop("ws_token")
    bot.save()
    listening.start()
    connected(bot, sim)


def test_a_changed_token_is_taken_up(listening, sim, bot):
    bot.set_secret("ws_token", "wrong")
    bot.save()
    listening.start()
    until(lambda: RelayLease.objects.filter(error_code="forbidden").exists())
    bot.set_secret("ws_token", sim.spec.ws_token)
    bot.save()
    connected(bot, sim)


def test_a_bot_nobody_asks_is_not_listened_to(listening, sim, bot):
    listening.start()
    connected(bot, sim)
    bot.enabled = False
    bot.save()
    until(lambda: not sim.listener.connections)
    until(lambda: lease_of(bot).holder == "")


def test_an_early_release_is_left_in_peace(listening, alpha):
    with running_fleet([BotSpec(release="2022.8")]) as fleet:
        old = known(fleet.bots[0], alpha)
        polled(old)
        listening.start()
        time.sleep(0.8)
        assert not RelayLease.objects.filter(bot=old).exists()
        assert not [asked for asked in fleet.bots[0].requests if "message/ws" in asked.path]


@pytest.mark.parametrize("release", ["2022.9", "2022.12", "2023.3", "2026.9"])
def test_every_release_takes_the_subscription(listening, alpha, release):
    with running_fleet([BotSpec(release=release)]) as fleet:
        sim = fleet.bots[0]
        bot = known(sim, alpha)
        bot.set_secret("ws_token", sim.spec.ws_token)
        bot.save()
        polled(bot)
        listening.start()
        connected(bot, sim)
        sim.open_trade("XRP/USDT")
        until(lambda: kinds(bot) == ["entry_placed", "entry_filled"])
        polled(bot)
        assert kinds(bot) == ["entry_placed", "entry_filled"]


def test_the_token_is_in_no_log(listening, sim, bot, caplog):
    caplog.set_level(logging.DEBUG)
    bot.set_secret("ws_token", "canary-of-a-token")
    bot.save()
    listening.start()
    until(lambda: RelayLease.objects.filter(error_code="forbidden").exists())
    sim.shut_down()
    time.sleep(0.5)
    assert "canary-of-a-token" not in caplog.text
    assert "canary-of-a-token" not in lease_of(bot).last_error
