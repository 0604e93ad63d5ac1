"""Every action at simulated bots of every generation: what the session says is what became of the bot."""

import math
from collections.abc import Iterator
from decimal import Decimal

import pytest

from bots.simulator import BotSpec, Fleet, SimBot, running_fleet
from bots.systems.contract import Instruction, Kind
from bots.systems.errors import BotError, ConnectionLost, NotOffered, NotRunning, Refused
from bots.systems.freqtrade import System
from bots.systems.freqtrade.client import Session
from bots.systems.http import HttpDoor
from bots.systems.instructions import NEEDS

GENERATIONS = ("2020.1", "2020.6", "2021.6", "2022.9.1", "2023.8", "2024.3", "2025.4", "2026.9")
SECOND_MS = 1000


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    specs = [BotSpec(name=text, release=text, history=3, reload_seconds=(60, 1)) for text in GENERATIONS]
    with running_fleet(specs) as fleet:
        yield fleet


@pytest.fixture
def bot() -> Iterator[SimBot]:
    with running_fleet([BotSpec()]) as fleet:
        yield fleet.bots[0]


def session_of(bot: SimBot, door: HttpDoor, release: str = "") -> Session:
    connection = {"url": bot.url, "username": bot.spec.username, "password": bot.spec.password}
    return System.open(connection, door, release or bot.release.text)


async def done(bot: SimBot, door: HttpDoor, action: str, **fields: object) -> str:
    """The bot's words, or why not."""
    try:
        return (await session_of(bot, door).perform(Instruction(action, **fields))).words  # type: ignore[arg-type]
    except BotError as error:
        return f"{error.code}: {error}"


async def failed(bot: SimBot, door: HttpDoor, action: str, **fields: object) -> BotError:
    with pytest.raises(BotError) as caught:
        await session_of(bot, door).perform(Instruction(action, **fields))  # type: ignore[arg-type]
    return caught.value


def acts(bot: SimBot) -> list[str]:
    return [effect.action for effect in bot.effects]


# --- every action at every generation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("release", GENERATIONS)
async def test_what_a_bot_says_it_can_is_done_once_and_nothing_else_is(fleet: Fleet, door, release: str) -> None:
    bot = fleet[release]
    state = await session_of(bot, door, "").test()
    for action in NEEDS:
        bot.effects.clear()
        words = await done(bot, door, action, **needed(bot, action))
        offered = action in state.capabilities or (action == "pause" and "stop_entry" in state.capabilities)
        effect = "force_exit" if action == "force_exit_all" else action
        assert (acts(bot), ": " in words) == (([effect], False) if offered else ([], True)), (action, words)
        ready_again(bot)


def needed(bot: SimBot, action: str) -> dict[str, object]:
    """A trade, pair or lock of this bot that the action can be about."""
    if action in ("force_exit", "reload_trade", "force_exit_all"):
        trade = bot.open_trade()
        return {} if action == "force_exit_all" else {"trade_id": str(trade.trade_id), "open_ms": trade.open_ms}
    if action == "cancel_order":
        trade = bot.open_trade()
        bot.place_exit(trade.trade_id, rate=trade.open_rate * 2)
        return {"trade_id": str(trade.trade_id)}
    if action == "unlock":
        return {"lock_id": str(bot.lock_pair("SOL/USDT").lock_id)}
    if action == "blacklist_remove":
        bot.blacklist.append("DOGE/USDT")
    if action == "start":
        bot.stop()
    return {
        "delete_trade": {"trade_id": "1"},
        "force_enter": {"pair": "LTC/USDT"},
        "lock_pair": {"pair": "ETH/USDT", "until_ms": bot.now_ms() + 60 * SECOND_MS},
        "blacklist_add": {"pairs": ("DOGE/USDT",)},
        "blacklist_remove": {"pairs": ("DOGE/USDT",)},
    }.get(action, {})


def ready_again(bot: SimBot) -> None:
    bot.max_open_trades = 5
    bot.blacklist.clear()
    for trade in list(bot.book.open):
        bot.delete_trade(trade.trade_id)
    bot.start()


# --- what came back is what happened ----------------------------------------------------------------------------------


async def test_a_part_is_sold_to_the_last_digit(bot: SimBot, door) -> None:
    trade = bot.open_trade("BTC/USDT", rate=50_000.0, stake=500.0)
    await done(bot, door, "force_exit", trade_id="1", amount=Decimal("0.0041"), order_type="market")
    assert (trade.orders[-1].amount, trade.amount) == (0.0041, 0.0059)


async def test_an_exit_with_a_price_waits_at_it(bot: SimBot, door) -> None:
    trade = bot.open_trade("XLM/USDT", rate=0.0974)
    await done(bot, door, "force_exit", trade_id="1", price=Decimal("0.10000012"))
    assert (trade.orders[-1].order_type, trade.orders[-1].price, trade.is_open) == ("limit", 0.10000012, True)


async def test_an_entry_tells_the_trade_it_made(bot: SimBot, door) -> None:
    instruction = Instruction("force_enter", pair="LTC/USDT", stake_amount=Decimal(55), enter_tag="portal")
    accepted = await session_of(bot, door).perform(instruction)
    trade = bot.book.open[0]
    assert (accepted.trade_id, accepted.open_ms) == (str(trade.trade_id), trade.open_ms)
    assert (trade.pair, trade.enter_tag, round(trade.stake_amount)) == ("LTC/USDT", "portal", 55)


