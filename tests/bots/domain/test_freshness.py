from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team
from bots.domain.freshness import freshness, shown_state
from tests.builders import a_bot


@pytest.mark.parametrize(
    ("age", "late", "stale"),
    [(0, False, False), (30, False, False), (31, True, False), (60, True, False), (61, False, True)],
)
def test_late_after_three_missed_intervals_stale_after_six(age: int, late: bool, stale: bool) -> None:
    now = timezone.now()
    found = freshness(now - timedelta(seconds=age), 10.0, now)
    assert (found.age_seconds, found.late, found.stale) == (age, late, stale)


def test_two_machines_clocks_give_no_negative_age() -> None:
    now = timezone.now()
    assert freshness(now + timedelta(seconds=5), 10.0, now).age_seconds == 0.0


def test_what_a_wrong_clock_wrote_is_not_fresh() -> None:
    now = timezone.now()
    found = freshness(now + timedelta(hours=6), 10.0, now)
    assert (found.age_seconds, found.stale) == (None, True)


@pytest.mark.parametrize(
    ("status", "bot", "word"),
    [
        ({"state": "running"}, {}, "running"),
        ({"state": "running", "latency_ms": 2500}, {}, "slow"),
        ({"state": "running", "seen": 40}, {}, "slow"),
        ({"state": "running", "seen": 120}, {}, "offline"),
        ({"state": "paused"}, {}, "paused"),
        ({"state": "auth_failed", "seen": 120}, {}, "auth_failed"),
        ({"state": "running"}, {"enabled": False}, "not_asked"),
    ],
)
def test_one_word_for_the_state(alpha: Team, status: dict, bot: dict, word: str) -> None:
    now = timezone.now()
    seen = now - timedelta(seconds=status.pop("seen", 0))
    made = a_bot(alpha, status={**status, "seen_at": seen}, **bot)
    assert shown_state(made, made.status, now) == word
