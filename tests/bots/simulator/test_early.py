"""Bots of 2020 and 2021: what their web framework, their lists and their clocks did otherwise."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bots.simulator import BotSpec, Fleet, running_fleet
from bots.simulator.auth import signed
from bots.simulator.bot import SimBot

from .conftest import Client
from .test_auth import bearer, claims, login

GENERATIONS = ["2020.1", "2020.4", "2020.5", "2020.6", "2020.8", "2021.1", "2021.3", "2021.6", "2022.3", "2022.9.1"]


@pytest.fixture(scope="module")
def elders() -> Iterator[Fleet]:
    specs = [BotSpec(name=text, release=text, history=12, open_trades=2, zone_hours=2) for text in GENERATIONS]
    with running_fleet(specs) as fleet:
        yield fleet


def client(elders: Fleet, release: str) -> Client:
    return Client(elders[release])


def read(elders: Fleet, release: str, path: str) -> Any:
    return client(elders, release).read(path)


@pytest.mark.parametrize("release", GENERATIONS)
def test_basic_authentication_opens_every_generation(elders: Fleet, release: str) -> None:
    assert read(elders, release, "/version") == {"version": release}
    assert client(elders, release).get("/version", auth=("freqtrader", "guess")).status_code == 401


def test_there_are_no_tokens_before_2020_5(elders: Fleet) -> None:
    assert client(elders, "2020.4").post("/token/login").status_code == 404
    access = login(client(elders, "2020.5"))["access_token"]
    assert client(elders, "2020.5").get("/count", auth=None, headers=bearer(access)).status_code == 200


def test_a_bad_token_is_422_in_2020_and_an_expired_one_401(elders: Fleet) -> None:
    bot = elders["2020.6"]
    refresh = login(Client(bot))["refresh_token"]
    for token in ("garbage", refresh):
        answer = Client(bot).get("/count", auth=None, headers=bearer(token))
        assert (answer.status_code, list(answer.json())) == (422, ["msg"])
    expired = signed(claims(bot, exp=int(time.time()) - 1), bot.spec.jwt_secret)
    answer = Client(bot).get("/count", auth=None, headers=bearer(expired))
    assert (answer.status_code, answer.json()) == (401, {"msg": "Token has expired"})


def test_what_is_missing_is_told_to_those_who_are_in_only(elders: Fleet) -> None:
    elder = client(elders, "2020.6")
    assert elder.get("/nothing", auth=None).json() == {"error": "Unauthorized"}
    assert elder.get("/nothing").json()["code"] == 404


def test_errors_of_2020_are_pages(elders: Fleet) -> None:
    elder = client(elders, "2020.6")
    answers = [elder.get("/forcesell"), elder.post("/forcesell"), elder.ask("POST", "/forcesell", data="{bad")]
    assert [answer.status_code for answer in answers] == [405, 500, 400]
    assert {answer.headers["content-type"] for answer in answers} == {"text/html; charset=utf-8"}
    assert answers[0].headers["allow"] == "OPTIONS, POST"


def test_refusals_of_2020_name_a_function_and_those_of_2021_a_path(elders: Fleet) -> None:
    body = {"tradeid": "999999"}
    told = [client(elders, release).post("/forcesell", body).json()["error"] for release in ("2020.6", "2021.1")]
    assert told == ["Error querying _forcesell: invalid argument", "Error querying /api/v1/forcesell: invalid argument"]


@pytest.mark.parametrize(("release", "name"), [("2020.4", "/reload_conf"), ("2020.6", "/reload_config")])
def test_reload_has_the_name_of_its_time(release: str, name: str) -> None:
    with running_fleet([BotSpec(release=release)]) as fleet:
        elder = Client(fleet.bots[0])
        other = {"/reload_conf": "/reload_config", "/reload_config": "/reload_conf"}[name]
        assert elder.post(other).status_code == 404
        assert elder.post(name).status_code == 200
        assert [effect.action for effect in fleet.bots[0].effects] == ["reload_config"]


@pytest.mark.parametrize(
    ("release", "there", "not_there"),
    [
        ("2020.1", [], ["/trades", "/trade/1", "/logs", "/locks", "/stats", "/health", "/sysinfo"]),
        ("2020.4", ["/trades"], ["/trade/1", "/logs", "/locks"]),
        ("2020.8", ["/trades", "/logs"], ["/trade/1", "/locks", "/pair_candles?pair=BTC/USDT&timeframe=5m"]),
        ("2021.3", ["/trades", "/logs", "/locks", "/stats"], ["/trade/1", "/health", "/sysinfo"]),
        ("2021.6", ["/trades", "/trade/1", "/locks"], ["/health", "/sysinfo", "/weekly", "/message/ws"]),
        ("2022.3", ["/health", "/sysinfo"], ["/weekly", "/entries"]),
    ],
)
def test_endpoints_come_with_their_releases(
    elders: Fleet, release: str, there: list[str], not_there: list[str]
) -> None:
    assert {client(elders, release).get(path).status_code for path in there} <= {200}
    assert {client(elders, release).get(path).status_code for path in not_there} == {404}


@pytest.mark.parametrize(
    ("release", "opened", "ids"),
    [
        ("2020.4", True, [14, 13, 12, 11]),
        ("2020.6", True, [14, 13, 12, 11]),
        ("2020.8", False, [12, 11, 10, 9]),
        ("2021.1", False, [12, 11, 10, 9]),
        ("2021.6", False, [1, 2, 3, 4]),
    ],
)
def test_trades_are_listed_from_the_newest_down_until_they_came_in_pages(
    elders: Fleet, release: str, opened: bool, ids: list[int]
) -> None:
    listed = read(elders, release, "/trades?limit=4")
    assert [trade["trade_id"] for trade in listed["trades"]] == ids
    whole = read(elders, release, "/trades?limit=0")["trades"]
    assert any(trade["is_open"] for trade in whole) is opened
    assert len(whole) == (14 if opened else 12)
    assert ("total_trades" in listed) is (release == "2021.6")


def test_one_release_listed_the_latest_close_first() -> None:
    with running_fleet([BotSpec(release="2021.3")]) as fleet:
        bot = fleet.bots[0]
        late, other = bot.open_trade(), bot.open_trade()
        bot.close_trade(other.trade_id)
        bot.close_trade(late.trade_id)
        listed = Client(bot).read("/trades?limit=1")
    assert [trade["trade_id"] for trade in listed["trades"]] == [late.trade_id]  # type: ignore[index]


@pytest.mark.parametrize(("release", "shift_hours"), [("2020.5", 2), ("2020.6", 2), ("2020.8", 0), ("2021.1", 0)])
def test_timestamps_count_in_the_machines_zone_until_2020_7(elders: Fleet, release: str, shift_hours: int) -> None:
    bot = elders[release]
    for shown, trade in zip(read(elders, release, "/status"), bot.book.open, strict=True):
        assert shown["open_timestamp"] == trade.open_ms - shift_hours * 3_600_000
        assert shown["open_date"] == time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(trade.open_ms / 1000))


@pytest.mark.parametrize("release", ["2020.1", "2020.4"])
def test_the_open_profit_is_percent_until_2020_4(release: str) -> None:
    with running_fleet([BotSpec(release=release)]) as fleet:
        bot = fleet.bots[0]
        bot.open_trade("BTC/USDT", rate=50_000.0, stake=500.0)
        bot.set_price("BTC/USDT", 51_000.0)
        (shown,) = Client(bot).read("/status")  # type: ignore[misc]
    assert isinstance(shown, dict)
    assert (shown["current_profit"], shown["base_currency"]) == (1.8, "USDT")
    assert "open_timestamp" not in shown and "profit_abs" not in shown


def test_the_open_profit_is_a_ratio_from_2020_5_on() -> None:
    with running_fleet([BotSpec(release="2020.5")]) as fleet:
        bot = fleet.bots[0]
        bot.open_trade("BTC/USDT", rate=50_000.0, stake=500.0)
        bot.set_price("BTC/USDT", 51_000.0)
        (shown,) = Client(bot).read("/status")  # type: ignore[misc]
    assert isinstance(shown, dict)
    assert (shown["current_profit"], shown["current_profit_pct"]) == (0.01796204, 1.8)


@pytest.mark.parametrize(("release", "status"), [("2020.1", 502), ("2020.5", 502), ("2020.6", 200)])
def test_a_bot_without_a_closed_trade_has_no_profit_until_2020_5(release: str, status: int) -> None:
    with running_fleet([BotSpec(release=release, open_trades=1)]) as fleet:
        answer = Client(fleet.bots[0]).get("/profit")
    assert answer.status_code == status
    if status == 502:
        assert answer.json() == {"error": "Error querying _profit: no closed trade"}


@pytest.mark.parametrize(("release", "told"), [("2020.8", True), ("2021.1", "True"), ("2021.3", True)])
def test_dry_run_is_a_text_in_2021_1_only(elders: Fleet, release: str, told: object) -> None:
    assert read(elders, release, "/show_config")["dry_run"] == told


@pytest.mark.parametrize(("release", "stake"), [("2021.6", 500.0), ("2022.3", "500.0"), ("2022.9.1", "500.0")])
def test_the_stake_is_a_number_and_later_a_text(elders: Fleet, release: str, stake: object) -> None:
    assert read(elders, release, "/show_config")["stake_amount"] == stake


@pytest.mark.parametrize(
    ("release", "old", "new"),
    [("2022.3", "forcesell", None), ("2022.9.1", "forcesell", "forceexit"), ("2026.9", "forcesell", "forceexit")],
)
def test_a_forced_exit_keeps_its_former_path(release: str, old: str, new: str | None) -> None:
    with running_fleet([BotSpec(release=release, open_trades=2)]) as fleet:
        bot = fleet.bots[0]
        assert Client(bot).post(f"/{old}", {"tradeid": "1"}).status_code == 200
        answer = Client(bot).post("/forceexit", {"tradeid": "2"})
        assert answer.status_code == (200 if new else 405)


def test_a_command_twice_is_no_error(elders: Fleet) -> None:
    with running_fleet([BotSpec(release="2021.6")]) as fleet:
        elder = Client(fleet.bots[0])
        words = [elder.post(path).json()["status"] for path in ("/start", "/stop", "/stop", "/start")]
    assert words == ["already running", "stopping trader ...", "already stopped", "starting trader ..."]


def test_a_bot_without_open_trades_lists_none(elders: Fleet) -> None:
    for release in ("2020.1", "2021.6", "2026.9"):
        with running_fleet([BotSpec(release=release)]) as fleet:
            assert Client(fleet.bots[0]).read("/status") == []


def test_without_a_fiat_currency_every_worth_is_zero() -> None:
    with running_fleet([BotSpec(fiat="", history=5, open_trades=1)]) as fleet:
        bot = Client(fleet.bots[0])
        profit: Any = bot.read("/profit")
        assert (profit["profit_closed_fiat"], profit["profit_all_fiat"]) == (0.0, 0.0)
        assert profit["profit_closed_coin"] != 0
        assert bot.read("/balance")["value"] == 0.0  # type: ignore[index]


def test_a_sim_bot_of_its_own_release_says_so() -> None:
    assert SimBot(BotSpec(release="2020.6")).release.flask
    assert not SimBot(BotSpec(release="2021.1")).release.flask
