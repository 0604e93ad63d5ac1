"""Which table answers a report: the coarsest that has what is asked for.

A cell is a group's sums on one day (or over the whole period, where reading every day would cost too much).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Func, Q, QuerySet, Sum, TextField

from bots.domain.profit import Purse
from bots.domain.reports.adding import sums_by
from bots.domain.reports.query import OF_TIME, OF_TRADES, ReportQuery
from bots.domain.sums import Sums
from bots.models import Bot, BotDay, BotLifetime, TeamDay, Trade
from bots.models.money import ExactSum
from bots.models.rollup import UNDATED, Rollup
from bots.models.rows import tuples_of

# So many rows of days are read one by one; beyond, the database adds them up and the order of days is not known.
MOST_CELLS = 40_000


class Cell(NamedTuple):
    group: Any  # date, bot's id, currency, or the text the trades have in common (None: they have none)
    purse: Purse
    day: date | None  # None: of many days
    sums: Sums


@dataclass(frozen=True)
class Scope:
    """The bots a report is about, all of them visible to the person who asks."""

    bots: list[Bot]
    whole: bool  # every bot of the teams

    @property
    def ids(self) -> list[int]:
        return [bot.pk for bot in self.bots]

    @property
    def zones(self) -> set[str]:
        return {bot.team.time_zone for bot in self.bots}


def cells_for(query: ReportQuery, scope: Scope) -> Iterator[Cell]:
    if query.zone and scope.zones - {query.zone}:
        return from_trades_elsewhere(query, scope)
    if query.group_by in OF_TRADES:
        return from_trades(query, scope)
    if scope.whole and query.group_by != "bot":
        teams = {bot.team_id for bot in scope.bots}
        return day_by_day(query, TeamDay.objects.filter(of_purse(query), of_days(query, "day"), team__in=teams), "team")
    return from_bots(query, scope)


def of_purse(query: ReportQuery) -> Q:
    wanted = {"mode": query.mode, "currency": query.currency}
    return Q(**{name: value for name, value in wanted.items() if value})


def of_days(query: ReportQuery, column: str) -> Q:
    """Of a limited period nothing undated is part."""
    wanted = {f"{column}__gte": query.since, f"{column}__lte": query.until}
    chosen = Q(**{name: value for name, value in wanted.items() if value})
    return chosen & Q(**{f"{column}__gt": UNDATED}) if query.until and not query.since else chosen


# --- From the rollups -----------------------------------------------------------------------------------------------


def from_bots(query: ReportQuery, scope: Scope) -> Iterator[Cell]:
    days = BotDay.objects.filter(of_purse(query), of_days(query, "day"), bot__in=scope.ids)
    if query.group_by not in OF_TIME and not query.since and not query.until:
        lifetimes = lifetimes_of(query, scope)
        if sum(found.sums.trades for found in lifetimes) > MOST_CELLS:
            return iter(lifetimes)
        return day_by_day(query, days, "bot")
    if most_rows(query, scope) <= MOST_CELLS:
        return day_by_day(query, days, "bot")
    return added_up(query, days, "day" if query.group_by in OF_TIME else "bot" if query.group_by == "bot" else "mode")


PURSE = ("mode", "currency")


def lifetimes(query: ReportQuery, scope: Scope) -> QuerySet[BotLifetime]:
    """Of whole teams it costs more to name a thousand bots than to read them."""
    owners = {"bot__team__in": {bot.team_id for bot in scope.bots}} if scope.whole else {"bot__in": scope.ids}
    return BotLifetime.objects.filter(of_purse(query), **owners)


def lifetimes_of(query: ReportQuery, scope: Scope) -> list[Cell]:
    known, by_bot = set(scope.ids), query.group_by == "bot"
    found = tuples_of(lifetimes(query, scope).order_by().values_list("bot", *PURSE, *Rollup.COLUMNS))
    return [
        Cell(bot if by_bot else currency, Purse(mode, currency), None, Sums.read(sums))
        for bot, mode, currency, *sums in found
        if bot in known  # one that was added a moment ago is in the next report
    ]


def most_rows(query: ReportQuery, scope: Scope) -> int:
    """No more rows than this can lie in the period: a day has at least one trade."""
    known = lifetimes(query, scope).aggregate(trades=Sum("trades"), rows=Count("pk"))
    if query.since is None:
        return known["trades"] or 0
    days = ((query.until or date.today()) - query.since).days + 2  # noqa: DTZ011  a bound, not a day
    return min(known["trades"] or 0, known["rows"] * days)


def day_by_day(query: ReportQuery, rows: QuerySet[Any], owner: str) -> Iterator[Cell]:
    """One by one; `owner` is bot or team."""
    by_currency, by_bot = query.group_by == "currency", query.group_by == "bot"
    purses: dict[tuple[str, str], Purse] = {}
    found = tuples_of(rows.order_by().values_list(owner, "day", *PURSE, *Rollup.COLUMNS))
    for whose, told, mode, currency, *sums in found:
        day = day_told(told)
        purse = purses.setdefault((mode, currency), Purse(mode, currency))
        yield Cell(whose if by_bot else currency if by_currency else day, purse, day, Sums.read(sums))


def day_told(told: date | str | None) -> date:
    """As a driver gives it: SQLite has texts."""
    if told is None:
        return UNDATED
    return told if isinstance(told, date) else date.fromisoformat(told)


def added_up(query: ReportQuery, rows: QuerySet[Any], by: str) -> Iterator[Cell]:
    """Added by the database."""
    sums = {name: Sum(name) for name in Rollup.COLUMNS} | {name: ExactSum(name) for name in ("profit", "lost", "stake")}
    renamed = {f"sum_{name}": expression for name, expression in sums.items()}
    for row in rows.order_by().values(*{by, *PURSE}).annotate(**renamed):
        given = row | {name: row[f"sum_{name}"] for name in Rollup.COLUMNS}
        yield cell(query, given, by, row["day"] if by == "day" else None)


def cell(query: ReportQuery, row: dict[str, Any], owner: str, day: date | None) -> Cell:
    group = {"bot": row.get("bot"), "currency": row["currency"]}.get(query.group_by, day)
    return Cell(group, Purse(row["mode"], row["currency"]), day, Sums.of(row))


# --- From the trades ------------------------------------------------------------------------------------------------


def from_trades(query: ReportQuery, scope: Scope) -> Iterator[Cell]:
    closed = Trade.objects.closed().filter(of_purse(query), of_days(query, "close_day"), bot__in=scope.ids)
    if most_rows(query, scope) <= MOST_CELLS:
        # A day of a bot may have trades of many groups: how many cells there are shows only here.
        dated = sums_by(closed, query.group_by, *PURSE, "close_day", most=MOST_CELLS)
        if len(dated) <= MOST_CELLS:
            return (Cell(group, Purse(*purse), day_told(day), sums) for (group, *purse, day), sums in dated.items())
    found = sums_by(closed, query.group_by, *PURSE)
    return (Cell(group, Purse(*purse), None, sums) for (group, *purse), sums in found.items())


def from_trades_elsewhere(query: ReportQuery, scope: Scope) -> Iterator[Cell]:
    """Days of another zone than the teams': from the hours (or minutes) in which trades closed."""
    zone = ZoneInfo(query.zone)
    own = (query.group_by,) if query.group_by in ("bot", *OF_TRADES) else ()
    closed = Trade.objects.closed().filter(of_purse(query), between(query, zone), bot__in=scope.ids)
    begun_in = closed.annotate(begun=Begun(whole_hours(zone)))
    days: dict[Any, date] = {}
    for (begun, mode, currency, *others), sums in sums_by(begun_in, "begun", *PURSE, *own).items():
        day = days[begun] if begun in days else days.setdefault(begun, day_in(zone, begun))
        group = others[0] if others else currency if query.group_by == "currency" else day
        yield Cell(group, Purse(mode, currency), day, sums)


