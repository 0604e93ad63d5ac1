"""What happens to genuine bots and to the portal while they trade: deaths, outages, wipes, orders by hand."""

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

from tests.direct import BotRefused
from tests.process import PortalProcess
from tests.real.comparison import state_of
from tests.real.figures import Answer
from tests.real.launcher import GenuineBot
from tests.real.listing import closed_trades
from tests.real.market import Market
from tests.real.settings import RENAMED

PATIENCE = 600.0  # seconds: several bots and the portal share a small machine
AT_ONCE = 2  # bots that start at the same time: each needs a processor for some seconds
DELETES = (2020, 8)  # DELETE /trades/{id}
LEAVES_UNFILLED = (2021, 6)  # of those run here: 2020.1 fills every dry order at once
KEPT_FREE = "VET/USDT"  # no strategy here enters it
ENOUGH_CLOSED = 4
HTTP_FAILED = 500


def for_each(act: Callable[[GenuineBot], object], bots: Sequence[GenuineBot], at_once: int = AT_ONCE) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(act, bots))


def wait(done: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(1)


def kill_and_start(bot: GenuineBot) -> None:
    bot.kill()
    bot.start()


def kill_portal(portal: PortalProcess, down_seconds: float = 3) -> None:
    portal.kill()
    time.sleep(down_seconds)
    portal.start()


def fall_silent(bot: GenuineBot) -> None:
    """Afterwards nothing opens, closes or fills."""

    def stopped() -> bool:
        bot.post("stop")
        return state_of(bot) == bot.taken_up == "stopped"

    wait(stopped, PATIENCE, f"{bot.name} to stop")


# --- What the portal knows ------------------------------------------------------------------------------------------


def status_of(portal: PortalProcess, bot: GenuineBot) -> Answer:
    return portal.rows(
        "SELECT status.*, turn.mismatches, turn.reread_offset FROM bots_botstatus status"
        " JOIN bots_bot bot ON bot.id = status.bot_id JOIN bots_pollturn turn ON turn.bot_id = bot.id"
        " WHERE bot.name = ?",
        bot.name,
    )[0]


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def has_read_everything(portal: PortalProcess, bot: GenuineBot, since: datetime) -> bool:
    """Whether open and closed trades were read to their end since then, and agree with the bot's own count and sum."""
    status, began = status_of(portal, bot), stamp(since)
    whole = not status["mismatches"] and status["reread_offset"] is None
    told = "closed_trades" in json.loads(str(status["capabilities"]))
    read = str(status["seen_at"]) > began and (not told or str(status["history_at"]) > began)
    return whole and read


# --- The exchange goes down -----------------------------------------------------------------------------------------


def outage(bots: Sequence[GenuineBot], portal: PortalProcess, seconds: float) -> None:
    """The bots are killed and come back while the exchange gives no prices: no price is in anyone's memory."""
    for bot in bots:
        bot.kill()
        bot.lose_exchange()
    for_each(GenuineBot.start, bots)
    came_up, since = time.monotonic(), datetime.now(UTC)
    for bot in bots:
        wait(lambda bot=bot: without_price(bot), PATIENCE, f"{bot.name} to be without a price")
        wait(lambda bot=bot: says_so(portal, bot, since), PATIENCE, f"the portal to say so of {bot.name}")
    time.sleep(max(0.0, came_up + seconds - time.monotonic()))
    for bot in bots:
        bot.regain_exchange()


def without_price(bot: GenuineBot) -> bool:
    """NaN until 2022.3, null since; 2020.1 fails altogether."""
    try:
        trades = bot.get("status")
    except BotRefused as failure:
        return failure.status == HTTP_FAILED
    told = [trade.get("profit_ratio", trade.get("current_profit")) for trade in trades]
    return any(figure is None or figure != figure for figure in told)  # NaN is not itself


def says_so(portal: PortalProcess, bot: GenuineBot, since: datetime) -> bool:
    """The figures are missing, with a reason, and no sum stands for them; or the row tells of the failure, and what
    stands there keeps its age."""
    status = status_of(portal, bot)
    if str(status["last_error"]).startswith("open trades: "):
        return str(status["answered_at"]) > stamp(since) > str(status["seen_at"])
    moving = json.loads(str(status["moving"])).values()
    gone = any(one["profit_ratio"] is None and one["missing"] for one in moving)
    return str(status["seen_at"]) > stamp(since) and gone and status["unrealized"] is None


# --- Databases ------------------------------------------------------------------------------------------------------


def wipe(bot: GenuineBot, portal: PortalProcess) -> list[Answer]:
    """A new life of the bot's database. Returns the closed trades of the old one, which the portal had read."""
    fall_silent(bot)
    since = datetime.now(UTC)
    wait(lambda: has_read_everything(portal, bot, since), 2 * PATIENCE, f"the portal to read {bot.name} before its end")
    old = closed_trades(bot, bot.release.number)
    bot.kill()
    bot.wipe_database()
    bot.start()
    return old


def delete_a_trade(bot: GenuineBot) -> int:
    """A closed one, some way back; through the API where the release has it, else in the database. Returns its id."""
    trade_id = some_closed_trade(bot)
    if bot.release.number >= DELETES:
        bot.delete(f"trades/{trade_id}")
    else:
        bot.kill()
        bot.delete_from_database(trade_id)
        bot.start()
    return trade_id


def some_closed_trade(bot: GenuineBot) -> int:
    """Of a database that was wiped a moment ago it takes a while until there is one."""
    wait(lambda: len(closed_ids(bot)) >= ENOUGH_CLOSED, PATIENCE, f"{bot.name} to close {ENOUGH_CLOSED} trades")
    return closed_ids(bot)[-1]


def closed_ids(bot: GenuineBot) -> list[int]:
    """The last few, newest first."""
    with closing(sqlite3.connect(f"file:{bot.database}?mode=ro", uri=True, timeout=20)) as database:
        found = database.execute("SELECT id FROM trades WHERE is_open = 0 ORDER BY id DESC LIMIT ?", (ENOUGH_CLOSED,))
        return [int(row[0]) for row in found]


# --- An order by hand -----------------------------------------------------------------------------------------------


def force_exit_of_an_unfilled_entry(bot: GenuineBot, portal: PortalProcess) -> str:
    """An entry far below the market, exited by force while it waits. The bot may refuse although it does it. Returns
    what it said."""
    entry, leave = ("forceenter", "forceexit") if bot.release.number >= RENAMED else ("forcebuy", "forcesell")
    price = Market(bot.seed).price(KEPT_FREE, time.time()) * 0.7
    bot.post(entry, {"pair": KEPT_FREE, "price": round(price, 7)})
    trade = waiting(bot)
    assert trade is not None and is_unfilled(trade), f"{bot.name}: the entry does not wait: {trade}"
    key = str(trade["trade_id"]), trade["open_timestamp"]
    query = "SELECT count(*) AS n FROM bots_trade WHERE trade_id = ? AND open_ms = ? AND is_open"
    wait(lambda: portal.rows(query, *key)[0]["n"], PATIENCE, f"the portal to see the waiting entry of {bot.name}")
    try:
        said = str(bot.post(leave, {"tradeid": key[0]}))
    except BotRefused as refused:
        said = str(refused)
    wait(lambda: waiting(bot) is None, PATIENCE, f"the waiting entry of {bot.name} to go")
    return f"{bot.name}: {said}"


def is_unfilled(trade: Answer) -> bool:
    """Whether an order to buy is open: listed from 2022.3 on, until 2023.8 told in words."""
    listed = any(order["is_open"] and order["ft_order_side"] == "buy" for order in trade.get("orders") or ())
    return listed or str(trade.get("open_order")).startswith("(limit buy")


def waiting(bot: GenuineBot) -> Answer | None:
    return next((trade for trade in bot.get("status") if trade["pair"] == KEPT_FREE), None)
