"""Two relays share the bots; one is killed without warning, again and again. The bots are heard again within the lease
time, never by two at once, and in the end every fill is told exactly once."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack

import psycopg
import pytest

from bots.domain.relaying.leases import LEASE_SECONDS, RENEW_SECONDS
from bots.simulator import BotSpec, running_fleet
from tests.process import A_TEAM, ROOT
from tests.run import team_installation

pytestmark = pytest.mark.hard

KILLS = int(os.environ.get("RELAY_KILLS", "6"))
SPECS = [
    BotSpec(
        name=f"bot-{number}", seed=number, release=release, state="stopped", auto_trade=True, pace=2.0, fill_seconds=0.5
    )
    for number, release in enumerate(["2022.9.1", "2023.3", "2024.3", "2026.9", "2026.9", "2026.9"], 1)
]
PATIENCE = 120.0  # seconds: how soon they are heard again is told, not asserted; the machine may be busy


class Installation:
    """A team installation's database and broker, and commands in it."""

    def __init__(self, stack, folder):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        self.environment = {**inherited, **team_installation(stack), "PORTAL_DATA_DIR": str(folder)}
        self.environment |= {"PORTAL_ALLOWED_NETWORKS": "loopback", "LOG_LEVEL": "WARNING"}
        self.folder = folder

    def manage(self, *words, **more):
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env={**self.environment, **more}, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{words[0]}: {done.stdout[-500:]}{done.stderr[-2000:]}"

    def relay(self):
        log = (self.folder / "relay.log").open("ab")
        return subprocess.Popen([sys.executable, "manage.py", "relay"], cwd=ROOT, env=self.environment, stderr=log)

    def rows(self, query):
        with psycopg.connect(self.environment["DATABASE_URL"]) as database:
            return database.execute(query).fetchall()


def listeners(sim):
    return [channel for channel in list(sim.listener.channels) if channel.connection in sim.listener.connections]


class Watch:
    """Looks at every bot all the time: how many listen to it."""

    def __init__(self, sims):
        self.sims, self.most, self.over = sims, 0, threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.over.is_set():
            self.most = max(self.most, *(len(listeners(sim)) for sim in self.sims))
            time.sleep(0.02)


def until_some_are_unheard(sims):
    """The bots learn a moment later that who listened is gone."""
    deadline = time.monotonic() + PATIENCE
    while all(listeners(sim) for sim in sims):
        assert time.monotonic() < deadline, "the relay that was killed held no bot"
        time.sleep(0.005)


def until_all_are_heard(sims, seconds):
    began = time.monotonic()
    while not all(any(channel.topics for channel in listeners(sim)) for sim in sims):
        assert time.monotonic() - began < seconds, [len(listeners(sim)) for sim in sims]
        time.sleep(0.02)
    return time.monotonic() - began


def until_shared(portal, relays):
    """Until so many relays hold bots at once, all of them heard: one that holds none would be killed for nothing."""
    deadline = time.monotonic() + PATIENCE
    query = f"""SELECT count(*), count(DISTINCT holder), count(connected_since)
                FROM bots_relaylease JOIN bots_relayprocess ON name = holder
                WHERE seen_at > now() - interval '{LEASE_SECONDS} seconds'"""
    while portal.rows(query) != [(len(SPECS), relays, len(SPECS))]:
        assert time.monotonic() < deadline, portal.rows("SELECT * FROM bots_relaylease")
        time.sleep(0.1)


def test_relays_that_are_killed(tmp_path, show):
    with ExitStack() as stack:
        portal = Installation(stack, tmp_path)
        portal.manage("migrate", "-v0")
        portal.manage("shell", "-v0", "-c", A_TEAM)
        sims = stack.enter_context(running_fleet(SPECS)).bots
        for sim in sims:
            add(portal, sim, tmp_path)
            portal.manage("poll_bot", sim.name)
        relays = [portal.relay(), portal.relay()]
        stack.callback(lambda: [relay.kill() for relay in relays])
        until_all_are_heard(sims, PATIENCE)
        for sim in sims:
            sim.start()
        watch, took = Watch(sims), []
        for number in range(KILLS):
            until_shared(portal, 2)
            relays[number % 2].send_signal(signal.SIGKILL)
            relays[number % 2].wait()
            until_some_are_unheard(sims)
            took.append(until_all_are_heard(sims, PATIENCE))
            relays[number % 2] = portal.relay()
        watch.over.set()
        for sim in sims:
            sim.stop()
        time.sleep(2)
        for sim in sims:
            portal.manage("poll_bot", sim.name)
        lost, doubled, fills = compared(portal, sims)
    took.sort()
    p95 = took[int(len(took) * 0.95)]
    show(
        f"{KILLS} kills: heard again after {took[len(took) // 2]:.1f} s (p50), {p95:.1f} s (p95),"
        f" {took[-1]:.1f} s (worst), the lease and its beat being {LEASE_SECONDS + RENEW_SECONDS:g} s;"
        f" {fills} fills, {lost} lost, {doubled} doubled; at most {watch.most} listened to a bot at once"
    )
    assert (lost, doubled, watch.most) == (0, 0, 1)
    assert fills > KILLS


def add(portal, sim, folder):
    password = folder / "password"
    password.write_text(sim.spec.password)
    words = [f"--name={sim.name}", "--team=alpha", f"--url={sim.url}", f"--username={sim.spec.username}"]
    portal.manage("add_bot", *words, f"--password-file={password}", BOT_WS_TOKEN=sim.spec.ws_token)


def compared(portal, sims):
    """Fills at the bots that no event tells, fills told more than once, fills at the bots."""
    query = """SELECT b.name, e.kind, e.subject FROM bots_event e JOIN bots_bot b ON b.id = e.bot_id
               WHERE e.kind IN ('entry_filled', 'exit_filled')"""
    told = Counter(portal.rows(query))
    happened = Counter()
    for sim in sims:
        for trade in sim.book.trades.values():
            for order in trade.orders:
                if order.filled_ms:
                    kind = "entry_filled" if order.side == "buy" else "exit_filled"
                    happened[sim.name, kind, f"{trade.trade_id}@{trade.open_ms}"] += 1
    return (happened - told).total(), (told - happened).total(), happened.total()
