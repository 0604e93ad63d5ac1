"""Redis was away: whoever waits for it asks again within two seconds, however long that lasted."""

from collections.abc import Callable
from itertools import pairwise

import kombu.utils.functional
import pytest
from celery.worker import WorkController
from kombu import Connection
from kombu.exceptions import OperationalError

from portal.celery import app
from portal.clock import Clock
from tests import engines

MINUTES = 300  # seconds
REFUSING = f"redis://127.0.0.1:{engines.free_port()}/0"


class Enough(Exception):
    """Redis was away for as long as the test wants to see."""


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When Redis, which refuses, was tried, by a clock that only goes on while somebody sleeps."""
    now, tried = 0.0, []
    connect = Connection._connection_factory

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > MINUTES:
            raise Enough

    def try_to_connect(connection: Connection) -> object:
        tried.append(now)
        return connect(connection)

    monkeypatch.setattr(kombu.utils.functional, "sleep", sleep)
    monkeypatch.setattr(Connection, "_connection_factory", try_to_connect)
    for name in ("READ", "WRITE"):
        monkeypatch.setenv(f"CELERY_BROKER_{name}_URL", REFUSING)
    return tried


def worker_connects() -> None:
    WorkController(app=app, without_gossip=True, without_mingle=True, without_heartbeat=True).consumer.connect()


def clock_connects() -> None:
    Clock(app=app)._ensure_connected()


@pytest.mark.parametrize("connects", [worker_connects, clock_connects])
def test_after_minutes_the_next_try_is_no_further_than_after_seconds(
    connects: Callable[[], None], tries: list[float]
) -> None:
    with pytest.raises(Enough):
        connects()
    pauses = [round(after - before, 3) for before, after in pairwise(tries)]
    assert pauses[:5] == [0.5, 1.0, 1.5, 2.0, 2.0]
    assert set(pauses[5:]) == {2.0}
    assert tries[-1] > MINUTES - 3


def test_who_hands_something_over_is_told_soon_that_redis_refuses(tries: list[float]) -> None:
    with app.connection_for_write() as connection, pytest.raises(OperationalError):
        app.send_task("bots.tasks.tick", connection=connection)
    assert tries[-1] < 1
