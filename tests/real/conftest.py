"""A test with genuine bots is tried once more when one of them crashed by itself meanwhile."""

import pytest
from _pytest.runner import runtestprotocol

from tests.real import launcher
from tests.shown import NAME


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """A genuine 2026.9 was seen to die of a segmentation fault at its start: that says nothing of the portal."""
    place = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**place)
    launcher.CRASHES.clear()
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if launcher.CRASHES and any(report.failed for report in reports):
        item.user_properties[:] = [(NAME, "\n".join(["Once more, because", *launcher.CRASHES]))]
        launcher.CRASHES.clear()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(**place)
    return True


# Beside the ten minutes of the mirror all else is done: the longest come first, what shares a worker with it is short.
ORDER = ("test_mirror.py", "test_commands.py", "test_command_races.py", "test_relay.py", "test_first_poll.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ORDER.index(item.path.name) if item.path.name in ORDER else len(ORDER))
