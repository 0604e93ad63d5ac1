"""What is done to the processes and engines of a team installation, and what each lasts."""

import os
import signal
import time
from collections.abc import Callable

from tests.hard.team import Team

LASTING = float(os.environ.get("FAULT_SECONDS", "12"))
Harm = Callable[[Team, int], None]


def other(number: int) -> int:
    return 1 + number % 2


def nothing(team: Team, number: int) -> None:
    """What the machine and the clock alone take: the other rows are to be read against it."""


def worker_killed(team: Team, number: int) -> None:
    team.parts[f"polls-{other(number)}"].restart(seconds=1)


def both_workers_killed(team: Team, number: int) -> None:
    for name in ("polls-1", "polls-2"):
        team.parts[name].end()
    for name in ("polls-1", "polls-2"):
        team.parts[name].start()


def worker_restarted_in_peace(team: Team, number: int) -> None:
    team.parts[f"polls-{other(number)}"].restart(signal.SIGTERM)


def beat_killed(team: Team, number: int) -> None:
    team.parts["beat"].restart(seconds=2)


def two_beats(team: Team, number: int) -> None:
    second = team.beat("beat-2")
    second.start()
    time.sleep(LASTING)
    second.end()


def redis_restarted(team: Team, number: int) -> None:
    team.parts["redis"].restart(signal.SIGTERM)


def redis_killed(team: Team, number: int) -> None:
    team.parts["redis"].restart(seconds=LASTING)


def redis_hangs(team: Team, number: int) -> None:
    with team.parts["redis"].stopped():
        time.sleep(LASTING)


def postgresql_restarted_at_once(team: Team, number: int) -> None:
    team.parts["postgres"].restart(signal.SIGQUIT)
    team.wait_for_database()


def postgresql_down(team: Team, number: int) -> None:
    team.parts["postgres"].restart(signal.SIGQUIT, seconds=LASTING)
    team.wait_for_database()


def postgresql_hangs(team: Team, number: int) -> None:
    with team.parts["postgres"].stopped():
        time.sleep(LASTING)


def relay_killed(team: Team, number: int) -> None:
    team.parts[f"relay-{other(number)}"].restart(seconds=2)


def both_relays_killed(team: Team, number: int) -> None:
    for name in ("relay-1", "relay-2"):
        team.parts[name].end()
    for name in ("relay-1", "relay-2"):
        team.parts[name].start()


def gateway_killed(team: Team, number: int) -> None:
    team.parts["gateway"].restart()


def web_killed(team: Team, number: int) -> None:
    team.parts[f"web-{other(number)}"].restart()


FAULTS: list[Harm] = [
    nothing,
    worker_killed,
    both_workers_killed,
    worker_restarted_in_peace,
    beat_killed,
    two_beats,
    redis_restarted,
    redis_killed,
    redis_hangs,
    postgresql_restarted_at_once,
    postgresql_down,
    postgresql_hangs,
    relay_killed,
    both_relays_killed,
    web_killed,
    gateway_killed,
]
