"""Commands with their refusals, replayed from the recordings and tried one by one."""

import json
from typing import Any

import pytest
import requests

from bots.simulator import BotSpec, Fleet, SimBot, running_fleet

from .conftest import EARLY, RELEASES, Client
from .shapes import RECORDED_AT, differences, recorded_lines

# Recorded refusals and answers that do not depend on what the bot had traded: label -> body is compared word by word.
WORD_BY_WORD = {
    "no auth",
    "wrong password",
    "unknown path",
    "wrong method",
    "exit: no body",
    "exit: not json",
    "exit: unknown id",
    "exit: text id",
    "exit: bad ordertype",
    "enter: unknown pair",
    "enter: wrong quote",
    "reload trade missing",
    "delete trade missing",
    "cancel: none open",
    "lock add naive time",
    "blacklist add",
    "blacklist delete",
    "daily timescale 0",
    "daily timescale text",
    "login no auth",
    "login wrong password",
}


def recorded_call(release: str, label: str) -> dict[str, Any]:
    """Skips the test where the genuine bot of this release was not asked that."""
    found = [line for line in recorded_lines(release, "_calls") if line["label"] == label]
    if not found:
        pytest.skip(f"{release} was not asked: {label}")
    return found[0]


@pytest.mark.parametrize("label", sorted(WORD_BY_WORD))
@pytest.mark.parametrize("release", [*EARLY, *RELEASES])
def test_a_refusal_is_worded_as_the_genuine_bot_words_it(fleet: Fleet, release: str, label: str) -> None:
    call = recorded_call(release, label)
    more: dict[str, Any] = {"json": call["body"]} if call["body"] else {}
    if label in ("no auth", "login no auth"):
        more["auth"] = None
    if label in ("wrong password", "login wrong password"):
        more["auth"] = ("freqtrader", "guess")
    if label == "exit: not json":
        more["data"] = "{bad"
    answer = Client(fleet[release]).ask(call["method"], call["path"], **more)
    assert answer.status_code == call["status"]
    assert said(answer, fleet[release]) == call["response"]
    theirs = {name.lower(): value for name, value in call["headers"].items()}
    for name in ("www-authenticate", "allow"):
        assert answer.headers.get(name) == theirs.get(name)


def said(answer: requests.Response, bot: SimBot) -> Any:
    """As it was written down: a page of HTML as text."""
    if answer.headers["content-type"].startswith("text/html"):
        return {"_not_json": answer.text}
    return json.loads(answer.text.replace(bot.url, RECORDED_AT))


@pytest.mark.parametrize("label", ["trade after exit", "trade after partial", "enter: market", "reload trade"])
def test_the_trade_a_command_answers_has_the_recorded_fields(client: Client, label: str) -> None:
    bot = client.bot
    first, second = bot.open_trade("BTC/USDT"), bot.open_trade("ETH/USDT")
    client.post("/forceexit", {"tradeid": str(first.trade_id)})
    client.post("/forceexit", {"tradeid": str(second.trade_id), "ordertype": "market", "amount": second.amount / 2})
    answers = {
        "trade after exit": lambda: client.get(f"/trade/{first.trade_id}"),
        "trade after partial": lambda: client.get(f"/trade/{second.trade_id}"),
        "enter: market": lambda: client.post("/forceenter", {"pair": "LTC/USDT", "ordertype": "market"}),
        "reload trade": lambda: client.post(f"/trades/{first.trade_id}/reload"),
    }
    real = recorded_call("2026.9", label)["response"]
    assert differences(real, answers[label]().json()) == []


