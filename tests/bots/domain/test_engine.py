"""A writer that is behind: what waits for it is neither asked twice nor thrown away, and nobody else is kept out."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Team
from bots.domain.polling import engine as engines
from bots.domain.polling import keeping, schedule
from bots.domain.polling.engine import Engine
from bots.domain.polling.orders import PollOrder
from bots.domain.polling.schedule import claim_due
from bots.models import Bot, BotStatus, PollTurn
from bots.simulator import BotSpec, Fleet, running_fleet
from tests.builders import team
from tests.fleets import known

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30.0


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with running_fleet([BotSpec(name=f"bot-{number}", seed=number, history=0) for number in range(5)]) as fleet:
        yield fleet


@pytest.fixture
def alpha() -> Team:
    return team("Alpha")


@pytest.fixture
def bots(fleet: Fleet, alpha: Team) -> list[Bot]:
    return [known(sim, alpha) for sim in fleet.bots]


@contextmanager
def running() -> Iterator[Engine]:
    engine = Engine().start()
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The writer waits until it is set."""
    opened, write = threading.Event(), engines.write_batch

    def wait_and_write(*given: object) -> None:
        assert opened.wait(PATIENCE)
        write(*given)

    monkeypatch.setattr(engines, "write_batch", wait_and_write)
    return opened


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    assert true()


def asked(fleet: Fleet) -> list[int]:
    """How often each bot was asked for its state."""
    return [sim.requests.count("/show_config") for sim in fleet.bots]


def polls() -> list[int]:
    return list(BotStatus.objects.order_by("pk").values_list("polls", flat=True))


def test_what_waits_for_the_writer_is_asked_by_nobody_else(
    fleet: Fleet, bots: list[Bot], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(keeping, "RENEW_SECONDS", 0.2)
    with running() as engine:
        engine.ask(claim_due())
        until(lambda: not engine.under_way and all(asked(fleet)))
        before = asked(fleet)
        PollTurn.objects.update(leased_until=timezone.now() + timedelta(seconds=schedule.LEASE_SECONDS))
        time.sleep(2 * schedule.LEASE_SECONDS)
        assert claim_due() == []
        gate.set()
        until(lambda: polls() == [1] * 5)
        until(lambda: engine.keeper.held == {})
    assert asked(fleet) == before
    assert set(PollTurn.objects.values_list("leased_until", "fence")) == {(None, 1)}


def test_no_more_bots_are_asked_than_the_writer_has_room_for(
    fleet: Fleet, bots: list[Bot], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POLLS_AT_ONCE", 2)
    with running() as engine:
        engine.ask(claim_due())
        until(lambda: sum(map(bool, asked(fleet))) == 2)
        time.sleep(0.5)
        assert sum(map(bool, asked(fleet))) == 2
        gate.set()
        until(lambda: polls() == [1] * 5)


def test_a_conversation_that_was_cancelled_leaves_its_place_to_others(
    fleet: Fleet, bots: list[Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim that nobody ends would be held for good, and the worker take one bot less from then on."""
    begun = list[int]()

    async def cancelled(order: PollOrder, *_: object) -> None:
        begun.append(order.bot.pk)
        raise asyncio.CancelledError

    monkeypatch.setattr(engines, "converse", cancelled)
    with running() as engine:
        engine.ask(claim_due())
        until(lambda: len(begun) == 5)
        until(lambda: engine.keeper.held == {})
        assert engine.places._value == engines.POLLS_AT_ONCE


def test_a_person_gets_to_write_while_the_writer_is_behind(bots: list[Bot], monkeypatch: pytest.MonkeyPatch) -> None:
    """Alice pauses a bot. On SQLite she would wait until all is written that waits to be written."""
    portions, begun = 20, list[int]()

    def hold_the_database(*_: object) -> None:
        with transaction.atomic():
            BotStatus.objects.filter(bot=bots[0]).update(polls=len(begun))
            begun.append(len(begun))
            time.sleep(0.3)

    monkeypatch.setattr(engines, "write_batch", hold_the_database)
    monkeypatch.setattr(engines, "portions", lambda _: [[]] * portions)
    with running() as engine:
        engine.batches.put([])
        until(lambda: bool(begun))
        Bot.objects.filter(pk=bots[0].pk).update(enabled=False)
        still_behind = len(begun) < portions
        until(lambda: len(begun) == portions)
    assert still_behind
