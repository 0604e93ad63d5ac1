"""The all-in-one process is killed again and again while it polls; nothing it keeps is torn, doubled or lost."""

import random
import time
from datetime import UTC, datetime

import pytest

from bots.simulator import BotSpec, running_fleet
from tests.direct import DirectBot
from tests.process import PortalProcess
from tests.real.comparison import compare_trades
from tests.real.figures import Comparison

pytestmark = pytest.mark.hard

KILLS = 8
SPECS = [
    BotSpec(name=f"bot {number}", seed=number, release=release, history=40, open_trades=2, auto_trade=True, pace=0.5)
    for number, release in enumerate(["2022.9.1", "2024.3", "2026.9", "2026.9"], 1)
]


def test_killed_while_polling_the_mirror_is_whole_and_the_audit_unbroken(tmp_path):
    portal = PortalProcess(tmp_path, PORTAL_POLL_PACE="0.1")
    portal.furnish()
    dice = random.Random(1)
    with running_fleet(SPECS) as fleet:
        bots = {bot.name: DirectBot(bot.url, bot.spec.username, bot.spec.password) for bot in fleet.bots}
        for name, bot in bots.items():
            portal.add_bot(name, bot)
        try:
            for _ in range(KILLS):
                portal.start()
                time.sleep(dice.uniform(0.5, 4))
                portal.kill()
            portal.start()
            fall_silent(bots)
            wait_until_read_again(portal, len(bots))
            results = [compared(portal, name, bot) for name, bot in bots.items()]
        finally:
            portal.stop()
    assert [line for result in results for line in result.differences] == []
    assert min(result.figures for result in results) > 40 * 20
    assert portal.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    portal.manage("verify_audit")


def fall_silent(bots):
    for bot in bots.values():
        bot.post("stop")
    time.sleep(1)


def wait_until_read_again(portal, bots):
    """A killed process leaves leases of a minute behind."""
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    query = "SELECT count(*) AS n FROM bots_botreading WHERE kind = 'performance' AND read_at > ?"
    deadline = time.monotonic() + 600
    while portal.rows(query, since)[0]["n"] < bots:
        assert time.monotonic() < deadline, "the portal did not read every bot again"
        time.sleep(0.5)


def compared(portal, name, bot):
    result = Comparison(name)
    row = portal.rows("SELECT id FROM bots_bot WHERE name = ?", name)[0]
    trades = [*bot.get("trades?limit=500")["trades"], *bot.get("status")]
    compare_trades(result, portal, row["id"], trades)
    return result
