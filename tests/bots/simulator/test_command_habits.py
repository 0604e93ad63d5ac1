"""What the generations do with the same command, as their sources have it: in silence, or although they say no."""

import math
import time
from collections.abc import Iterator

import pytest
import requests

from bots.simulator import BotSpec, SimBot, running_fleet

from .conftest import Client


@pytest.fixture
def bot(request: pytest.FixtureRequest) -> Iterator[SimBot]:
    release = getattr(request, "param", "2026.9")
    with running_fleet([BotSpec(release=release, reload_seconds=(0.05, 0.2))]) as fleet:
        yield fleet.bots[0]


def exit_path(bot: SimBot) -> str:
    return "/forceexit" if bot.release.since("2022.4.1") else "/forcesell"


of = pytest.mark.parametrize


@of(("bot", "status"), [("2022.9.1", 200), ("2023.4", 200), ("2023.6", 502), ("2026.9", 502)], indirect=["bot"])
def test_an_unfilled_entry_is_cancelled_by_a_forced_exit_whatever_is_said(bot: SimBot, status: int) -> None:
    trade = bot.open_trade("BTC/USDT", filled=False)
    assert Client(bot).post("/forceexit", {"tradeid": str(trade.trade_id)}).status_code == status
    assert bot.book.trades == {}
    assert [effect.detail for effect in bot.effects_on(trade)] == ["entry cancelled"]


@of("bot", ["2020.1", "2020.6"], indirect=True)
def test_the_eldest_leave_an_open_exit_order_alone_and_say_it_is_done(bot: SimBot) -> None:
    trade = bot.open_trade("BTC/USDT")
    bot.place_exit(trade.trade_id, rate=trade.open_rate * 2)
    answer = Client(bot).post("/forcesell", {"tradeid": str(trade.trade_id)})
    assert answer.json() == {"result": f"Created sell order for trade {trade.trade_id}."}
    assert (bot.effects, len(trade.orders), trade.is_open) == ([], 2, True)


@of(("bot", "left"), [("2022.7", 0.0), ("2022.8", 0.5), ("2026.9", 0.5)], indirect=["bot"])
def test_an_older_bot_passes_over_an_amount_and_sells_everything(bot: SimBot, left: float) -> None:
    trade = bot.open_trade("SOL/USDT")
    held = trade.amount
    Client(bot).post("/forceexit", {"tradeid": str(trade.trade_id), "amount": held / 2, "ordertype": "market"})
    assert (trade.amount if trade.is_open else 0.0) == pytest.approx(held * left, abs=0.01)


@of(("bot", "price"), [("2025.11", "market"), ("2025.12", "asked")], indirect=["bot"])
def test_an_older_bot_passes_over_a_price(bot: SimBot, price: str) -> None:
    bot.set_price("BTC/USDT", 50_000.0)
    trade = bot.open_trade("BTC/USDT")
    Client(bot).post("/forceexit", {"tradeid": str(trade.trade_id), "ordertype": "limit", "price": 51_000.0})
    assert trade.orders[-1].price == {"market": 50_000.0, "asked": 51_000.0}[price]
    assert (trade.orders[-1].is_open, trade.is_open) == (True, True)


@of(("bot", "status"), [("2022.8", 200), ("2022.9.1", 502)], indirect=["bot"])
def test_an_older_bot_enters_beyond_its_slots(bot: SimBot, status: int) -> None:
    for pair in bot.spec.whitelist[:5]:
        bot.open_trade(pair)
    assert Client(bot).post("/forceenter", {"pair": "LTC/USDT"}).status_code == status


@of("bot", ["2020.1", "2022.9.1", "2025.3"], indirect=True)
def test_a_stopped_bot_forgets_that_it_should_not_enter(bot: SimBot) -> None:
    client = Client(bot)
    client.post("/stop")
    assert client.post("/stopbuy").json()["status"].startswith("No more ")
    client.post("/start")
    assert (bot.max_open_trades, [effect.action for effect in bot.effects]) == (5, ["stop", "start"])


def test_what_would_be_too_small_to_sell_later_is_not_left(bot: SimBot) -> None:
    trade = bot.open_trade("SOL/USDT")
    body = {"tradeid": str(trade.trade_id), "amount": trade.amount * 0.999, "ordertype": "market"}
    answer = Client(bot).post("/forceexit", body)
    assert (answer.status_code, "would be too small." in answer.text) == (502, True)
    assert (bot.effects, trade.is_open) == ([], True)


@of(("bot", "status"), [("2023.6", 200), ("2023.8", 422), ("2024.1", 422), ("2024.3", 200)], indirect=["bot"])
def test_a_trade_id_that_is_a_number_is_refused_for_half_a_year(bot: SimBot, status: int) -> None:
    trade = bot.open_trade("SOL/USDT")
    assert Client(bot).post("/forceexit", {"tradeid": trade.trade_id}).status_code == status


