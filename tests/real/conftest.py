"""Tables that shall be seen at the end of a run, wherever the tests that drew them stood."""

from collections.abc import Callable

import pytest

TABLES: list[str] = []


@pytest.fixture
def show() -> Callable[[str], None]:
    return TABLES.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for table in TABLES:
        terminalreporter.section("genuine bots and their mirror")
        terminalreporter.write_line(table)
