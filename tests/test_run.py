"""The runner of the tests: what was not run has not passed."""

import pytest

from tests import run

PASSED, FAILED, NOTHING = 0, 1, 5


@pytest.mark.parametrize(
    ("codes", "extra", "passed"),
    [
        ([PASSED, PASSED], [], True),
        ([PASSED, FAILED], [], False),
        ([PASSED, NOTHING], [], False),
        ([NOTHING], [], False),
        ([PASSED, NOTHING], ["-k", "anchor"], True),
        ([NOTHING, NOTHING], ["-k", "anchr"], False),
        ([FAILED, PASSED], ["-k", "anchor"], False),
        ([], [], False),
    ],
)
def test_a_part_passed_when_something_was_run_and_nothing_failed(codes, extra, passed):
    assert run.passed(codes, extra) is passed