@of(("bot", "errors"), [("2020.1", None), ("2020.6", "match stake"), ("2026.9", "")], indirect=["bot"])
def test_the_eldest_keep_only_pairs_of_their_currency_off(bot: SimBot, errors: str | None) -> None:
    answer = Client(bot).post("/blacklist", {"blacklist": ["ETH/BTC"]}).json()
    assert answer["blacklist"] == ([] if errors != "" else ["ETH/BTC"])
    assert ("errors" in answer) is (errors is not None)
    assert (errors or "") in str(answer.get("errors"))


def test_a_pattern_that_is_none_is_not_taken(bot: SimBot) -> None:
    answer = Client(bot).post("/blacklist", {"blacklist": ["*/USDT", "X.*/USDT"]}).json()
    assert answer["blacklist"] == ["X.*/USDT"]
    assert answer["errors"] == {"*/USDT": {"error_msg": "Pair */USDT is not a valid wildcard."}}


def test_a_reload_forgets_what_was_blacklisted_while_it_ran(bot: SimBot) -> None:
    client = Client(bot)
    client.post("/blacklist", {"blacklist": ["DOGE/USDT"]})
    client.post("/reload_config")
    deadline = time.monotonic() + 60
    while bot.reloads and time.monotonic() < deadline:
        time.sleep(0.02)
    assert bot.blacklist == []


@of(("bot", "status"), [("2025.3", 502), ("2025.4", 200)], indirect=["bot"])
def test_a_bot_about_to_reload_sells_from_2025_4_on(bot: SimBot, status: int) -> None:
    trade = bot.open_trade("SOL/USDT")
    bot.enter_state("reload_config")
    assert Client(bot).post("/forceexit", {"tradeid": str(trade.trade_id)}).status_code == status


def test_effects_are_counted_by_trade_and_not_by_id(bot: SimBot) -> None:
    client = Client(bot)
    first = bot.open_trade("SOL/USDT", filled=False)
    client.delete(f"/trades/{first.trade_id}/open-order")
    second = bot.open_trade("BTC/USDT")
    assert second.trade_id == first.trade_id
    client.post("/forceexit", {"tradeid": str(second.trade_id)})
    assert [effect.action for effect in bot.effects_on(first)] == ["cancel_order"]
    assert [effect.action for effect in bot.effects_on(second)] == ["force_exit"]
    assert bot.effects_on(second, "cancel_order") == []


# --- answers that are lost --------------------------------------------------------------------------------------------


def asked_to_exit(bot: SimBot) -> int | None:
    """The status of the answer, None when it was lost; the trade is the bot's first."""
    try:
        return Client(bot).post("/forceexit", {"tradeid": "1"}, timeout=0.4).status_code
    except requests.RequestException:
        return None


@of("acts", [True, False])
@of(
    ("fault", "status"),
    [
        ({"reset": True}, None),
        ({"hang": math.inf}, None),
        ({"status": 500}, 500),
        ({"status": 502, "proxy_page": True}, 502),
        ({"status": 504}, 504),
        ({"redirect": "http://127.0.0.1:9/"}, None),
        ({"garbage": True}, 200),
    ],
)
def test_an_answer_is_lost_before_or_after_the_act(bot: SimBot, fault: dict, status: int | None, acts: bool) -> None:
    trade = bot.open_trade("SOL/USDT")
    for name, value in fault.items():
        setattr(bot.faults.on("/forceexit"), name, value)
    bot.faults.on("/forceexit").acts = acts
    assert asked_to_exit(bot) == status
    assert (len(bot.effects_on(trade)), trade.is_open) == ((1, False) if acts else (0, True))


def test_a_cut_answer_is_one_to_an_act(bot: SimBot) -> None:
    trade = bot.open_trade("SOL/USDT")
    bot.faults.on("/forceexit").acts = bot.faults.on("/forceexit").cut = True
    assert asked_to_exit(bot) is None
    assert len(bot.effects_on(trade)) == 1


def test_a_slow_bot_acts_although_nobody_waits_any_more(bot: SimBot) -> None:
    trade = bot.open_trade("SOL/USDT")
    bot.faults.on("/forceexit").hang = 0.8
    assert asked_to_exit(bot) is None
    assert bot.effects_on(trade) == []
    time.sleep(0.8)
    assert len(bot.effects_on(trade)) == 1


def test_to_act_is_no_fault(bot: SimBot) -> None:
    bot.faults.acts = True
    assert (bot.faults.is_on(), bot.faults.at("/forceexit")) == (False, None)
