"""The files that take longest are begun first: a file is one worker's, and one begun last kept it at work for forty
seconds while the others had nothing left to do."""

import pytest

LONGEST = (
    *("tests/portal/test_process.py", "tests/matrix/test_routes.py", "tests/matrix/test_actions.py"),
    *("tests/bots/domain/test_mirror.py", "tests/portal/test_process_kinds.py", "tests/hard/test_ssrf.py"),
    *("tests/portal/test_logs_of_processes.py", "tests/bots/domain/commands/test_looking.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
