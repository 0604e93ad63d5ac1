"""Every process of a team installation is killed, stopped and restarted while it works, and so are its engines.

FAULT_TRIES (1) tries of each fault, FAULT_SECONDS (12) for what lasts: FAULT_TRIES=50 FAULT_SECONDS=60 is the campaign.
FAULT_ONLY="worker_killed,redis" takes those with one of the words in their name.
The table stands at the end of the output.
"""

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
import pytest

from bots.domain.relaying.leases import LEASE_SECONDS
from bots.simulator import BotSpec, running_fleet
from tests.direct import DirectBot
from tests.hard.harm import FAULTS, Harm
from tests.hard.team import Team, team_installation
from tests.hard.test_relays import Watch, compared, listeners
from tests.hard.visitors import DOORS, METRICS_TOKEN, Watcher

pytestmark = [pytest.mark.hard, pytest.mark.alone]

TRIES = int(os.environ.get("FAULT_TRIES", "1"))
INTERVAL = 10.0  # seconds between two polls of a bot's state
SLACK = 3.0  # a tick, the way through the broker, and the poll itself, on a busy machine
RECOVERY = 2 * INTERVAL + SLACK
QUIET = 5.0  # seconds after which a page may no longer fail
PATIENCE = 120.0
MOST_CONNECTIONS = 45  # to the database, of the ten processes and the visitors' requests; the server's default is 100
# Four that are asked by the clock alone; two that trade, and are asked early when they say so.
SPECS = [BotSpec(name=f"quiet-{number}", seed=number, history=30, open_trades=2) for number in range(4)]
SPECS += [
    BotSpec(name=f"trader-{number}", seed=9 + number, state="stopped", auto_trade=True, pace=4.0, fill_seconds=0.5)
    for number in range(2)
]
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
WORDS = [word for word in os.environ.get("FAULT_ONLY", "").split(",") if word] or [""]
CHOSEN = [fault for fault in FAULTS if any(word in fault.__name__ for word in WORDS)]


@dataclass
class Outcome:
    fault: str
    recoveries: list[float] = field(default_factory=list)  # seconds until every bot was asked, and heard, again
    lost: int = 0  # polls beyond one interval
    doubled: int = 0  # rows told twice, polls of one turn, bots that two relays listened to
    stuck: int = 0  # leases that nobody holds, nor takes
    hung: int = 0  # requests
    failed_later: int = 0  # 5xx after the recovery window
    connections: int = 0  # to the database when all was well again, most of them

    def losses(self) -> list[int]:
        return [self.lost, self.doubled, self.stuck, self.hung, self.failed_later]

    def row(self) -> str:
        p95 = sorted(self.recoveries)[max(0, round(0.95 * len(self.recoveries)) - 1)]
        middle = statistics.median(self.recoveries)
        figures = f"{middle:6.1f} {p95:6.1f} {max(self.recoveries):6.1f}"
        counts = " ".join(f"{count:7}" for count in [*self.losses(), self.connections])
        return f"{self.fault:30} {len(self.recoveries):5} {figures} {counts}"


COLUMNS = " ".join(f"{name:>7}" for name in ("lost", "doubled", "stuck", "hung", "5xx", "links"))
HEADER = f"{'fault':30} {'tries':>5} {'median':>6} {'p95':>6} {'most':>6} {COLUMNS}   (recovery in s)"


@dataclass
class Trial:
    """One installation with its bots, watched from all sides."""

    team: Team
    sims: list
    watcher: Watcher
    lines: Watch

    def of(self, fault: Harm) -> Outcome:
        outcome = Outcome(fault.__name__.replace("_", " "))
        began = time.monotonic()
        for number in range(TRIES):
            # At another moment of the interval each time.
            time.sleep((number * 3.7 + 1.3) % INTERVAL)
            before = polls_of_quiet_bots(self.team), time.monotonic()
            fault(self.team, number)
            self.follow(outcome)
            outcome.doubled += polls_too_many(self.team, *before)
        outcome.doubled += doubled_rows(self.team) + self.lines.most - 1
        outcome.stuck = stuck_leases(self.team)
        outcome.hung = len(self.watcher.hung(began))
        self.lines.most = 0
        print(outcome.row(), flush=True)
        return outcome

    def follow(self, outcome: Outcome) -> None:
        over, over_clock = time.time(), time.monotonic()
        recovery = self.seconds_until_all_are_back(over)
        outcome.recoveries.append(recovery)
        outcome.lost += max(0, round((recovery - RECOVERY) / INTERVAL + 0.5)) if recovery > RECOVERY else 0
        time.sleep(max(0.0, QUIET + 2 - (time.monotonic() - over_clock)))
        outcome.failed_later += len(self.watcher.failed_since(over_clock + QUIET, over_clock + recovery))
        outcome.connections = max(outcome.connections, connections_to(self.team))

    def seconds_until_all_are_back(self, since: float) -> float:
        """Every bot was asked, successfully, after `since` (epoch), a relay listens to it, and every door is open."""
        asked = heard = doors = 0
        while asked + heard + doors < 2 * len(self.sims) + len(DOORS):
            told = f"{asked} asked, {heard} heard again, {doors} doors open"
            assert time.time() - since < PATIENCE, f"{told}\n{words_of(self.team)}"
            time.sleep(0.1)
            asked, heard = asked_since(self.team, since), sum(is_heard(sim) for sim in self.sims)
            doors = sum(self.watcher.status_at(door) == 200 for door in DOORS)
        return time.time() - since


def asked_since(team: Team, since: float) -> int:
    """0 while the database does not say."""
    try:
        ((asked,),) = team.rows("SELECT count(*) FROM bots_botstatus WHERE seen_at > to_timestamp(%s)", since)
    except psycopg.OperationalError:
        return 0
    return int(str(asked))


