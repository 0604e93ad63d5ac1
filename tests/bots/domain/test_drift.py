"""Who runs which version, strategy and settings: Alice and Bob see their team's bots, Charlie his own."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.domain.drift import DriftQuery, drift_for
from bots.models import ConfigVersion
from tests.builders import a_bot, a_reading


def with_settings(team, name, settings, **values):
    bot = a_bot(team, name, **values)
    ConfigVersion.objects.create(bot=bot, settings=settings, seen_at=timezone.now())
    return bot


@pytest.fixture
def three(alpha):
    ours = {"version": "2026.9", "stoploss": -0.1, "stake_amount": 50, "max_open_trades": 5}
    with_settings(alpha, "a", ours, tags=["trend"])
    with_settings(alpha, "b", {**ours, "stake_amount": "50.0", "max_open_trades": 5.0}, tags=["trend"])
    odd = {**ours, "version": "2024.3", "stoploss": -0.2, "extra": True}
    return with_settings(alpha, "c", odd, status={"strategy": "Grid", "mode": "dry"})


def told(drift):
    """name -> [(value, bots)]; a value that is not reported is "–"."""
    return {
        row.name: [(group.value if group.reported else "–", [bot.name for bot in group.bots]) for group in row.groups]
        for row in drift.rows
    }


def test_a_row_for_each_setting_that_differs_the_most_common_value_first(three, bob):
    drift = drift_for(bob)

    assert list(told(drift).items()) == [
        ("version", [("2026.9", ["a", "b"]), ("2024.3", ["c"])]),
        ("stoploss", [(-0.1, ["a", "b"]), (-0.2, ["c"])]),
    ]
    assert (drift.settings, [bot.name for bot in drift.compared]) == (5, ["a", "b", "c"])


def test_what_only_some_report_is_shown_when_asked_for(three, bob):
    assert told(drift_for(bob, DriftQuery(lacking=True)))["extra"] == [(True, ["c"]), ("–", ["a", "b"])]


def test_charlie_sees_nothing_of_alpha(three, charlie):
    drift = drift_for(charlie)

    assert (drift.rows, drift.compared, drift.unread, drift.tags, drift.strategies) == ([], [], [], [], [])


def test_the_newest_version_counts(three, bob):
    ConfigVersion.objects.create(bot=three, settings={"stoploss": -0.3}, seen_at=timezone.now())

    assert told(drift_for(bob))["stoploss"] == [(-0.1, ["a", "b"]), (-0.3, ["c"])]


def test_retired_bots_and_bots_that_told_nothing_are_not_compared(three, alpha, bob):
    three.retired_at = timezone.now()
    three.save()
    a_bot(alpha, "silent")
    drift = drift_for(bob)

    assert (drift.rows, [bot.name for bot in drift.unread]) == ([], ["silent"])


@pytest.mark.parametrize(
    ("asked", "compared", "rows"),
    [
        ({"tag": "trend"}, "ab", 0),
        ({"strategy": "Grid"}, "c", 0),
        ({"mode": "live"}, "ab", 0),
        ({"system": "freqtrade"}, "abc", 2),
        ({"system": "other"}, "", 0),
        ({"team": "alpha"}, "abc", 2),
        ({"q": "STOP"}, "abc", 1),
        ({"mode": "sideways", "lacking": "1"}, "abc", 3),
    ],
)
def test_the_bots_are_filtered_and_the_settings_searched(three, bob, asked, compared, rows):
    drift = drift_for(bob, DriftQuery.parse(asked))

    assert "".join(bot.name for bot in drift.compared) == compared
    assert len(drift.rows) == rows


def test_of_lists_is_said_what_a_bot_has_more_and_less(alpha, bob):
    for name, pairs in (("a", ["A", "B"]), ("b", ["B", "A"]), ("c", ["B", "C"])):
        with_settings(alpha, name, {"pairs.blacklist": pairs})
    (row,) = drift_for(bob).rows

    assert [parts for _, parts in row.others] == [(["C"], ["A"])]


def test_a_setting_that_every_bot_has_for_itself_is_no_drift(alpha, bob):
    for name in "abc":
        with_settings(alpha, name, {"bot_name": name, "version": "2026.9" if name != "c" else "2024.3"})
    rows = {row.name: row.each_its_own for row in drift_for(bob).rows}

    assert rows == {"version": False, "bot_name": True}


def test_the_oldest_answer_is_named(three, bob):
    old = timezone.now() - timedelta(hours=3)
    a_reading(three, "config", {"settings": {}}, read_at=old)
    bot, read_at = drift_for(bob).oldest

    assert (bot.name, read_at) == ("c", old)


def test_the_number_of_queries_does_not_grow_with_the_bots(three, alpha, bob):
    with CaptureQueriesContext(connection) as few:
        drift_for(bob)
    for number in range(20):
        with_settings(alpha, f"more-{number}", {"version": "2026.9"})
    with CaptureQueriesContext(connection) as many:
        drift_for(bob)

    assert len(many) == len(few) <= 5
