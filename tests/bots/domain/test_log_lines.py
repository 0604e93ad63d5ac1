"""Who collects the logs as JSON finds each line about one bot by its `bot`, and by its `run` where that is known."""

import ast
import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import DatabaseError

from bots.domain.polling import engine, writing
from bots.domain.relaying.line import Line
from bots.models import BotRun, PollTurn
from bots.systems.errors import BadAnswer
from portal.logs import JsonLines
from tests.fleets import polled, settled

ROOT = Path(__file__).resolve().parents[3]
Lines = Callable[[], list[tuple[object, object, str]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """(bot, run, message) of what was told since, as it is written."""
    caplog.set_level(logging.INFO, "bots")

    def since() -> list[tuple[object, object, str]]:
        told = [json.loads(JsonLines().format(record)) for record in caplog.records]
        caplog.clear()
        return [(line.get("bot"), line.get("run"), line["message"]) for line in told]

    return since


def ask_again(bot) -> None:
    PollTurn.objects.filter(bot=bot).update(due={})
    polled(bot)


def test_a_bot_that_falls_silent_and_answers_again(sim, bot, lines: Lines) -> None:
    polled(bot)
    assert lines() == []
    sim.faults.wrong_password = True
    ask_again(bot)
    [(slug, run, _)] = lines()
    assert (slug, run) == ("majors", 1)
    sim.faults.clear()
    ask_again(bot)
    [(slug, run, said)] = lines()
    assert (slug, run) == ("majors", 1)
    assert "answers again" in said


def test_a_history_that_is_read_again_and_another_database(sim, bot, lines: Lines) -> None:
    settled(bot)
    BotRun.objects.filter(bot=bot).update(closed_count=11)
    PollTurn.objects.filter(bot=bot).update(mismatches=1, full_reread_at=None)
    ask_again(bot)
    assert [line for line in lines() if "read again" in line[2]] == [
        ("majors", 1, "majors: all closed trades are read again: the bot's closed trades are not the 11 of the mirror")
    ]
    sim.wipe_database()
    ask_again(bot)
    begun = [(slug, run) for slug, run, said in lines() if "run 2 begins" in said]
    assert begun == [("majors", 2)]


@pytest.mark.parametrize(
    ("place", "name", "said"),
    [
        (engine, "ask", "majors: the poll failed in our own code"),
        (writing, "succeeded", "majors: this answer could not be written"),
    ],
)
def test_what_fails_in_our_own_code(bot, lines: Lines, monkeypatch, place, name, said) -> None:
    polled(bot)
    lines()

    def fail(*given: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(place, name, fail)
    ask_again(bot)
    assert ("majors", 1, said) in lines()


@pytest.mark.parametrize("problem", [RuntimeError("a mistake of ours"), DatabaseError("gone")])
def test_a_line_that_does_not_come_about(lines: Lines, problem) -> None:
    async def open_stream() -> None:
        raise problem

    async def listen() -> None:
        told: list[object] = []
        line = Line(7, "majors", open_stream, asyncio.Semaphore(1), hear=told.append, opened=told.append, flooded=print)
        task = asyncio.create_task(line.run())
        while line.error is None:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(listen())
    assert [slug for slug, _, _ in lines()] == ["majors"]


def test_a_message_that_is_left_out(lines: Lines) -> None:
    class Babbling:
        def understood(self, message: bytes) -> None:
            raise BadAnswer("no JSON")

    Line(7, "majors", None, None, hear=print, opened=print, flooded=print).take(Babbling(), b"?")
    assert lines() == [("majors", None, "majors: a message is left out: no JSON")]


# --- and no line is forgotten

TOLD = {f"log.{level}" for level in ("debug", "info", "warning", "error", "exception", "critical")}


def log_calls(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in TOLD:
            yield node


def of_one_bot(call: ast.Call) -> bool:
    """Its words or what stands in them name a bot; a team's slug is none."""
    words = {ast.unparse(each) for argument in call.args for each in ast.walk(argument) if isinstance(each, ast.expr)}
    names = {"slug", "bot", "bot.slug", "self.slug", "self.bot_id", "bot_id", "command.pk", "command_id", "delivery.pk"}
    return bool(words & names) or any("bot %s" in word for word in words)


def without_bot(source: str) -> list[str]:
    told = [call for call in log_calls(source) if of_one_bot(call)]
    return [ast.unparse(call) for call in told if "extra" not in {each.arg for each in call.keywords}]


def test_every_line_about_one_bot_says_which() -> None:
    paths = [path for room in ("bots", "accounts", "portal") for path in (ROOT / room).rglob("*.py")]
    assert {path.name: found for path in paths if (found := without_bot(path.read_text()))} == {}


def test_a_line_that_does_not_is_found() -> None:
    assert len(without_bot('log.info("%s: gone", bot.slug)\nlog.info("bot %s: gone", number)')) == 2
    assert without_bot('log.info("%s: gone", slug, extra=about(slug))\nlog.info("%d polls", len(batch))') == []
