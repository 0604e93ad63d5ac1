from decimal import Decimal

import pytest

from bots.systems.freqtrade.releases import capabilities, parse


@pytest.mark.parametrize(
    ("version", "api_version", "release"),
    [
        ("2026.9", "2.5", (2026, 9)),
        ("2022.9.1", "2.2", (2022, 9)),
        ("2024.10-dev", None, (2024, 10)),
        ("docker-2022.11.dev-abc1234", None, (2022, 11)),
        ("develop-1a2b3c4", "2.5", (2026, 8)),
        ("develop-1a2b3c4", "2.49", (2026, 6)),
        ("develop-1a2b3c4", "2.2", (2022, 9)),
        ("develop-1a2b3c4", "1.1", (2021, 11)),
        ("develop-1a2b3c4", "9.9", (2026, 8)),
        ("develop-1a2b3c4", None, None),
        ("", None, None),
    ],
)
def test_a_release_is_read_from_its_name_or_its_api_version(version, api_version, release):
    assert parse(version, Decimal(api_version) if api_version else None) == release


@pytest.mark.parametrize(
    ("action", "last_without", "first_with"),
    [
        ("cancel_order", (2023, 1), (2023, 2)),
        ("reload_trade", (2023, 4), (2023, 5)),
        ("lock_pair", (2024, 3), (2024, 4)),
        ("pause", (2025, 3), (2025, 4)),
        ("force_exit_price", (2025, 11), (2025, 12)),
    ],
)
def test_an_action_is_offered_from_its_release_on(action, last_without, first_with):
    assert action not in capabilities(last_without, force_entry=True)
    assert action in capabilities(first_with, force_entry=False)


def test_entries_can_be_stopped_in_every_release_but_paused_only_from_2025_4_on():
    assert "stop_entry" in capabilities((2025, 3), force_entry=False)
    assert "stop_entry" not in capabilities((2025, 4), force_entry=False)


def test_a_forced_entry_needs_the_bots_own_permission():
    assert "force_enter" in capabilities((2026, 9), force_entry=True)
    assert "force_enter" not in capabilities((2026, 9), force_entry=False)
