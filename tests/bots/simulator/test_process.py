"""`python -m bots.simulator`, as `make demo` and the benchmarks start it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], list[dict[str, Any]]]]:
    command = [sys.executable, "-m", "bots.simulator", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["bots"]
    finally:
        process.kill()
        process.communicate()


def ask(card: dict[str, Any], path: str, seconds: float = 60) -> Any:
    credentials = (card["username"], card["password"])
    return requests.get(f"{card['url']}/api/v1{path}", auth=credentials, timeout=seconds)


def test_the_demo_has_a_bot_of_every_kind() -> None:
    with started("--demo", "--parent-pid", str(os.getpid())) as (process, cards):
        assert len(cards) >= 12
        assert {card["currency"] for card in cards} == {"USDT", "BTC", "EUR"}
        assert {card["release"] for card in cards} == {"2020.1", "2022.9.1", "2024.3", "2026.9"}
        assert {card["dry_run"] for card in cards} == {True, False}
        by_fault = {card["fault"]: card for card in cards}
        assert set(by_fault) == {"", "slow", "down", "wrong password", "paused", "stopped", "tells no closed trades"}
        assert ask(by_fault["wrong password"], "/version").status_code == 401
        with pytest.raises(requests.ConnectionError):
            ask(by_fault["down"], "/ping")
        with pytest.raises(requests.ReadTimeout):
            ask(by_fault["slow"], "/ping", seconds=0.3)
        for state in ("paused", "stopped"):
            assert ask(by_fault[state], "/show_config").json()["state"] == state
        live = next(card for card in cards if card["name"] == "btc-trend-01")
        assert ask(live, "/show_config").json()["runmode"] == "live"
        profits = [
            ask(card, "/profit").json()["profit_closed_coin"] for card in cards if card["fault"] in ("", "stopped")
        ]
        assert 0 < sum(profit < 0 for profit in profits) < sum(profit > 0 for profit in profits)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_the_state_file_keeps_ports_and_trades(tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    arguments = ("--bots", "2", "--history", "30", "--open-trades", "1", "--state-file", str(file))
    with started(*arguments) as (process, cards):
        before = [ask(card, "/trades").json() for card in cards]
        opened = [ask(card, "/status").json()[0]["open_timestamp"] for card in cards]
        process.terminate()
        process.wait(60)
    with started(*arguments) as (_, again):
        assert again == cards
        assert [ask(card, "/trades").json() for card in again] == before
        assert [ask(card, "/status").json()[0]["open_timestamp"] for card in again] == opened


def test_it_ends_with_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with started("--bots", "1", "--parent-pid", str(parent.pid)) as (process, _):
        parent.kill()
        parent.wait()
        assert process.wait(60) == 0


def test_a_thousand_bots_start_at_once_and_stay_small() -> None:
    began = time.monotonic()
    with started("--bots", "1000", "--open-trades", "5") as (process, cards):
        took = time.monotonic() - began
        assert len({card["url"] for card in cards}) == 1000
        assert ask(cards[999], "/count").json()["current"] == 5
        memory = int(Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0])
        assert memory < 120_000  # kB
        assert took < 60  # 0.5 s on a machine with nothing else to do
