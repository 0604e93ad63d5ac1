"""A connection is tried by a worker before it is saved, and the answer says precisely what is wrong."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.caller import By, Caller
from accounts.models import Team, User
from bots.domain.audit import Actor
from bots.domain.connection_tests import Outcome, ask_test, forget_old_tests, run_test
from bots.domain.connections import add_bot, change_bot
from bots.models import AuditEntry, Bot, ConnectionTest
from bots.simulator import BotSpec, SimBot, running_fleet
from bots.systems.addresses import AddressPolicy
from bots.systems.http import HttpDoor
from tests.canary import CANARY, tables_that_hold


@pytest.fixture
def manager(alice: User, alpha: Team) -> Actor:
    return Actor.of(By(alice, Caller("192.0.2.7", "Firefox")), alpha)


@pytest.fixture
def sim() -> Iterator[SimBot]:
    with running_fleet([BotSpec(name="grid", password=CANARY)]) as fleet:
        yield fleet.bots[0]


def open_door() -> HttpDoor:
    return HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=3, connect_deadline=1)


def asked(manager: Actor, team: Team, url: str, password: str = CANARY, **more: object) -> ConnectionTest:
    typed = {"url": url, "username": "freqtrader", "password": password}
    return ask_test(manager, team, system="freqtrade", connection=typed, **more)


def tried(test: ConnectionTest) -> Outcome | None:
    return run_test(test.uuid, open_door, asyncio.run)


def test_a_bot_that_answers_is_described(manager: Actor, alpha: Team, sim: SimBot) -> None:
    test = asked(manager, alpha, sim.url)
    outcome = tried(test)
    assert (outcome.ok, outcome.code, outcome.version, outcome.mode) == (True, "ok", "2026.9", "dry")
    assert (outcome.state, outcome.stake_currency) == ("running", "USDT")
    test.refresh_from_db()
    assert (test.state, test.outcome["ok"], test.outcome["version"]) == ("done", True, "2026.9")


def test_a_wrong_password_is_called_so(manager: Actor, alpha: Team, sim: SimBot) -> None:
    outcome = tried(asked(manager, alpha, sim.url, password="guess"))
    assert (outcome.ok, outcome.code, outcome.state) == (False, "wrong_password", "auth_failed")


def test_a_closed_port_is_named(manager: Actor, alpha: Team) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    outcome = tried(asked(manager, alpha, f"http://127.0.0.1:{port}"))
    assert (outcome.code, outcome.state) == ("connection_refused", "offline")
    assert str(port) in outcome.sentence


def test_an_address_outside_the_allowed_networks_is_not_asked(manager: Actor, alpha: Team) -> None:
    assert tried(asked(manager, alpha, "http://10.8.0.12:8080")).code == "address_not_allowed"


def test_what_cannot_be_a_connection_is_not_even_asked(manager: Actor, alpha: Team) -> None:
    with pytest.raises(ValidationError) as raised:
        asked(manager, alpha, "ftp://bot")
    assert list(raised.value.message_dict) == ["url"]
    assert ConnectionTest.objects.count() == 0


def test_the_typed_secret_travels_sealed_and_is_erased_with_the_answer(
    manager: Actor, alpha: Team, sim: SimBot
) -> None:
    test = asked(manager, alpha, sim.url)
    assert test.sealed["password"].startswith("v1.")
    assert tables_that_hold(CANARY) == []
    tried(test)
    test.refresh_from_db()
    assert test.sealed == {}
    assert tables_that_hold(CANARY) == []


def test_asking_is_audited_with_the_names_of_what_was_typed(manager: Actor, alpha: Team) -> None:
    asked(manager, alpha, "http://127.0.0.1:8080")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.team, entry.subject) == (
        "connection_tested",
        "alice",
        "alpha",
        "http://127.0.0.1:8080",
    )
    assert entry.details == {"system": "freqtrade", "typed_fields": ["password", "url", "username"]}


def test_it_is_tried_once_however_many_workers_hear_of_it(manager: Actor, alpha: Team, sim: SimBot) -> None:
    test = asked(manager, alpha, sim.url)
    assert tried(test).ok
    assert tried(test) is None


def test_an_empty_password_stands_for_the_stored_one(manager: Actor, alpha: Team, sim: SimBot) -> None:
    bot = saved(manager, alpha, sim.url)
    assert tried(asked(manager, alpha, sim.url, password="", bot=bot)).ok


def test_a_stored_password_is_not_tried_at_another_address(manager: Actor, alpha: Team, sim: SimBot) -> None:
    bot = saved(manager, alpha, "http://127.0.0.1:1")
    with pytest.raises(ValidationError) as raised:
        asked(manager, alpha, sim.url, password="", bot=bot)
    assert list(raised.value.message_dict) == ["password"]


def test_a_connection_changed_meanwhile_is_not_tried_with_the_new_password(
    manager: Actor, alpha: Team, sim: SimBot
) -> None:
    bot = saved(manager, alpha, sim.url)
    test = asked(manager, alpha, sim.url, password="", bot=bot)
    change_bot(manager, bot, connection={"url": "http://127.0.0.1:1", "password": "another"})
    assert tried(test).code == "changed_meanwhile"
    assert sim.requests.count() == 0


def test_a_secret_sealed_for_another_row_does_not_open(manager: Actor, alpha: Team, sim: SimBot) -> None:
    ours, theirs = asked(manager, alpha, sim.url), asked(manager, alpha, sim.url)
    ConnectionTest.objects.filter(pk=ours.pk).update(sealed=theirs.sealed)
    outcome = tried(ours)
    assert (outcome.ok, outcome.code) == (False, "seal_broken")
    assert CANARY not in outcome.sentence


def test_a_portal_that_fails_while_trying_says_so(manager: Actor, alpha: Team, sim: SimBot) -> None:
    test = asked(manager, alpha, sim.url)

    def no_door() -> HttpDoor:
        raise MemoryError

    with pytest.raises(MemoryError):
        run_test(test.uuid, no_door, asyncio.run)
    test.refresh_from_db()
    assert (test.state, test.outcome["code"], test.sealed) == ("done", "portal_error", {})


def test_nobody_else_sees_alices_test(manager: Actor, alpha: Team, alice: User, charlie: User, bob: User) -> None:
    test = asked(manager, alpha, "http://127.0.0.1:8080")
    assert list(ConnectionTest.objects.asked_by(alice)) == [test]
    assert list(ConnectionTest.objects.asked_by(bob)) == list(ConnectionTest.objects.asked_by(charlie)) == []


def test_after_ten_minutes_it_is_forgotten(manager: Actor, alpha: Team) -> None:
    old, young = (asked(manager, alpha, "http://127.0.0.1:8080") for _ in range(2))
    ConnectionTest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(minutes=10, seconds=1))
    assert forget_old_tests() == 1
    assert list(ConnectionTest.objects.all()) == [young]


def saved(manager: Actor, team: Team, url: str) -> Bot:
    typed = {"url": url, "username": "freqtrader", "password": CANARY}
    return add_bot(manager, team, system="freqtrade", name="Grid", connection=typed)
