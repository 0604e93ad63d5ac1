"""What a Freqtrade release is called, which are read, and what each offers."""

import re
from decimal import Decimal

Release = tuple[int, int]  # year, month: 2026.9 is (2026, 9)

OLDEST: Release = (2020, 1)

# What is read in another way before and after.
LISTS_TRADES: Release = (2020, 4)  # before: a bot tells nothing of a closed trade
STAMPS: Release = (2020, 5)  # *_timestamp beside the dates; state and max_open_trades in show_config
STAMPS_IN_UTC: Release = (2020, 8)  # before: in the zone of the bot's machine, while the dates are UTC
LOGS: Release = (2020, 8)
LOCKS: Release = (2020, 10)
LISTS_BY_CLOSE: Release = (2021, 3)  # /trades newest close first; before: newest id first
PAGES: Release = (2021, 4)  # /trades in pages, ascending by id; /trade/{id}
HEALTH: Release = (2022, 2)
WEBSOCKET: Release = (2022, 9)

_RELEASE = re.compile(r"(?<!\d)(20[12]\d)\.(\d{1,2})(?!\d)")

# For builds whose version is a branch or a commit: the first release that had this api_version or a later one.
_BY_API_VERSION: tuple[tuple[Decimal, Release], ...] = tuple(
    (Decimal(number), release)
    for number, release in (
        ("2.50", (2026, 8)),
        ("2.49", (2026, 6)),
        ("2.48", (2026, 4)),
        ("2.46", (2026, 2)),
        ("2.44", (2025, 12)),
        ("2.43", (2025, 7)),
        ("2.42", (2025, 2)),
        ("2.41", (2024, 11)),
        ("2.40", (2024, 10)),
        ("2.35", (2024, 4)),
        ("2.34", (2023, 11)),
        ("2.33", (2023, 9)),
        ("2.32", (2023, 8)),
        ("2.31", (2023, 7)),
        ("2.29", (2023, 6)),
        ("2.26", (2023, 5)),
        ("2.25", (2023, 3)),
        ("2.24", (2023, 2)),
        ("2.23", (2023, 1)),
        ("2.21", (2022, 12)),
        ("2.20", (2022, 9)),
        ("2.17", (2022, 8)),
        ("2.16", (2022, 6)),
        ("2.15", (2022, 4)),
        ("1.14", (2022, 3)),
        ("1.13", (2022, 1)),
        ("1.12", (2021, 12)),
        ("1.1", (2021, 11)),
    )
)

# Action (or ability) -> the release that brought it.
_OFFERED_SINCE: dict[str, Release] = {
    "start": (2019, 6),
    "stop": (2019, 6),
    "reload_config": (2019, 6),
    "force_exit": (2019, 6),
    "force_exit_all": (2019, 6),
    "force_enter": (2019, 6),
    "blacklist_add": (2019, 6),
    "closed_trades": LISTS_TRADES,
    "delete_trade": (2020, 8),
    "unlock": (2021, 3),
    "force_exit_order_type": (2021, 12),
    "force_enter_order_type": (2021, 12),
    "blacklist_remove": (2021, 12),
    "force_enter_stake_amount": (2022, 1),
    "force_enter_tag": (2022, 2),
    "force_enter_side": (2022, 4),
    "force_exit_partial": (2022, 8),
    "force_enter_leverage": (2022, 8),
    "websocket": WEBSOCKET,
    "cancel_order": (2023, 2),
    "reload_trade": (2023, 5),
    "lock_pair": (2024, 4),
    "pause": (2025, 4),
    "force_exit_price": (2025, 12),
}
BEYOND_SPOT = frozenset({"force_enter_side", "force_enter_leverage"})  # a spot bot takes no other side or leverage

# Where a command's name changed.
RELOAD_CONFIG: Release = (2020, 6)
FORCE_EXIT: Release = (2022, 4)
STOP_ENTRY: Release = (2022, 8)
PAUSE: Release = (2025, 4)


def parse(version: str, api_version: Decimal | None = None) -> Release | None:
    """(2024, 10) of "2024.10-dev" or "docker-2024.10.dev-abc", else by api_version; None: cannot tell.

    api_version is a float on the wire (2.5 is 2.50, newer than 2.49), so it is compared as a number.
    """
    match = _RELEASE.search(version)
    if match:
        return int(match[1]), int(match[2])
    if api_version is None:
        return None
    return next((release for number, release in _BY_API_VERSION if api_version >= number), None)


def offers(release: Release, ability: str) -> bool:
    """Raises KeyError for what no release offers."""
    return release >= _OFFERED_SINCE[ability]


def since(ability: str) -> str:
    return spelled(_OFFERED_SINCE[ability])


def spelled(release: Release) -> str:
    return f"{release[0]}.{release[1]}"


def capabilities(release: Release, *, force_entry: bool, spot: bool = True) -> tuple[str, ...]:
    """The actions this release offers, and what they may carry. `stop_entry` stands for `pause` before 2025.4: it lets
    no new trade begin, cannot be seen in the state and is undone by reload_config alone."""
    offered = [ability for ability in _OFFERED_SINCE if offers(release, ability)]
    if not force_entry:
        offered = [ability for ability in offered if not ability.startswith("force_enter")]
    if spot:
        offered = [ability for ability in offered if ability not in BEYOND_SPOT]
    if release < PAUSE:
        offered.append("stop_entry")
    return tuple(offered)
