"""What a report is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from accounts.models import zones

OF_TIME = ("day", "week", "month")
OF_TRADES = ("pair", "strategy", "enter_tag", "exit_reason")  # finer than the rollups: read from the trades
GROUPINGS = (*OF_TIME, "bot", "currency", *OF_TRADES)
FIRST_YEAR, LAST_YEAR = 2000, 2199
# Word in a page's address -> days up to and including today; None: from the first trade on.
PERIODS: dict[str, int | None] = {"7d": 7, "30d": 30, "90d": 90, "365d": 365, "all": None}
SORTS = (
    "group",
    "profit_abs",
    "trades",
    "win_rate",
    "profit_ratio",
    "profit_factor",
    "expectancy",
    "drawdown_abs",
    "sharpe",
    "sortino",
    "average_held_seconds",
)


@dataclass(frozen=True)
class ReportQuery:
    group_by: str = "day"
    since: date | None = None  # closed on this day or later ...
    until: date | None = None  # ... and on this day or earlier
    period: str = ""  # one of PERIODS, instead of since and until
    bot: str = ""
    bot_tag: str = ""
    team: str = ""
    mode: str = ""
    currency: str = ""
    zone: str = ""  # "": each team's own
    sort: str = ""

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "ReportQuery":
        """From a query string. Raises ValueError naming the parameter."""
        if wrong := [name for name, value in given.items() if "\x00" in str(value)]:
            raise ValueError(f"{wrong[0]}: a sign no text has")
        words = {name: str(given.get(name, "")).strip()[:255] for name in ("bot", "bot_tag", "team", "currency")}
        query = cls(
            group_by=one_of(given, "group_by", GROUPINGS) or "day",
            mode=one_of(given, "mode", ("live", "dry", "both")).replace("both", ""),
            period=one_of(given, "period", tuple(PERIODS)),
            since=day(given, "from"),
            until=day(given, "to"),
            zone=one_of(given, "tz", zones(), "a time zone like Europe/Berlin or UTC"),
            sort=sort_of(given),
            **words,
        )
        if query.since and query.until and query.since > query.until:
            raise ValueError("to: before from")
        return replace(query, period="") if query.since or query.until else query

    def within(self, today: date) -> "ReportQuery":
        """The period's word as days; what lies behind today is no limit."""
        days = PERIODS.get(self.period)
        since = self.since if days is None else today - timedelta(days=days - 1)
        until = None if self.period or self.until is None or self.until >= today else self.until
        return replace(self, since=None if self.period == "all" else since, until=until)


def one_of(given: Mapping[str, str], name: str, allowed: tuple[str, ...] | frozenset[str], words: str = "") -> str:
    word = str(given.get(name, "")).strip()
    if word and word not in allowed:
        raise ValueError(f"{name}: {words or 'one of ' + ', '.join(allowed)}")
    return word


def sort_of(given: Mapping[str, str]) -> str:
    word = str(given.get("ordering", given.get("sort", ""))).strip()
    if word.removeprefix("-") not in ("", *SORTS):
        raise ValueError(f"ordering: one of {', '.join(SORTS)}, or one with - before it")
    return word


def day(given: Mapping[str, str], name: str) -> date | None:
    text = str(given.get(name, "")).strip()
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{name}: an ISO date like 2026-11-21") from None
    if found is not None and not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"{name}: from {FIRST_YEAR} to {LAST_YEAR}")
    return found