def polls_of_quiet_bots(team: Team) -> dict[object, int]:
    query = "SELECT b.name, s.polls FROM bots_botstatus s JOIN bots_bot b ON b.id = s.bot_id WHERE b.name LIKE %s"
    return {name: int(str(polls)) for name, polls in team.rows(query, "quiet%")}


def polls_too_many(team: Team, before: dict[object, int], began: float) -> int:
    """More than the clock has turns, and one poll of a turn that was taken again from who seemed dead."""
    turns = (time.monotonic() - began) / INTERVAL + 2
    return sum(max(0, round(polls - before[name] - turns)) for name, polls in polls_of_quiet_bots(team).items())


def is_heard(sim) -> bool:
    return any(channel.topics for channel in listeners(sim))


def doubled_rows(team: Team) -> int:
    once = {"bots_snapshot": "bot_id, at", "bots_trade": "bot_id, trade_id, open_ms"}
    query = "SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1) AS twice"
    return sum(int(str(team.rows(query.format(table, key))[0][0])) for table, key in once.items())


def connections_to(team: Team) -> int:
    ((held,),) = team.rows("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
    return int(str(held))


def stuck_leases(team: Team) -> int:
    """Leases that ran out and are still the same an interval later."""
    found = [(query, row) for query in (TURNS_RUN_OUT, LINES_RUN_OUT) for row in team.rows(query)]
    if not found:
        return 0
    time.sleep(INTERVAL)
    return sum(row in team.rows(query) for query, row in found)


TURNS_RUN_OUT = (
    "SELECT bot_id, fence, leased_until FROM bots_pollturn WHERE leased_until < now() - interval '3 seconds'"
)
LINES_RUN_OUT = f"""
    SELECT bot_id, fence, seen_at FROM bots_relaylease LEFT JOIN bots_relayprocess ON name = holder
    WHERE holder <> '' AND (seen_at IS NULL OR seen_at < now() - interval '{LEASE_SECONDS + 3} seconds')
"""


def words_of(team: Team) -> str:
    return "\n".join(f"--- {name}\n{part.words()}" for name, part in team.parts.items() if part.owner == "")


def test_whatever_is_killed_every_bot_is_soon_asked_again_and_nothing_is_doubled(
    tmp_path, show: Callable[[str], None]
) -> None:
    with running_fleet(SPECS) as fleet, team_installation(tmp_path, PORTAL_METRICS_TOKEN=METRICS_TOKEN) as team:
        trial = Trial(team, fleet.bots, Watcher(team, furnish(team, fleet.bots)), Watch(fleet.bots))
        trial.seconds_until_all_are_back(time.time())
        for sim in fleet.bots:
            sim.start()
        trial.watcher.start()
        print("\n" + HEADER, flush=True)
        outcomes = [trial.of(fault) for fault in CHOSEN]
        show("\n".join([HEADER, *(outcome.row() for outcome in outcomes)]))
        trial.watcher.ending.set()
        trial.lines.over.set()
        check_what_was_answered(trial.watcher)
        assert [outcome.fault for outcome in outcomes if any(outcome.losses())] == []
        assert [outcome.fault for outcome in outcomes if outcome.connections > MOST_CONNECTIONS] == []
        check_what_is_kept(team, fleet.bots)


def furnish(team: Team, sims) -> str:
    """The key of the session of Alice, who manages team Alpha and its bots."""
    session = team.manage("shell", "-v0", "-c", A_VISITOR).strip()
    secret = team.folder / "password"
    for sim in sims:
        secret.write_text(sim.spec.password)
        words = {"team": "alpha", "name": sim.name, "system": "freqtrade", "url": sim.url}
        options = [f"--{key}={value}" for key, value in {**words, "username": sim.spec.username}.items()]
        team.manage("add_bot", *options, f"--password-file={secret}", BOT_WS_TOKEN=sim.spec.ws_token)
    return session


def check_what_was_answered(watcher: Watcher) -> None:
    counted = Counter(answer[2] for answer in watcher.answers)
    slowest = max(answer[3] for answer in watcher.answers)
    print("the slowest of each:", slowest_of_each(watcher))
    print(f"{len(watcher.answers)} requests {dict(counted)}, slowest {slowest:.1f} s, {len(watcher.hung())} hung")
    assert counted.keys() <= {200, 503}
    assert watcher.hung() == []


def slowest_of_each(watcher: Watcher) -> dict[str, float]:
    slowest: dict[str, float] = {}
    for _, url, _, seconds in watcher.answers:
        path = urlsplit(url).path
        slowest[path] = max(round(seconds, 1), slowest.get(path, 0.0))
    return slowest


def check_what_is_kept(team: Team, sims) -> None:
    """Every trade of every bot once, every fill told once, an unbroken audit."""
    for sim in sims:
        sim.stop()
    time.sleep(INTERVAL)
    for sim in sims:
        team.manage("poll_bot", sim.name)
        direct = DirectBot(sim.url, sim.spec.username, sim.spec.password)
        known = {str(trade["trade_id"]) for trade in [*direct.get("trades?limit=500")["trades"], *direct.get("status")]}
        query = "SELECT trade_id FROM bots_trade JOIN bots_bot b ON b.id = bot_id WHERE b.name = %s"
        assert {row[0] for row in team.rows(query, sim.name)} == known
    traders = [sim for sim in sims if sim.name.startswith("trader")]
    lost, doubled, fills = compared(team, traders)
    print(f"{fills} fills of the bots that trade: {lost} not told, {doubled} told twice")
    assert (lost, doubled) == (0, 0)
    assert doubled_rows(team) == 0
    assert "Every entry is as it was written" in team.manage("verify_audit")
