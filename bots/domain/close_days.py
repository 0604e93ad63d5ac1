"""A team's days begin elsewhere: its closed trades are put on their days again, and the days are counted anew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateField, F, Func, Max, Min

from bots.domain.rollups import recount_whole
from bots.models import Bot, PollTurn, Trade


def close_days_anew(team_id: int, zone: str) -> None:
    """Put every closed trade of the team on its day again, bot by bot: nobody waits for more than one bot's trades."""
    for bot in Bot.objects.filter(team=team_id).order_by("pk"):
        with transaction.atomic():
            PollTurn.objects.select_for_update(of=("self",)).filter(bot=bot).first()
            if moved(bot, zone):
                recount_whole(bot)


def moved(bot: Bot, zone: str) -> int:
    """How many trades are on another day now. One UPDATE for each stretch of time between two changes of the clocks."""
    dated = Trade.objects.filter(bot=bot, is_open=False, close_date__isnull=False)
    span = dated.aggregate(first=Min("close_date"), last=Max("close_date"))
    if span["first"] is None:
        return 0
    changed = 0
    for stretch in stretches(zone, span["first"].year, span["last"].year):
        if stretch.since <= span["last"] and span["first"] < stretch.until:
            day = DayAt(stretch.seconds)
            inside = dated.filter(close_date__gte=stretch.since, close_date__lt=stretch.until)
            changed += inside.exclude(close_day=day).update(close_day=day)
    return changed


class Stretch(NamedTuple):
    """From one moment to another the zone's clocks are so many seconds ahead of UTC."""

    since: datetime
    until: datetime
    seconds: int


@lru_cache(maxsize=64)
def stretches(zone: str, first_year: int, last_year: int) -> tuple[Stretch, ...]:
    """Without a gap, over these years (UTC) and a day before and after."""
    begin = datetime(max(first_year - 1, 1), 12, 31, tzinfo=UTC)
    end = datetime(min(last_year + 1, 9999), 1, 2, tzinfo=UTC)
    changes = [begin, *changes_between(ZoneInfo(zone), begin, end), end]
    return tuple(Stretch(since, until, offset(ZoneInfo(zone), since)) for since, until in pairwise(changes))


def changes_between(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The first second of every new offset; clocks are changed at most once a day."""
    day = begin
    while day < end:
        following = min(day + timedelta(days=1), end)
        if offset(zone, day) != offset(zone, following):
            yield change_between(zone, day, following)
        day = following


def change_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    old = offset(zone, before)
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(zone, before + timedelta(seconds=middle)) == old else (low, middle)
    return before + timedelta(seconds=high)


def offset(zone: ZoneInfo, moment: datetime) -> int:
    ahead = moment.astimezone(zone).utcoffset()
    assert ahead is not None
    return int(ahead.total_seconds())


class DayAt(Func):
    """The day on which a trade closed where clocks are so many seconds ahead of UTC."""

    output_field = DateField()

    def __init__(self, seconds: int) -> None:
        super().__init__(F("close_date"))
        self.seconds = seconds

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template=f"date(%(expressions)s, '{self.seconds:+d} seconds')")

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        template = f"((%(expressions)s AT TIME ZONE 'UTC') + INTERVAL '{self.seconds} seconds')::date"
        return self.as_sql(compiler, connection, template=template)
