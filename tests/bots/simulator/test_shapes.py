"""The simulator held against recordings of genuine bots: same status, same keys, same types."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bots.simulator import BotSpec, SimBot, running_fleet

from .conftest import EARLY, RELEASES, Client
from .shapes import RECORDED_AT, RECORDINGS, differences, recorded

# Lists of an installation, not of a bot; the status is compared all the same.
ONLY_STATUS = {"exchanges", "pairlists_available", "logs", "freqaimodels", "strategy", "backtest_history", "background"}
READINGS = sorted(recorded("2026.9", "_index"))
ABSENT = ["trades_beyond", "unknown_path", "trade_missing", "trades_limit0", "strategy_missing"]
STRATEGY = "RealbotStrategy"


def busy(bot: SimBot) -> None:
    """The state in which the genuine bots were recorded: an exit order waits, an entry waits, pairs are locked.

    In 2020.1 and 2024.3 no entry was waiting at that moment.
    """
    waiting, _ = bot.book.open[:2]
    bot.place_exit(waiting.trade_id, rate=waiting.open_rate * 1.05)
    bot.open_trade(filled=bot.release.text in ("2020.1", "2024.3"))
    bot.lock_pair("ETC/USDT")


@pytest.fixture(scope="module")
def clients() -> Iterator[dict[str, Client]]:
    every = [*EARLY, *RELEASES]
    specs = [BotSpec(name=text, release=text, history=40, open_trades=3, strategy=STRATEGY) for text in every]
    web = BotSpec(name="2026.9-webserver", strategy=STRATEGY)
    with running_fleet([*specs, web]) as fleet:
        for bot in fleet.bots[:-1]:
            busy(bot)
        fleet.bots[-1].faults.webserver_mode = True
        yield {bot.name: Client(bot) for bot in fleet.bots}


def asked(client: Client, name: str, release: str) -> Any:
    index = recorded(release, "_index")[name]
    path = index["path"].removeprefix("/api/v1")
    if name == "trade" and index["status"] == 200:
        path = f"/trade/{client.bot.book.open[0].trade_id}"
    answer = client.get(path)
    assert answer.status_code == index["status"], f"{name}: {answer.text}"
    assert answer.headers["content-type"] == index["content_type"]
    return answer


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize("release", [*EARLY, *RELEASES, "2026.9-webserver"])
def test_a_reading_looks_as_the_genuine_bot_sends_it(clients: dict[str, Client], release: str, name: str) -> None:
    answer = asked(clients[release], name, release)
    if name in ONLY_STATUS:
        return
    real = recorded(release, name)
    assert differences(real, answer.json()) == []
    if answer.status_code != 200:
        assert json.loads(answer.text.replace(clients[release].bot.url, RECORDED_AT)) == real or name == "trades_limit0"


@pytest.mark.parametrize(
    "name", ["trades_beyond", "unknown_path", "trade_missing", "trades_limit0", "strategy_missing"]
)
@pytest.mark.parametrize("release", RELEASES)
def test_what_is_not_there_is_refused_in_the_same_words(clients: dict[str, Client], release: str, name: str) -> None:
    ours, real = asked(clients[release], name, release).json(), recorded(release, name)
    if name == "trades_beyond":
        ours["total_trades"] = real["total_trades"]
    if name == "trades_limit0" and "trades" in real:
        pytest.skip("limit=0 means all in this release")
    assert ours == real


@pytest.mark.parametrize("release", ["2022.9.1", "2026.9"])
@pytest.mark.parametrize("name", ["status", "profit", "balance", "count", "health", "ping"])
def test_with_a_dead_exchange_the_same_figures_are_missing(release: str, name: str) -> None:
    spec = BotSpec(release=release, history=20, open_trades=2)
    with running_fleet([spec]) as fleet:
        fleet.bots[0].faults.exchange_down = True
        answer = Client(fleet.bots[0]).get(f"/{name}")
    file = f"{release}-{name}"
    assert answer.status_code == recorded("exchange-down", "_index")[file]["status"]
    real, ours = recorded("exchange-down", file), answer.json()
    if answer.status_code != 200:
        assert ours == real
    real, ours = (real[0], ours[0]) if name == "status" else (real, ours)
    missing = {key for key, value in real.items() if value is None} - {"last_process"}
    for key in missing & {"profit_abs", "profit_ratio", "current_rate", "profit_all_coin", "profit_all_fiat"}:
        assert ours[key] is None
    if name in ("profit", "status"):
        assert missing and ours["trade_count" if name == "profit" else "trade_id"]


def test_the_comparison_notices_a_lost_field(clients: dict[str, Client]) -> None:
    ours = clients["2026.9"].read("/status")
    assert isinstance(ours, list)
    for trade in ours:
        del trade["stop_loss_abs"]
    assert differences(recorded("2026.9", "status"), ours) == ["[].stop_loss_abs: lacking"]


def test_the_comparison_notices_text_where_a_number_was(clients: dict[str, Client]) -> None:
    ours = clients["2026.9"].read("/count")
    assert isinstance(ours, dict)
    ours["current"] = str(ours["current"])
    assert differences(recorded("2026.9", "count"), ours) == [".current: ['int'] became ['str']"]


def test_every_recorded_endpoint_is_compared() -> None:
    files = {path.stem for path in (RECORDINGS / "2026.9").glob("[a-z]*.json")}
    assert files == set(READINGS)
