"""No known habit of a bot without a test; and the tests of habits that stand nowhere else."""

import ast
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from bots.simulator.releases import API_VERSIONS, versions_of
from bots.systems.freqtrade import mapping
from bots.systems.freqtrade.releases import parse
from tests.bots.systems.freqtrade.quirks import QUIRKS
from tests.bots.systems.freqtrade.recorded import read

TESTS = Path(__file__).resolve().parents[3]
ENTRIES = [(section, habit) for section, habits in QUIRKS.items() for habit in habits]


@cache
def named_in(file: str) -> frozenset[str]:
    """Test functions of the file; none when there is no such file."""
    path = TESTS / file
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def absent(tests: tuple[str, ...]) -> list[str]:
    """Those that do not exist; "no test at all" for none."""
    missing = [test for test in tests if test.partition("::")[2] not in named_in(test.partition("::")[0])]
    return missing if tests else ["no test at all"]


@pytest.mark.parametrize(("section", "habit"), ENTRIES)
def test_every_known_habit_of_a_bot_has_its_tests(section: str, habit: str) -> None:
    assert absent(QUIRKS[section][habit]) == []


def test_every_section_is_there() -> None:
    numbers = {section.partition(" ")[0] for section in QUIRKS}
    assert numbers == {"1", "2", "3", "4", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "6"}


def test_a_habit_without_a_test_is_noticed() -> None:
    assert absent(()) == ["no test at all"]
    gone = ("bots/simulator/test_auth.py::test_that_was_never_written", "bots/nowhere.py::test_of_nothing")
    assert absent((*gone, "bots/simulator/test_auth.py::test_ping_needs_no_password")) == list(gone)


@pytest.mark.parametrize(("release", "number"), API_VERSIONS)
def test_an_api_version_leads_back_to_its_release(release: str, number: float) -> None:
    """As it comes over the wire, where 2.20 is 2.2."""
    assert parse("a-build-of-ones-own", Decimal(repr(number))) == versions_of(release)[:2]


def test_no_losing_trade_is_no_factor() -> None:
    answer = read("2026.9", "profit")
    answer.profit_factor = None
    profit = mapping.profit(answer, "USDT")
    assert (profit.profit_factor, profit.missing) == (None, ())


def test_a_moment_of_zero_is_none() -> None:
    answer = read("2026.9", "profit")
    answer.first_trade_timestamp = answer.latest_trade_timestamp = 0
    profit = mapping.profit(answer, "USDT")
    assert (profit.first_trade_ms, profit.latest_trade_ms) == (None, None)
