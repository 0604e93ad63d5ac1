"""The genuine bots' recorded commands, given to simulated ones in the same order: the same status, words and shape."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from bots.simulator import BotSpec, SimBot, running_fleet

from .conftest import EARLY, RELEASES, Client
from .shapes import differences, recorded_lines

NUMBERED = {"exit: real trade", "exit: same trade again", "exit: int id + market", "exit: partial amount"}
# What depends on the trades that the genuine bot opened by itself in between.
BY_CHANCE = {"enter: with tag/price"}
SKIPPED = re.compile(r"login|refresh|access|no auth|wrong password|unknown path|wrong method|not json|pair_candles")


@pytest.fixture(params=[*EARLY, *RELEASES])
def bot(request: pytest.FixtureRequest) -> Iterator[SimBot]:
    with running_fleet([BotSpec(release=request.param, history=5, reload_seconds=(30, 1))]) as fleet:
        bot = fleet.bots[0]
        for pair in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
            bot.open_trade(pair)
        bot.lock_pair("ADA/USDT")
        yield bot


def commands(release: str) -> Iterator[dict[str, Any]]:
    for line in recorded_lines(release, "_calls"):
        if line.get("method") not in (None, "GET") and not SKIPPED.search(line["label"]):
            yield line


def test_every_recorded_command_is_answered_as_recorded(bot: SimBot) -> None:
    client, mine, asked, wrong = Client(bot), iter(list(bot.book.open)), set(), []
    known: dict[str, str] = {}
    for line in commands(bot.release.text):
        if line["label"] in BY_CHANCE and line["status"] == 502:
            continue
        path, body = translated(bot, line, mine, known)
        answer = client.ask(line["method"], path, json=body) if body else client.ask(line["method"], path)
        asked.add(line["label"])
        if answer.status_code != line["status"]:
            wrong.append((line["label"], line["status"], answer.status_code, answer.text))
        elif answer.headers["content-type"] == "application/json":
            wrong += [(line["label"], each) for each in unlike(line["response"], answer.json())]
    assert wrong == []
    assert len(asked) >= 30


def translated(bot: SimBot, line: dict[str, Any], mine: Any, known: dict[str, str]) -> tuple[str, Any]:
    """The same about a trade, lock or pair of this bot."""
    body, path = line["body"], line["path"]
    if line["label"] in NUMBERED:
        theirs = str(body["tradeid"])
        if theirs not in known:
            known[theirs] = str(next(mine).trade_id)
        body = {**body, "tradeid": type(body["tradeid"])(known[theirs])}
    if "amount" in (body or {}):
        body = {**body, "amount": bot.book.trades[int(body["tradeid"])].amount / 2}
    if line["label"] == "enter: pair already open":
        body = {"pair": bot.book.open[0].pair}
    if line["label"] == "lock delete":
        path = "/locks/1"
    return path, body


def unlike(real: Any, ours: Any) -> list[str]:
    """A trade and a list of locks by their shape, anything else word by word but for the numbers."""
    if {"trade_id", "pair"} <= set(real) or "locks" in real:
        if "locks" in real:
            real, ours = {**real, "locks": real["locks"][:1]}, {**ours, "locks": ours["locks"][:1]}
        return differences(real, ours) if not ("locks" in real and not ours["locks"]) else []
    return [] if bare(real) == bare(ours) else [f"{real} is not {ours}"]


def bare(answer: Any) -> str:
    return re.sub(r"[A-Z]+/USDT", "PAIR", re.sub(r"\d+", "N", str(sorted(answer.items()))))
