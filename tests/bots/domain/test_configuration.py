"""What is a change of a bot's settings, and what is only another way of writing them."""

import pytest

from bots.domain.configuration import came_and_went, differences, same, written


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (5, 5.0),
        (5, "5.0"),
        ("100.0", 100),
        (0.30000000000000004, 0.3),
        (-0.1, -0.1000000000000001),
        (["B", "A"], ["A", "B"]),
        ([1.0, "x"], ["x", 1]),
        ({"a": 1, "b": 2.0}, {"b": 2, "a": 1}),
        (None, None),
    ],
)
def test_another_spelling_is_no_change(one, other):
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2024.1", "2024.10"),
        (0.006, 0.0061),
        (True, 1),
        (False, None),
        ("", None),
        (["A"], ["A", "A"]),
        ("unlimited", -1),
        (10**17, 10**17 + 1),
        ({}, []),
        ("StaticPairList → AgeFilter", "AgeFilter → StaticPairList"),
    ],
)
def test_another_value_is_a_change(one, other):
    assert not same(one, other)


def test_a_difference_names_what_came_what_went_and_what_changed():
    before = {"kept": 1, "went": "x", "moved": 4}
    after = {"kept": 1.0, "came": True, "moved": 5}

    assert differences(before, after) == [
        {"name": "came", "before": None, "after": True},
        {"name": "moved", "before": 4, "after": 5},
        {"name": "went", "before": "x", "after": None},
    ]


def test_of_lists_is_said_what_came_and_what_went():
    assert came_and_went(["A", "B", 1], ["B", "C", {"x": 1}]) == (["C", '{"x": 1}'], ["1", "A"])
    assert came_and_went(["A"], "A") is None


def test_a_value_is_written_as_a_person_reads_it():
    values = ["limit", 5, 0.1, True, None, ["A", 1], {"unit": "minutes"}]

    assert [written(value) for value in values] == ["limit", "5", "0.1", "true", "null", "A, 1", '{"unit": "minutes"}']
