"""What a subscriber hears, and when he hears nothing."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bots.simulator import BotSpec, SimBot, running_fleet

from .conftest import RELEASES, Client
from .shapes import differences, recorded_lines

TRADES = ["entry", "entry_fill", "entry_cancel", "exit", "exit_fill", "exit_cancel"]


@contextmanager
def subscribed(bot: SimBot, *topics: object) -> Iterator[ClientConnection]:
    with connect(bot.ws_url) as line:
        if topics:
            ask(line, "subscribe", list(topics))
        yield line


def ask(line: ClientConnection, kind: str, data: object = None) -> None:
    line.send(json.dumps({"type": kind, "data": data}))


def heard(line: ClientConnection, number: int) -> list[dict[str, Any]]:
    return [json.loads(line.recv(timeout=60)) for _ in range(number)]


def is_silent(line: ClientConnection) -> bool:
    """Nothing was sent: the answer to a question asked now is the first thing to arrive."""
    ask(line, "whitelist")
    return json.loads(line.recv(timeout=60))["type"] == "whitelist"


def settled(line: ClientConnection) -> None:
    """The bot has read everything sent so far."""
    assert is_silent(line)


def test_without_a_subscription_nothing_arrives(bot: SimBot) -> None:
    with subscribed(bot) as line:
        bot.open_trade("BTC/USDT")
        assert is_silent(line)


def test_a_trade_is_told_from_entry_to_exit(bot: SimBot) -> None:
    with subscribed(bot, *TRADES) as line:
        settled(line)
        trade = bot.open_trade("BTC/USDT", rate=50_000.0)
        bot.close_trade(trade.trade_id, rate=51_000.0)
        told = heard(line, 4)
    assert [message["type"] for message in told] == ["entry", "entry_fill", "exit", "exit_fill"]
    assert told[3]["profit_amount"] == trade.close_profit_abs
    assert [message["exchange"] for message in told] == ["Binance"] * 4


def test_a_later_subscription_replaces_the_earlier(bot: SimBot) -> None:
    with subscribed(bot, "entry") as line:
        ask(line, "subscribe", ["entry_fill"])
        settled(line)
        bot.open_trade("BTC/USDT")
        assert heard(line, 1)[0]["type"] == "entry_fill"


@pytest.mark.parametrize("request_data", [["entry", "no_such_topic"], [], "entry", [7], None])
def test_one_unknown_topic_voids_the_whole_request_without_a_word(bot: SimBot, request_data: object) -> None:
    with subscribed(bot, "exit") as line:
        ask(line, "subscribe", request_data)
        settled(line)
        trade = bot.open_trade("BTC/USDT")
        bot.close_trade(trade.trade_id)
        assert heard(line, 1)[0]["type"] == "exit"  # the earlier subscription stands


def test_an_old_bot_does_not_know_candles(old_bot: SimBot) -> None:
    with subscribed(old_bot, "entry", "new_candle") as line:
        settled(line)
        old_bot.open_trade("BTC/USDT")
        assert is_silent(line)


def test_an_unknown_request_is_answered_by_new_bots_only(bot: SimBot, old_bot: SimBot) -> None:
    with subscribed(bot) as line:
        ask(line, "nonsense")
        assert heard(line, 1) == [{"type": "exception", "data": "Invalid request type: nonsense"}]
    with subscribed(old_bot) as line:
        ask(line, "nonsense")
        assert is_silent(line)


def test_text_that_is_no_json_ends_the_connection(bot: SimBot) -> None:
    with subscribed(bot) as line:
        line.send("hello?")
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


def test_only_the_token_or_an_access_token_opens_it(bot: SimBot) -> None:
    tokens = Client(bot).post("/token/login").json()
    address = bot.ws_url.partition("token=")[0] + "token="
    with connect(address + tokens["access_token"]) as line:
        assert is_silent(line)
    for token in ("", "wrong", tokens["refresh_token"]):
        with pytest.raises(InvalidStatus) as refused:
            connect(address + token)
        assert refused.value.response.status_code == 403


def test_a_webserver_has_no_messages(bot: SimBot) -> None:
    bot.faults.webserver_mode = True
    with pytest.raises(InvalidStatus) as refused:
        connect(bot.ws_url)
    assert refused.value.response.status_code == 502


def test_stop_and_start_are_told_and_the_line_stays(bot: SimBot) -> None:
    with subscribed(bot, "status", "warning", "startup") as line:
        settled(line)
        Client(bot).post("/stop")
        Client(bot).post("/start")
        kinds = [message["type"] for message in heard(line, 6)]
    assert kinds == ["status", "status", "warning", "startup", "startup", "startup"]


def test_a_reload_ends_the_line(bot: SimBot) -> None:
    with subscribed(bot) as line:
        Client(bot).post("/reload_config")
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def test_nothing_is_told_again_after_a_reconnect(bot: SimBot) -> None:
    with subscribed(bot, *TRADES) as line:
        settled(line)
    bot.open_trade("BTC/USDT")
    with subscribed(bot, *TRADES) as line:
        assert is_silent(line)


def test_driving_a_bot_while_it_is_asked_and_listened_to_never_stalls(bot: SimBot) -> None:
    asked, over = Client(bot), threading.Event()

    def ask_on() -> None:
        while not over.is_set():
            asked.get("/status")

    reader = threading.Thread(target=ask_on)
    with subscribed(bot, *TRADES) as line:
        settled(line)
        reader.start()
        began = time.monotonic()
        for _ in range(300):
            bot.close_trade(bot.open_trade("BTC/USDT").trade_id)
        assert time.monotonic() - began < 60
        over.set()
        reader.join()
        assert [message["type"] for message in heard(line, 1200)][-1] == "exit_fill"


def everything(bot: SimBot) -> list[dict[str, Any]]:
    """One message of each kind, in all the ways they come."""
    topics = [*TRADES, "protection_trigger", "whitelist"]
    with subscribed(bot, *topics) as line:
        settled(line)
        sold = bot.open_trade("BTC/USDT", rate=50_000.0)
        bot.close_trade(sold.trade_id, rate=49_000.0)
        bot.cancel_unfilled(bot.open_trade("ETH/USDT", filled=False).trade_id)
        waiting = bot.open_trade("SOL/USDT")
        bot.place_exit(waiting.trade_id, rate=999.0)
        bot.cancel_unfilled(waiting.trade_id)
        bot.lock_pair("XRP/USDT")
        ask(line, "whitelist")
        return heard(line, 12)


@pytest.mark.parametrize("release", RELEASES)
def test_messages_look_as_the_genuine_bot_sends_them(release: str) -> None:
    with running_fleet([BotSpec(release=release)]) as fleet:
        told = {message["type"]: message for message in everything(fleet.bots[0])}
    kinds = {*TRADES, "protection_trigger", "whitelist"}
    real = {line["msg"]["type"]: line["msg"] for line in recorded_lines(release, "ws") if line["msg"]["type"] in kinds}
    assert len(real) >= 7
    for kind, message in real.items():
        found = [what for what in differences(message, told[kind], kind) if "limit" not in what]
        if kind == "exit_cancel":  # its rates are the whole number 0
            found = [what for what in found if "order_rate" not in what]
        assert found == []
    zone = "+00:00" if release != "2022.9.1" else ""
    assert told["entry"]["open_date"].endswith(zone)
    assert "+" not in told["entry_cancel"]["open_date"]
    assert ("+" in told["exit"]["close_date"]) == bool(zone)
