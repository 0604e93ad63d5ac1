"""The switches that make a bot lie, hang, flood or vanish. Read with a raw socket where a library would mend it."""

import gzip
import json
import socket
import time
from base64 import b64encode

import pytest
import requests

from bots.simulator import BotSpec, Fleet, SimBot, running_fleet

from .conftest import Client


def raw(bot: SimBot, path: str, seconds: float) -> bytes:
    """Everything that arrives within `seconds`."""
    credentials = b64encode(f"{bot.spec.username}:{bot.spec.password}".encode()).decode()
    head = f"GET /api/v1{path} HTTP/1.1\r\nHost: bot\r\nAuthorization: Basic {credentials}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", bot.listener.port), timeout=60) as line:
        line.sendall(head.encode())
        return everything(line, time.monotonic() + seconds)


def everything(line: socket.socket, until: float) -> bytes:
    got = b""
    while (left := until - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            piece = line.recv(65536)
        except TimeoutError:
            break
        if not piece:
            break
        got += piece
    return got


def test_a_hanging_bot_says_nothing_until_it_does(client: Client) -> None:
    client.bot.faults.on("/count").hang = 1.0
    began = time.monotonic()
    assert client.get("/version").status_code == 200
    assert time.monotonic() - began < 1.0
    assert client.get("/count").status_code == 200
    assert time.monotonic() - began >= 1.0


def test_a_hang_without_end_is_left_by_the_client(client: Client) -> None:
    client.bot.faults.hang = float("inf")
    with pytest.raises(requests.ReadTimeout):
        client.get("/ping", timeout=0.2)
    client.bot.faults.clear()
    assert client.get("/ping").status_code == 200


def test_a_dripping_body_comes_byte_by_byte(bot: SimBot) -> None:
    bot.faults.on("/show_config").drip = 50.0
    head, _, body = raw(bot, "/show_config", seconds=0.5).partition(b"\r\n\r\n")
    assert b"200 OK" in head
    assert 5 <= len(body) <= 40


def test_slow_headers_hold_everything_back(bot: SimBot) -> None:
    bot.faults.slow_headers = 40.0
    assert 5 <= len(raw(bot, "/ping", seconds=0.5)) <= 40


def test_a_reset_ends_without_an_answer(client: Client) -> None:
    client.bot.faults.reset = True
    with pytest.raises(requests.ConnectionError):
        client.get("/ping")


def test_a_cut_body_is_shorter_than_promised(bot: SimBot) -> None:
    bot.faults.cut = True
    head, _, body = raw(bot, "/show_config", seconds=2).partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert len(body) == promised // 2


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
def test_any_status_can_be_forced(client: Client, status: int) -> None:
    client.bot.faults.status = status
    assert client.get("/status").status_code == status


def test_a_limit_says_when_to_come_again(client: Client) -> None:
    client.bot.faults.status, client.bot.faults.retry_after = 429, 7
    assert client.get("/status").headers["retry-after"] == "7"


def test_a_proxys_error_is_a_page_and_not_the_bots_json(client: Client) -> None:
    client.bot.faults.status, client.bot.faults.proxy_page = 502, True
    answer = client.get("/status")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert "nginx" in answer.text


def test_garbage_is_no_json(client: Client) -> None:
    client.bot.faults.garbage = True
    with pytest.raises(requests.JSONDecodeError):
        client.get("/status").json()


def test_types_can_be_wrong_while_the_json_is_right(client: Client) -> None:
    client.bot.open_trade("BTC/USDT")
    client.bot.faults.on("/status").wrong_types = True
    trades = client.get("/status").json()
    assert isinstance(trades, dict)
    assert trades["0"]["trade_id"] == "1"
    assert isinstance(client.read("/trades"), dict)


def test_a_huge_body_is_as_long_as_asked_for(client: Client) -> None:
    client.bot.faults.on("/trades").huge = 5_000_000
    body = client.get("/trades").content
    assert 5_000_000 <= len(body) < 5_100_000
    assert isinstance(json.loads(body), list)


def test_a_gzip_bomb_is_small_until_it_is_opened(bot: SimBot) -> None:
    bot.faults.gzip_bomb = 20_000_000
    head, _, body = raw(bot, "/status", seconds=3).partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head
    assert len(body) < 100_000
    assert len(gzip.decompress(body)) == 20_000_000


def test_a_redirect_points_elsewhere(client: Client) -> None:
    client.bot.faults.redirect = "http://169.254.169.254/latest"
    answer = client.get("/status", allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "http://169.254.169.254/latest")


def test_another_server_may_live_at_the_address(client: Client) -> None:
    client.bot.faults.not_a_freqtrade = True
    assert "Welcome to nginx!" in client.get("/ping").text


def test_a_dead_exchange_gives_null_and_old_bots_a_bare_nan() -> None:
    with running_fleet([BotSpec(open_trades=1)]) as fleet:
        bot = fleet.bots[0]
        bot.faults.exchange_down = True
        client = Client(bot)
        assert client.read("/status")[0]["profit_abs"] is None  # type: ignore[index]
        assert client.read("/profit")["profit_all_coin"] is None  # type: ignore[index]
        assert client.read("/profit")["profit_closed_coin"] == 0.0  # type: ignore[index]
        bot.faults.literal_nan = True
        assert '"profit_all_coin":NaN' in client.get("/profit").text
        assert '"current_rate":NaN' in client.get("/status").text


def test_the_clock_can_be_wrong(client: Client) -> None:
    client.bot.faults.clock_offset = 3600.0
    at = client.read("/health")["last_process_ts"]  # type: ignore[index]
    assert 3590 < at - time.time() < 3610


def test_a_bot_that_is_shut_down_refuses_and_comes_back_on_its_port(client: Client) -> None:
    trade = client.bot.open_trade("BTC/USDT")
    address = client.bot.url
    client.bot.shut_down()
    with pytest.raises(requests.ConnectionError):
        client.get("/ping")
    client.bot.come_back()
    assert client.bot.url == address
    assert client.read("/status")[0]["trade_id"] == trade.trade_id  # type: ignore[index]


def test_a_new_version_and_a_switch_to_live_are_seen(client: Client) -> None:
    client.bot.set_version("2024.3")
    client.bot.go_live()
    config = client.read("/show_config")
    assert isinstance(config, dict)
    assert (config["version"], config["api_version"], config["dry_run"], config["runmode"]) == (
        "2024.3",
        2.34,
        False,
        "live",
    )


def test_requests_on_one_connection_are_answered_in_order(bot: SimBot) -> None:
    ask = b"GET /api/v1/ping HTTP/1.1\r\nHost: bot\r\n\r\n"
    last = ask.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", bot.listener.port), timeout=60) as line:
        line.sendall(ask + ask + last[:20])
        time.sleep(0.05)
        line.sendall(last[20:])
        got = everything(line, time.monotonic() + 60)
    assert got.count(b'{"status":"pong"}') == 3


def test_what_is_no_http_is_turned_away(bot: SimBot) -> None:
    with socket.create_connection(("127.0.0.1", bot.listener.port), timeout=60) as line:
        line.sendall(b"hello\r\n\r\n")
        assert everything(line, time.monotonic() + 60).startswith(b"HTTP/1.1 400")


async def test_a_fleet_lives_on_a_loop_too() -> None:
    async with Fleet([BotSpec(name="one"), BotSpec(name="two")]) as fleet:
        ports = {bot.listener.port for bot in fleet.bots}
        fleet["two"].shut_down()
        fleet["two"].come_back()
        assert len(ports) == 2
        assert fleet["two"].listener.port in ports