def between(query: ReportQuery, zone: ZoneInfo) -> Q:
    limits = {}
    if query.since:
        limits["close_date__gte"] = datetime.combine(query.since, time.min, zone)
    if query.until:
        limits["close_date__lt"] = datetime.combine(query.until + timedelta(days=1), time.min, zone)
    return Q(**limits)


class Begun(Func):
    """The UTC hour or minute in which a trade closed: on PostgreSQL its first moment, on SQLite a text
    ('2026-11-21 07', '2026-11-21 07:48')."""

    output_field = TextField()

    def __init__(self, hours: bool) -> None:
        super().__init__(F("close_date"))
        self.hours = hours

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = f"substr(%(expressions)s, 1, {13 if self.hours else 16})"
        return self.as_sql(compiler, connection, template=template)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        unit = "hour" if self.hours else "minute"
        return self.as_sql(compiler, connection, template=f"date_trunc('{unit}', %(expressions)s, 'UTC')")


def day_in(zone: ZoneInfo, begun: str | datetime | None) -> date:
    return UNDATED if begun is None else moment_of(begun).astimezone(zone).date()


def moment_of(begun: str | datetime) -> datetime:
    if isinstance(begun, datetime):
        return begun
    return datetime.fromisoformat(f"{begun}:00+00:00" if len(begun) == 13 else f"{begun}+00:00")


def whole_hours(zone: ZoneInfo) -> bool:
    """Whether the zone's days have begun at full hours UTC as long as there are such bots."""
    quarters = (datetime(year, month, 1, tzinfo=zone) for year in range(2015, 2040) for month in (1, 4, 7, 10))
    return all((quarter.utcoffset() or timedelta()).seconds % 3600 == 0 for quarter in quarters)
