"""Every process of a team installation is killed, stopped and restarted while it works, and so are its engines.

FAULT_TRIES (1) tries of each fault, FAULT_SECONDS (12) for what lasts: FAULT_TRIES=50 FAULT_SECONDS=60 is the campaign.
FAULT_ONLY="redis" takes those with the word in their name.
The table stands at the end of the output (pytest -s).
"""

import os
import signal
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import pytest

from bots.simulator import BotSpec, running_fleet
from tests.direct import DirectBot
from tests.hard.team import Team, team_installation

pytestmark = pytest.mark.hard

TRIES = int(os.environ.get("FAULT_TRIES", "1"))
LASTING = float(os.environ.get("FAULT_SECONDS", "12"))
INTERVAL = 10.0  # seconds between two polls of a bot's state
SLACK = 3.0  # a tick, the way through the broker, and the poll itself, on a busy machine
RECOVERY = 2 * INTERVAL + SLACK
QUIET = 5.0  # seconds after which a page may no longer fail
HUNG = 10.0
BOTS = 6
ASKED = ("/livez", "/", "/api/v1/bots/")
A_VISITOR = """
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from accounts.models import Membership, Team, User
alice = User.objects.create(username="alice", email="alice@example.org")
Membership.objects.create(user=alice, team=Team.objects.create(name="Alpha", slug="alpha"), role="manager")
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(alice.pk), alice.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session.create()
print(session.session_key)
"""


@dataclass
class Watcher:
    """Asks both web processes all the time, as people do. A refused connection is a killed process, not an answer."""

    team: Team
    session: str
    answers: list[tuple[float, str, int, float]] = field(default_factory=list)  # when, path, status, seconds
    ending: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        for web in ("web-1", "web-2"):
            for path in ASKED:
                threading.Thread(target=self.ask_on, args=(self.team.address(web) + path,), daemon=True).start()

    def ask_on(self, url: str) -> None:
        while not self.ending.wait(0.4):
            began = time.monotonic()
            status = status_of(url, self.session)
            if status:
                self.answers.append((began, url, status, time.monotonic() - began))

    def hung(self) -> list[tuple[float, str, int, float]]:
        return [answer for answer in self.answers if answer[3] > HUNG]

    def failed_since(self, moment: float) -> list[tuple[float, str, int, float]]:
        return [answer for answer in self.answers if answer[0] > moment and answer[2] >= 500]


def status_of(url: str, session: str) -> int:
    """0: nobody listens there, or the listener went away."""
    asked = urllib.request.Request(url, headers={"Cookie": f"session={session}"})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert "/login/" not in answer.url, "the visitor was logged out"
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except TimeoutError:
        return 599
    except OSError:
        return 0


@dataclass
class Outcome:
    fault: str
    recoveries: list[float] = field(default_factory=list)
    lost: int = 0  # polls beyond one interval
    failed_later: int = 0  # 5xx after the recovery window

    def row(self) -> str:
        p95 = sorted(self.recoveries)[max(0, round(0.95 * len(self.recoveries)) - 1)]
        middle = statistics.median(self.recoveries)
        figures = f"{middle:6.1f} {p95:6.1f} {max(self.recoveries):6.1f}"
        return f"{self.fault:34} {len(self.recoveries):5} {figures} {self.lost:6} {self.failed_later:6}"


HEADER = f"{'fault':34} {'tries':>5} {'median':>6} {'p95':>6} {'most':>6} {'lost':>6} {'5xx':>6}   (recovery in s)"


def worker_killed(team: Team, number: int) -> None:
    team.parts[f"polls-{1 + number % 2}"].restart(seconds=1)


def both_workers_killed(team: Team, number: int) -> None:
    for name in ("polls-1", "polls-2"):
        team.parts[name].end()
    for name in ("polls-1", "polls-2"):
        team.parts[name].start()


def worker_restarted_in_peace(team: Team, number: int) -> None:
    team.parts[f"polls-{1 + number % 2}"].restart(signal.SIGTERM)


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
    team.parts["redis"].restart(seconds=LASTING / 2)


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


def web_killed(team: Team, number: int) -> None:
    team.parts[f"web-{1 + number % 2}"].restart()


FAULTS: list[Callable[[Team, int], None]] = [
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
    web_killed,
]
CHOSEN = [fault for fault in FAULTS if os.environ.get("FAULT_ONLY", "") in fault.__name__]


