"""Each action at genuine bots of four generations, asked over the portal's API; what became of it is asked of the bot.

Printed as a table: release, action, how it ended, the bot's words. The bots trade nothing by themselves.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import Team, User
from bots.domain import commands
from bots.domain.commands import Outbox
from bots.models import AuditEntry, Bot, BotStatus, Command, PollTurn
from tests.bots.api.conftest import Caller
from tests.direct import BotRefused
from tests.fleets import polled
from tests.real.calm import CalmBot
from tests.real.launcher import GenuineBot

pytestmark = pytest.mark.real

RELEASES = ("2020.1", "2021.6", "2022.9.1", "2026.9")
SLOTS = 6
UNKNOWN_PAIR = "NOPE/USDT"
LONGEST = 600  # seconds until something must have come about: the machine may be busy
SETTLES = 45  # seconds: longer than the portal waits before it believes that nothing happened
LOOKED = "Looked at the bot: nothing is there"
Json = dict[str, object]


@pytest.fixture(params=RELEASES)
def genuine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GenuineBot]:
    bot = CalmBot(request.param, tmp_path, slots=SLOTS)
    try:
        bot.start()
        yield bot
    finally:
        bot.kill()


@pytest.fixture
def outbox(transactional_db: None) -> Iterator[Outbox]:
    box = Outbox().start()
    yield box
    box.stop()


@pytest.fixture
def known(genuine: GenuineBot, alpha: Team) -> Bot:
    connection = {"url": genuine.url, "username": genuine.username}
    bot = Bot(team=alpha, name=genuine.name, slug="genuine", system="freqtrade", connection=connection)
    bot.set_secret("password", genuine.password)
    bot.save()
    BotStatus.objects.create(bot=bot)
    PollTurn.objects.create(bot=bot)
    return bot


class Desk:
    """Alice at the API, the worker that sends, and the bot asked directly."""

    def __init__(self, alice: User, bot: Bot, genuine: GenuineBot, outbox: Outbox) -> None:
        self.api, self.bot, self.genuine, self.outbox = Caller(alice), bot, genuine, outbox
        self.rows: list[tuple[str, str, str]] = []

    def since(self, *release: int) -> bool:
        return self.genuine.release.number >= release

    def do(
        self, action: str, label: str = "", insists_on: int | None = None, closed_after: float = 0, **params: object
    ) -> Command:
        """Asked, sent, and at its end; the row of the table is written. `closed_after`: what is still unknown after
        so many seconds is closed by Alice, with a remark; 0: nothing may stay unknown."""
        answer = self.ask(action, params, insists_on=insists_on)
        assert answer.status_code == 202, (action, answer.content)
        command = self.ended(answer.json()["id"], closed_after)
        words = command.outcome.get("words") or command.outcome.get("sentence", "")
        state = f"{command.state} {command.code}".strip()
        self.rows.append((label or action, f"{state} {command.effect}".strip(), str(words)))
        return command

    def refused(self, action: str, label: str = "", **params: object) -> None:
        """The portal does not offer it: nothing is written, nothing sent."""
        answer = self.ask(action, params)
        assert (answer.status_code, answer.json().get("code")) == (422, "capability_missing"), answer.content
        self.rows.append((label or action, "not offered", answer.json()["detail"]))

    def ask(self, action: str, params: Json, **more: object) -> object:
        polled(self.bot)
        body = {"action": action, "params": params, "reason": "tried for real", **more}
        return self.api("bots/genuine/commands/", "POST", body)

    def ended(self, command_id: int, closed_after: float) -> Command:
        self.outbox.submit([command_id])
        began = time.monotonic()
        while time.monotonic() < began + LONGEST:
            swept = commands.sweep()
            self.outbox.submit(swept.to_send)
            self.outbox.look(swept.to_look_at)
            command = Command.objects.get(pk=command_id)
            if command.state in Command.FINAL and command.effect not in ("pending",):
                return command
            if command.state == Command.UNKNOWN and 0 < closed_after < time.monotonic() - began:
                return self.closed(command)
            if command.state == Command.UNKNOWN or (command.effect == "pending" and not self.waits_for_a_fill(command)):
                polled(self.bot)
            elif command.effect == "pending":
                return command
            time.sleep(0.2)
        raise AssertionError(f"{command.action} is still {command.state} {command.effect}: {command.outcome}")

    def closed(self, command: Command) -> Command:
        answer = self.api(f"commands/{command.pk}/close/", "POST", {"remark": LOOKED})
        assert answer.status_code == 200, answer.content
        command.refresh_from_db()
        return command

    @staticmethod
    def waits_for_a_fill(command: Command) -> bool:
        """A limit order far from the market."""
        return "price" in command.params

    # --- the bot itself

    def opened(self) -> dict[str, Json]:
        """Pair -> the open trade, as the bot says."""
        return {str(trade["pair"]): trade for trade in self.genuine.get("status")}  # type: ignore[union-attr]

    def told_as_closed(self, number: str) -> Json:
        """The trade, once the bot tells it as closed by its number too. In 2021.6 that is a moment after its list,
        and not in every thread of its server at once: the next answer may be the old one again."""
        closed: list[Json] = []

        def told() -> bool:
            trade = self.genuine.get(f"trade/{number}")
            assert isinstance(trade, dict)
            closed.extend([] if trade["is_open"] else [trade])
            return bool(closed)

        self.until(told, f"trade {number} to be told as closed")
        return closed[0]

    def enter(self, pair: str, **params: object) -> Json:
        """A filled trade."""
        self.do("force_enter", pair=pair, **params)
        self.until(lambda: is_filled(self.opened().get(pair)), f"{pair} to fill")
        return self.opened()[pair]

    def until(self, done: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + LONGEST
        while not done():
            assert time.monotonic() < deadline, f"waited for {what}:\n{self.genuine.last_words()}"
            time.sleep(0.2)

    def state(self) -> Json:
        config = self.genuine.get("show_config")
        assert isinstance(config, dict)
        return config

    def table(self) -> str:
        return "\n".join(f"{self.genuine.release.version:9} {a:28} {s:28} {w[:90]}" for a, s, w in self.rows)


def is_filled(trade: Json | None) -> bool:
    """Until 2024.3 an entry that waits is told with all that it shall hold; until 2023.8 its order in words."""
    if trade is None or trade.get("open_order"):
        return False
    orders = trade.get("orders") or []
    assert isinstance(orders, list)
    return float(str(trade["amount"])) > 0 and not any(order["is_open"] for order in orders)


@pytest.fixture
def desk(alice: User, known: Bot, genuine: GenuineBot, outbox: Outbox, show: Callable[[str], None]) -> Iterator[Desk]:
    desk = Desk(alice, known, genuine, outbox)
    yield desk
    show(desk.table())


def test_every_action_does_at_the_bot_what_its_command_says(desk: Desk) -> None:
    enters_and_exits(desk)
    orders(desk)
    all_at_once(desk)
    history(desk)
    lists(desk)
    states(desk)
    reloads(desk)
    ended = Command.objects.filter(state__in=Command.FINAL).count()
    assert (ended, Command.objects.count()) == (len([row for row in desk.rows if row[1] != "not offered"]),) * 2
    assert AuditEntry.objects.filter(action="command_asked").count() == ended
    assert AuditEntry.objects.filter(action="command_sent").count() == ended


# --- the actions, in groups -------------------------------------------------------------------------------------------


def enters_and_exits(desk: Desk) -> None:
    trade = desk.enter("BTC/USDT")
    number = str(trade["trade_id"])
    if desk.since(2022, 8):
        half = f"{float(trade['amount']) / 2:.4f}"
        part = desk.do("force_exit", "force_exit, a part", trade_id=number, amount=half, order_type="market")
        desk.until(lambda: float(desk.opened()["BTC/USDT"]["amount"]) < float(trade["amount"]), "the part to be sold")
    else:
        part = None
        desk.refused("force_exit", "force_exit, a part", trade_id=number, amount="0.0001")
    command = desk.do("force_exit", trade_id=number, insists_on=part and part.pk)
    assert (command.state, "BTC/USDT" in desk.opened()) == ("done", False)
    if desk.since(2020, 4):
        closed = desk.told_as_closed(number)
        assert closed.get("exit_reason", closed.get("sell_reason")) in ("force_exit", "force_sell")
        assert Decimal(command.outcome["fill"]["close_rate"]) == Decimal(str(closed["close_rate"]))  # 89232 and 89232.0
    enters_what_is_not_there(desk)


def enters_what_is_not_there(desk: Desk) -> None:
    """2020.1 says no more than HTTP 500, as of any failure before or after an order, and tells of no closed trade:
    whatever is read proves nothing, so it waits for a person."""
    wrong = desk.do("force_enter", "force_enter, unknown pair", pair=UNKNOWN_PAIR, closed_after=SETTLES)
    assert UNKNOWN_PAIR not in desk.opened()
    if desk.since(2020, 4):
        assert wrong.state == "refused"
        return
    assert (wrong.state, wrong.remark, wrong.outcome["answered"]) == ("closed", LOOKED, False)
    assert wrong.outcome["readings"] > 1
    assert "this bot tells nothing of closed trades" in wrong.outcome["found"]
    assert AuditEntry.objects.get(action="command_closed").details["remark"] == LOOKED


def orders(desk: Desk) -> None:
    """An entry far below the market waits; cancelling it, or forcing it out, makes the trade vanish."""
    if not desk.since(2022, 9):
        desk.refused("cancel_order", trade_id="1")
        return
    for action, pair in (("cancel_order", "LTC/USDT"), ("force_exit", "UNI/USDT")):
        entry = desk.do("force_enter", "force_enter, far below", pair=pair, price="1.5", order_type="limit")
        assert (entry.state, entry.effect) == ("done", "pending")
        number = str(desk.opened()[pair]["trade_id"])
        if action == "cancel_order" and not desk.since(2023, 2):
            desk.refused(action, f"{action}, unfilled entry", trade_id=number)
            continue
        command = desk.do(action, f"{action}, unfilled entry", trade_id=number)
        assert (command.state, command.effect, pair in desk.opened()) == ("done", "cancelled", False)


def all_at_once(desk: Desk) -> None:
    for pair in ("SOL/USDT", "ADA/USDT"):
        desk.enter(pair)
    assert desk.do("force_exit_all").state == "done"
    desk.until(lambda: desk.opened() == {}, "all trades to be sold")


def history(desk: Desk) -> None:
    if desk.since(2023, 5):
        assert desk.do("reload_trade", trade_id="1").state == "done"
    else:
        desk.refused("reload_trade", trade_id="1")
    if not desk.since(2020, 8):
        desk.refused("delete_trade", trade_id="1")
        return
    before = closed_ids(desk)
    assert desk.do("delete_trade", trade_id=str(before[0])).state == "done"
    assert closed_ids(desk) == before[1:]


def closed_ids(desk: Desk) -> list[int]:
    answer = desk.genuine.get("trades?limit=500")
    assert isinstance(answer, dict)
    return sorted(trade["trade_id"] for trade in answer["trades"])


def lists(desk: Desk) -> None:
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    if desk.since(2024, 4):
        desk.do("lock_pair", pair="XRP/USDT", until=until, side="long", note="tried for real")
        lock = next(lock for lock in locks(desk) if lock["pair"] == "XRP/USDT")
        desk.do("unlock", lock_id=str(lock["id"]))
    else:
        desk.refused("lock_pair", pair="XRP/USDT", until=until)
        unlock = desk.do if desk.since(2021, 3) else desk.refused
        unlock("unlock", pair="XRP/USDT")
    assert "XRP/USDT" not in [lock["pair"] for lock in locks(desk)]
    desk.do("blacklist_add", pairs=["DOGE/USDT", "TRX/USDT"])
    assert set(blacklist(desk)) == {"DOGE/USDT", "TRX/USDT"}
    if desk.since(2021, 12):
        desk.do("blacklist_remove", pairs=["DOGE/USDT"])
        assert blacklist(desk) == ["TRX/USDT"]
    else:
        desk.refused("blacklist_remove", pairs=["DOGE/USDT"])


def locks(desk: Desk) -> list[Json]:
    answer = desk.genuine.get("locks") if desk.since(2020, 10) else {"locks": []}
    assert isinstance(answer, dict)
    return list(answer["locks"])


def blacklist(desk: Desk) -> list[str]:
    answer = desk.genuine.get("blacklist")
    assert isinstance(answer, dict)
    return list(answer["blacklist"])


def states(desk: Desk) -> None:
    assert desk.do("pause").state == "done"
    if desk.since(2025, 4):
        assert desk.state()["state"] == "paused"
    else:
        assert desk.genuine.get("count")["max"] == 0  # type: ignore[index,call-overload]
    desk.do("stop")
    desk.until(lambda: counts(desk) is False, "the bot to stop")
    desk.do("start")
    desk.until(lambda: counts(desk) is True, "the bot to run")


def counts(desk: Desk) -> bool:
    """Every generation refuses to count its trades while it is stopped."""
    try:
        desk.genuine.get("count")
    except BotRefused as refused:
        assert "trader is not running" in refused.text
        return False
    return True


def reloads(desk: Desk) -> None:
    """What was only in memory is forgotten: entries are allowed again, the added pairs are off the list."""
    assert desk.do("reload_config", closed_after=10).state in ("done", "closed")  # its API goes down over it

    def back() -> bool:
        try:
            return desk.genuine.get("count")["max"] == SLOTS and blacklist(desk) == []  # type: ignore[index,call-overload]
        except (BotRefused, OSError):  # nothing listens for a moment
            return False

    desk.until(back, "the bot to come back")
