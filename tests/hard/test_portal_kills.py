"""The all-in-one portal is killed while people send commands over its API: after its return every command has an end,
no trade was exited twice, and what the portal says is what the bots did."""

import json
import os
import random
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from bots.simulator import BotSpec, Fleet, running_fleet
from tests.direct import DirectBot
from tests.process import PortalProcess

pytestmark = pytest.mark.hard

KILLS = int(os.environ.get("PORTAL_KILLS", "4"))
BOTS = 3
PASSWORD = uuid.uuid4().hex  # nobody else on this machine may name it
A_TRADER = f"""
from accounts.models import Membership, Team, User
dora = User.objects.create_user("dora", password="{PASSWORD}")
Membership.objects.create(user=dora, team=Team.objects.get(slug="alpha"), role="trader")
"""
STATES = "SELECT state, params, code, bot_id FROM bots_command"
OPEN = "SELECT count(*) AS n FROM bots_command WHERE state IN ('intent', 'sent', 'unknown', 'waiting')"
KNOWN_OPEN = "SELECT trade_id, bot_id FROM bots_trade WHERE is_open AND gone_at IS NULL"


class Dora:
    """A trader at the portal's API."""

    def __init__(self, portal: PortalProcess) -> None:
        self.address, self.token = portal.address, ""
        self.token = self.post("token/", {"username": "dora", "password": PASSWORD})["access"]

    def post(self, path: str, body: dict[str, object]) -> dict[str, str]:
        """Raises OSError."""
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        request.add_header("Idempotency-Key", uuid.uuid4().hex)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return dict(json.loads(answer.read()))


def test_killed_while_sending_every_command_comes_to_its_end_and_none_is_done_twice(tmp_path):
    portal = PortalProcess(tmp_path, PORTAL_POLL_PACE="0.1")
    portal.furnish()
    portal.manage("shell", "-v0", "-c", A_TRADER)
    dice = random.Random(7)
    specs = [BotSpec(name=f"bot {n}", seed=n, dry_run=False, max_open_trades=99) for n in range(1, BOTS + 1)]
    with running_fleet(specs) as fleet:
        for sim in fleet.bots:
            portal.add_bot(sim.name, DirectBot(sim.url, sim.spec.username, sim.spec.password))
        try:
            asked = sum(a_life_cut_short(portal, fleet, dice) for _ in range(KILLS))
            portal.start()
            secrets = {PASSWORD, *(sim.spec.password for sim in fleet.bots)}
            assert [line for line in process_list() if any(secret in line for secret in secrets)] == []
            wait_until(lambda: portal.rows(OPEN)[0]["n"] == 0, 600, "commands are still without an end")
        finally:
            portal.stop()
        assert asked == KILLS * BOTS
        agree(portal, fleet)
    portal.manage("verify_audit")


def process_list() -> list[str]:
    """Every process of this machine with its arguments, as anybody on it sees them."""
    lines = []
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            lines.append(arguments.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    assert any("manage.py portal" in line for line in lines)
    return lines


def a_life_cut_short(portal: PortalProcess, fleet: Fleet, dice: random.Random) -> int:
    """Start, ask for an exit at every bot, kill within a fraction of a second. How many were asked."""
    opened = {sim.name: sim.open_trade("XRP/USDT") for sim in fleet.bots}
    portal.start()
    dora = Dora(portal)
    wanted = {(sim.name, str(trade.trade_id)) for sim in fleet.bots for trade in sim.book.open}
    wait_until(lambda: mirrored(portal) >= wanted, 600, "the trades are not mirrored")
    for sim in fleet.bots:
        sim.faults.on("/forceexit").drip = dice.choice([0.0, 400.0])  # some answers take a while
        params = {"trade_id": str(opened[sim.name].trade_id), "order_type": "market"}
        dora.post(f"bots/{slug(sim.name)}/commands/", {"action": "force_exit", "params": params, "reason": "a drill"})
    time.sleep(dice.uniform(0, 0.25))
    portal.kill()
    for sim in fleet.bots:
        sim.faults.clear()
    return len(fleet.bots)


def slug(name: str) -> str:
    return name.replace(" ", "-")


def mirrored(portal: PortalProcess) -> set[tuple[str, str]]:
    names = {row["id"]: row["name"] for row in portal.rows("SELECT id, name FROM bots_bot")}
    return {(str(names[row["bot_id"]]), str(row["trade_id"])) for row in portal.rows(KNOWN_OPEN)}


def wait_until(true: object, seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)


def agree(portal: PortalProcess, fleet: Fleet) -> None:
    """DONE and nothing else is what the bots did, each once."""
    names = {row["id"]: row["name"] for row in portal.rows("SELECT id, name FROM bots_bot")}
    rows = portal.rows(STATES)
    print("\n", Counter((row["state"], row["code"]) for row in rows))
    for sim in fleet.bots:
        effects = Counter(effect.detail for effect in sim.effects)
        assert set(effects.values()) <= {1}, f"{sim.name}: {effects}"
        mine = [row for row in rows if names[row["bot_id"]] == sim.name]
        done = Counter(json.loads(str(row["params"]))["trade_id"] for row in mine if row["state"] == "done")
        assert done == effects
        assert {row["state"] for row in mine} <= {"done", "refused", "expired"}