def seconds_until_all_are_asked_again(team: Team, since: float) -> float:
    """Every bot has been asked, successfully, after `since` (epoch)."""
    query = "SELECT count(*) FROM bots_botstatus WHERE seen_at > to_timestamp(%s)"
    while True:
        try:
            ((asked,),) = team.rows(query, since)
        except psycopg.OperationalError:
            asked = 0
        if asked == BOTS:
            return time.time() - since
        assert time.time() - since < 120, f"{asked} of {BOTS} bots were asked again\n{words_of(team)}"
        time.sleep(0.2)


def words_of(team: Team) -> str:
    return "\n".join(f"--- {name}\n{team.parts[name].words()}" for name in ("polls-1", "polls-2", "beat"))


def tried(team: Team, watcher: Watcher, fault: Callable[[Team, int], None]) -> Outcome:
    outcome = Outcome(fault.__name__.replace("_", " "))
    for number in range(TRIES):
        # At another moment of the interval each time.
        time.sleep((number * 3.7 + 1.3) % INTERVAL)
        fault(team, number)
        over, over_clock = time.time(), time.monotonic()
        recovery = seconds_until_all_are_asked_again(team, over)
        outcome.recoveries.append(recovery)
        outcome.lost += max(0, round((recovery - RECOVERY) / INTERVAL + 0.5)) if recovery > RECOVERY else 0
        time.sleep(max(0.0, QUIET + 2 - (time.monotonic() - over_clock)))
        outcome.failed_later += len(watcher.failed_since(over_clock + QUIET))
    return outcome


def test_whatever_is_killed_every_bot_is_soon_asked_again_and_nothing_is_doubled(tmp_path) -> None:
    specs = [BotSpec(name=f"bot {number}", seed=number, history=30, open_trades=2) for number in range(BOTS)]
    with running_fleet(specs) as fleet, team_installation(tmp_path) as team:
        session = furnish(team, fleet.bots)
        seconds_until_all_are_asked_again(team, time.time())
        watcher = Watcher(team, session)
        watcher.start()
        outcomes = [tried(team, watcher, fault) for fault in CHOSEN]
        watcher.ending.set()
        print("\n" + "\n".join([HEADER, *(outcome.row() for outcome in outcomes)]))
        slowest = max(answer[3] for answer in watcher.answers)
        assert {answer[2] for answer in watcher.answers} <= {200, 500, 503}
        assert [answer for answer in watcher.answers if answer[2] == 500] == []
        print(f"{len(watcher.answers)} requests, slowest {slowest:.1f} s, {len(watcher.hung())} hung")
        assert watcher.hung() == []
        assert {outcome.fault: (outcome.lost, outcome.failed_later) for outcome in outcomes} == {
            outcome.fault: (0, 0) for outcome in outcomes
        }
        check_what_is_kept(team, fleet.bots)


def furnish(team: Team, bots) -> str:
    """The key of the session of Alice, who manages team Alpha and its bots."""
    session = team.manage("shell", "-v0", "-c", A_VISITOR).strip()
    secret = team.folder / "password"
    for bot in bots:
        secret.write_text(bot.spec.password)
        words = {
            "team": "alpha",
            "name": bot.name,
            "system": "freqtrade",
            "url": bot.url,
            "username": bot.spec.username,
        }
        team.manage("add_bot", *(f"--{key}={value}" for key, value in words.items()), f"--password-file={secret}")
    return session


def check_what_is_kept(team: Team, bots) -> None:
    """No row twice, no trade missing, no lease that nobody holds, an unbroken audit."""
    assert team.rows("SELECT bot_id, at FROM bots_snapshot GROUP BY 1, 2 HAVING count(*) > 1") == []
    assert team.rows("SELECT bot_id, trade_id, open_ms FROM bots_trade GROUP BY 1, 2, 3 HAVING count(*) > 1") == []
    for bot in bots:
        direct = DirectBot(bot.url, bot.spec.username, bot.spec.password)
        known = {str(trade["trade_id"]) for trade in [*direct.get("trades?limit=500")["trades"], *direct.get("status")]}
        query = "SELECT trade_id FROM bots_trade JOIN bots_bot b ON b.id = bot_id WHERE b.name = %s"
        assert {row[0] for row in team.rows(query, bot.name)} == known
    time.sleep(INTERVAL)
    stuck = "SELECT bot_id, fence, leased_until FROM bots_pollturn WHERE leased_until < now() - interval '3 seconds'"
    assert team.rows(stuck) == []
    assert "Every entry is as it was written" in team.manage("verify_audit")
