"""What a test measured, told at the end of the run, in whichever process the test ran. A pytest plugin."""

from collections.abc import Callable

import pytest

NAME = "shown"
TOLD: list[tuple[str, str]] = []  # test, words


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    return lambda words: record_property(NAME, words)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        test = report.nodeid.rpartition("::")[2]
        TOLD.extend((test, str(value)) for name, value in report.user_properties if name == NAME)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for test, words in TOLD:
        terminalreporter.section(test)
        terminalreporter.write_line(words)
