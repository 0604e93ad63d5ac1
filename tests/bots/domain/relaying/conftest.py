"""A relay beside simulated bots, in its own thread, as in the all-in-one process."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from accounts.models import Team
from bots.domain.relaying import leases, line
from bots.domain.relaying.relay import RelayThread
from bots.models import Bot
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.fleets import known, polled


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    settings.PORTAL_POLL_DEADLINE_SECONDS = 2.0
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    monkeypatch.setattr(leases, "LEASE_SECONDS", 2.0)
    monkeypatch.setattr(leases, "HANG_UP_SECONDS", 1.4)
    monkeypatch.setattr(line, "FIRST_PAUSE", 0.1)


@pytest.fixture
def sim() -> Iterator[SimBot]:
    with running_fleet([BotSpec(name="majors", history=3, open_trades=1)]) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def bot(sim: SimBot, transactional_db: None, alpha: Team) -> Bot:
    """Known with the token of its websocket, and read to the end of its history."""
    bot = known(sim, alpha)
    bot.set_secret("ws_token", sim.spec.ws_token)
    bot.save()
    polled(bot)
    return bot


class Listening:
    """Relays under way; `soon` collects the bots they want polled at once."""

    def __init__(self) -> None:
        self.relays: list[RelayThread] = []
        self.soon: list[int] = []

    def start(self) -> RelayThread:
        relay = RelayThread(self.hasten)
        relay.start()
        self.relays.append(relay)
        return relay

    def hasten(self, bots: list[int]) -> None:
        self.soon += bots
        connection.close()

    def stop(self) -> None:
        for relay in self.relays:
            relay.stop(5)


@pytest.fixture
def listening(quick: None, transactional_db: None) -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.stop()
    for thread in threading.enumerate():
        if thread.name.startswith("relay-"):
            thread.join(2)


def connected(bot: Bot, sim: SimBot) -> None:
    """The line stands and what was subscribed is known to the bot."""
    until(lambda: any(channel.topics for channel in sim.listener.channels))
