"""A simulated bot of Alice's team, known to the portal and not polled yet."""

from collections.abc import Iterator

import pytest

from accounts.models import Team
from bots.models import Bot
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.fleets import known

SPEC = BotSpec(name="majors", history=12, open_trades=2, currency="EUR")


@pytest.fixture
def sim() -> Iterator[SimBot]:
    with running_fleet([SPEC]) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def bot(sim: SimBot, alpha: Team) -> Bot:
    return known(sim, alpha)