@pytest.mark.parametrize("release", ["2020.1", "2020.6", "2021.6"])
async def test_an_early_entry_has_the_same_key_as_in_the_reading(fleet: Fleet, door, release: str) -> None:
    session = session_of(fleet[release], door)
    accepted = await session.perform(Instruction("force_enter", pair="LTC/USDT"))
    shown = (await session.read(Kind.OPEN_TRADES)).trades[0].trade  # type: ignore[union-attr]
    assert (accepted.trade_id, accepted.open_ms) == (shown.trade_id, shown.open_ms)


async def test_an_unfilled_entry_is_gone_although_the_bot_says_no(bot: SimBot, door) -> None:
    trade = bot.open_trade(filled=False)
    error = await failed(bot, door, "force_exit", trade_id="1")
    assert (type(error), str(error), error.may_have_happened) == (Refused, "Failed to exit trade.", True)
    assert (bot.book.open, len(bot.effects_on(trade))) == ([], 1)


async def test_a_cancelled_entry_is_gone_although_the_bot_says_no(bot: SimBot, door) -> None:
    bot.open_trade(filled=False)
    error = await failed(bot, door, "cancel_order", trade_id="1")
    assert (str(error), error.may_have_happened, bot.book.open) == ("no active trade", True, [])


async def test_what_is_left_of_a_list_is_told_pair_by_pair(bot: SimBot, door) -> None:
    bot.blacklist.append("A/USDT")
    accepted = await session_of(bot, door).perform(Instruction("blacklist_add", pairs=("A/USDT", "B/USDT")))
    assert accepted.problems == {"A/USDT": "Pair A/USDT already in pairlist."}


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        ("force_exit", {"trade_id": "77"}, "invalid argument"),
        ("cancel_order", {"trade_id": "77"}, "Invalid trade_id."),
        ("delete_trade", {"trade_id": "77"}, "Trade with id '77' not found."),
        ("reload_trade", {"trade_id": "77"}, "Could not find trade with id 77."),
        ("force_enter", {"pair": "NOPE/USDT"}, "Symbol does not exist or market is not active."),
        ("blacklist_remove", {"pairs": ("NOPE/USDT",)}, "Pair NOPE/USDT is not in the current blacklist."),
    ],
)
async def test_a_refusal_is_told_in_the_bots_words(bot: SimBot, door, action: str, fields: dict, words: str) -> None:
    error = await failed(bot, door, action, **fields)
    assert (type(error), str(error), error.may_have_happened, bot.effects) == (Refused, words, False, [])


async def test_a_stopped_bot_sells_nothing(bot: SimBot, door) -> None:
    bot.open_trade()
    bot.stop()
    error = await failed(bot, door, "force_exit_all")
    assert (type(error), error.may_have_happened, len(bot.book.open)) == (NotRunning, False, 1)


async def test_an_entry_that_is_not_allowed_is_not_offered(door) -> None:
    with running_fleet([BotSpec(force_entry=False)]) as fleet:
        session = session_of(fleet.bots[0], door)
        assert not {"force_enter", "force_enter_tag"} & set((await session.test()).capabilities)
        assert str(await failed(fleet.bots[0], door, "force_enter", pair="LTC/USDT")) == "Force_entry not enabled."


# --- lost answers -----------------------------------------------------------------------------------------------------

FAULTS = [
    {"reset": True},
    {"hang": math.inf},
    {"cut": True},
    {"status": 500},
    {"status": 502, "proxy_page": True},
    {"status": 503, "proxy_page": True},
    {"status": 504},
    {"status": 429},
    {"garbage": True},
    {"redirect": "http://127.0.0.1:9/"},
    {"gzip_bomb": 64 * 1024 * 1024},
    {"not_a_freqtrade": True},
    {"wrong_types": True},
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.systems.freqtrade.client.answer_seconds", lambda action: 0.5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("acts", [True, False])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_lost_answer_is_never_taken_for_an_act_not_done(bot: SimBot, door, fault: dict, acts: bool) -> None:
    trade = bot.open_trade()
    for name, value in {**fault, "acts": acts}.items():
        setattr(bot.faults.on("/forceexit"), name, value)
    error = await failed(bot, door, "force_exit", trade_id="1")
    assert error.may_have_happened is True
    assert bot.requests.count("/forceexit", "POST") == 1
    assert len(bot.effects_on(trade)) == int(acts or "cut" in fault or "wrong_types" in fault)


async def test_a_bot_that_is_down_did_nothing(bot: SimBot, door) -> None:
    bot.open_trade()
    bot.shut_down()
    error = await failed(bot, door, "force_exit", trade_id="1")
    assert error.may_have_happened is False


async def test_a_reload_that_closes_the_port_at_once_is_not_known_to_have_failed(door) -> None:
    with running_fleet([BotSpec(reload_seconds=(0.0, 0.1))]) as fleet:
        fleet.bots[0].faults.on("/reload_config").acts = True
        fleet.bots[0].faults.on("/reload_config").hang = 0.3
        error = await failed(fleet.bots[0], door, "reload_config")
        assert (type(error), error.may_have_happened, acts(fleet.bots[0])) == (ConnectionLost, True, ["reload_config"])


async def test_what_the_release_cannot_do_never_reaches_the_bot(door) -> None:
    with running_fleet([BotSpec(release="2021.6", open_trades=1)]) as fleet:
        bot = fleet.bots[0]
        error = await failed(bot, door, "force_exit", trade_id="1", amount=Decimal("0.001"))
        assert (type(error), bot.requests.count("", "POST"), bot.effects) == (NotOffered, 0, [])