def test_four_exits_of_one_trade_sell_it_once(client: Client) -> None:
    trade = client.bot.open_trade("BTC/USDT")
    body = {"tradeid": str(trade.trade_id), "ordertype": "market"}
    answers = [client.post("/forceexit", body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 502, 502, 502]
    assert answers[3].json() == {"error": "Error querying /api/v1/forceexit: invalid argument"}
    assert [effect.action for effect in client.bot.effects] == ["force_exit"]


def test_a_repeated_limit_exit_replaces_the_order(client: Client) -> None:
    trade = client.bot.open_trade("BTC/USDT", rate=50_000.0)
    body = {"tradeid": str(trade.trade_id), "ordertype": "limit", "price": 51_000.0}
    assert client.post("/forceexit", body).status_code == 200
    assert client.post("/forceexit", {**body, "price": 52_000.0}).status_code == 200
    orders = client.read(f"/trade/{trade.trade_id}")["orders"]  # type: ignore[index]
    assert [(order["status"], order["safe_price"]) for order in orders[1:]] == [
        ("canceled", 51_000.0),
        ("open", 52_000.0),
    ]


def test_a_partial_exit_leaves_the_rest_open(client: Client) -> None:
    trade = client.bot.open_trade("BTC/USDT", rate=50_000.0, stake=500.0)
    client.bot.set_price("BTC/USDT", 51_000.0)
    client.post("/forceexit", {"tradeid": str(trade.trade_id), "amount": 0.004, "ordertype": "market"})
    shown = client.read(f"/trade/{trade.trade_id}")
    assert isinstance(shown, dict)
    assert (shown["is_open"], shown["amount"], shown["stake_amount"]) == (True, 0.006, 300.0)
    # 0.004 bought at 50000 and sold at 51000, a fee of 0.1 % each way
    assert shown["realized_profit"] == pytest.approx(0.004 * 51_000 * 0.999 - 0.004 * 50_000 * 1.001, abs=1e-8)


def test_an_exit_of_an_unfilled_entry_fails_although_it_cancels(client: Client) -> None:
    trade = client.bot.open_trade("BTC/USDT", filled=False)
    answer = client.post("/forceexit", {"tradeid": str(trade.trade_id)})
    assert answer.status_code == 502
    assert answer.json() == {"error": "Error querying /api/v1/forceexit: Failed to exit trade."}
    assert client.get(f"/trade/{trade.trade_id}").status_code == 404


def test_cancelling_an_unfilled_entry_fails_although_it_is_done(client: Client) -> None:
    trade = client.bot.open_trade("BTC/USDT", filled=False)
    answer = client.delete(f"/trades/{trade.trade_id}/open-order")
    assert answer.json() == {"error": f"Error querying /api/v1/trades/{trade.trade_id}/open-order: no active trade"}
    assert client.read("/status") == []


def test_exit_all_sells_everything(client: Client) -> None:
    for pair in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
        client.bot.open_trade(pair)
    assert client.post("/forceexit", {"tradeid": "all"}).json() == {
        "result": "Created exit orders for all open trades."
    }
    assert client.read("/status") == []
    assert client.read("/count")["current"] == 0  # type: ignore[index]


def test_no_entry_beyond_the_slots_or_into_an_open_pair(client: Client) -> None:
    for pair in client.bot.spec.whitelist[:5]:
        client.bot.open_trade(pair)
    taken, full = client.post("/forceenter", {"pair": "BTC/USDT"}), client.post("/forceenter", {"pair": "LTC/USDT"})
    assert "position for BTC/USDT already open - id: 1" in taken.json()["error"]
    assert "Maximum number of trades is reached." in full.json()["error"]
    assert client.bot.effects == []


def test_stopped_bots_answer_reading_but_not_counting(client: Client) -> None:
    client.bot.open_trade("BTC/USDT")
    assert client.post("/stop").json() == {"status": "stopping trader ..."}
    assert client.post("/stop").json() == {"status": "already stopped"}
    assert client.read("/show_config")["state"] == "stopped"  # type: ignore[index]
    assert len(client.read("/status")) == 1  # type: ignore[arg-type]
    for path in ("/forceexit", "/forceenter"):
        answer = client.post(path, {"tradeid": "all", "pair": "ETH/USDT"})
        assert answer.json() == {"error": f"Error querying /api/v1{path}: trader is not running"}
    assert client.get("/count").status_code == 502


def test_a_paused_bot_sells_but_does_not_buy(client: Client) -> None:
    trade = client.bot.open_trade("BTC/USDT")
    assert client.post("/pause").json()["status"].startswith("paused, no more entries")
    assert client.read("/show_config")["state"] == "paused"  # type: ignore[index]
    assert client.post("/forceenter", {"pair": "ETH/USDT"}).status_code == 502
    assert client.post("/forceexit", {"tradeid": str(trade.trade_id)}).status_code == 200
    assert client.post("/start").json() == {"status": "starting trader ..."}
    assert client.post("/start").json() == {"status": "already running"}


def test_an_old_bot_cannot_undo_stopentry_by_start(old_client: Client) -> None:
    assert old_client.post("/pause").status_code == 405
    assert old_client.post("/stopentry").json()["status"].endswith("Run /reload_config to reset.")
    config = old_client.read("/show_config")
    assert isinstance(config, dict)
    assert (config["state"], config["max_open_trades"]) == ("running", 0)
    assert old_client.post("/start").json() == {"status": "already running"}
    assert old_client.read("/show_config")["max_open_trades"] == 0  # type: ignore[index]


def reachable(client: Client) -> bool:
    try:
        return client.get("/ping").status_code == 200
    except requests.ConnectionError:
        return False


def waited_for(client: Client, wanted: bool) -> bool:
    return any(reachable(client) is wanted for _ in range(400))


def test_reload_config_closes_the_port_for_a_moment() -> None:
    with running_fleet([BotSpec(release="2022.9.1", reload_seconds=(0.05, 0.2))]) as fleet:
        client = Client(fleet.bots[0])
        client.post("/stopentry")
        assert client.post("/reload_config").json() == {"status": "Reloading config ..."}
        assert waited_for(client, wanted=False)
        assert waited_for(client, wanted=True)
        assert client.read("/show_config")["max_open_trades"] == 5  # type: ignore[index]
        assert client.post("/reload_conf").status_code == 405


def test_locks_come_go_and_end(client: Client) -> None:
    lock = {"pair": "BTC/USDT", "until": "2099-12-31T00:00:00Z", "side": "long", "reason": "test"}
    locked = client.post("/locks", [lock, {**lock, "pair": "ETH/USDT"}]).json()
    assert [(row["id"], row["pair"], row["lock_end_timestamp"]) for row in locked["locks"]] == [
        (1, "BTC/USDT", 4_102_358_700_000),  # the end of the candle that begins then
        (2, "ETH/USDT", 4_102_358_700_000),
    ]
    assert client.delete("/locks/1").json()["lock_count"] == 1
    assert client.delete("/locks/999").json()["lock_count"] == 1
    assert client.post("/locks/delete", {"pair": "ETH/USDT"}).json() == {"lock_count": 0, "locks": []}


def test_a_lock_in_the_past_is_not_shown(client: Client) -> None:
    client.bot.lock_pair("BTC/USDT", seconds=-1)
    assert client.read("/locks") == {"lock_count": 0, "locks": []}


def test_deleting_a_trade_takes_it_out_of_the_profit(client: Client) -> None:
    client.bot.set_price("BTC/USDT", 50_000.0)
    trade = client.bot.open_trade("BTC/USDT")
    client.bot.close_trade(trade.trade_id, rate=55_000.0)
    assert client.read("/profit")["closed_trade_count"] == 1  # type: ignore[index]
    answer = client.delete(f"/trades/{trade.trade_id}").json()
    assert answer["result_msg"] == "Deleted trade #1 for pair BTC/USDT. Closed 0 open orders."
    assert client.read("/profit")["profit_closed_coin"] == 0.0  # type: ignore[index]


def test_refused_commands_have_no_effect(client: Client) -> None:
    client.post("/forceexit", {"tradeid": "77"})
    client.delete("/trades/77")
    client.post("/start")
    assert client.bot.effects == []


def test_commands_are_counted(bot: SimBot) -> None:
    client = Client(bot)
    client.get("/ping")
    client.post("/stop")
    assert (bot.requests.count("/stop", "POST"), bot.requests.count("/ping"), len(bot.requests)) == (1, 1, 2)
