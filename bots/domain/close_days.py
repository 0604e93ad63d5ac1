"""A team's days begin elsewhere: its closed trades are put on their days again, and the days are counted anew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateField, F, Func

from bots.domain.rollups import recount_whole
from bots.models import Bot, PollTurn, Trade


def close_days_anew(team_id: int) -> None:
    """Put every closed trade of the team on its day again, bot by bot: nobody waits for more than one bot's trades.

    The zone is read while the bot's turn is held: the team may have changed it again, and what is written last must be
    of the last."""
    for bot in Bot.objects.filter(team=team_id).order_by("pk"):
        with transaction.atomic():
            PollTurn.objects.select_for_update(of=("self",)).filter(bot=bot).first()
            if moved(bot, Bot.objects.values_list("team__time_zone", flat=True).get(pk=bot.pk)):
                recount_whole(bot)


def moved(bot: Bot, zone: str) -> int:
    """How many trades are on another day now. From trade to trade: one UPDATE for each stretch of time between two
    changes of the clocks (or of the year) that holds any. One trade of the year 9999 costs as much as one of today."""
    dated = Trade.objects.filter(bot=bot, is_open=False, close_date__isnull=False)
    closes = dated.order_by("close_date").values_list("close_date", flat=True)
    changed, close = 0, closes.first()
    while close is not None:
        stretch = stretch_at(zone, close)
        day = DayAt(stretch.seconds)
        inside = dated.filter(close_date__gte=stretch.since, close_date__lt=stretch.until)
        changed += inside.exclude(close_day=day).update(close_day=day)
        close = closes.filter(close_date__gte=stretch.until).first()
    return changed


class Stretch(NamedTuple):
    """From one moment to another the zone's clocks are so many seconds ahead of UTC."""

    since: datetime
    until: datetime
    seconds: int


LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)  # there is no day after it: a zone that is ahead cannot name it


def stretch_at(zone: str, moment: datetime) -> Stretch:
    return next(each for each in stretches(zone, moment.year) if moment < each.until)


@lru_cache(maxsize=512)
def stretches(zone: str, year: int) -> tuple[Stretch, ...]:
    """Without a gap, from the first moment of the year (UTC) to the next one's; there are days until 9999-12-31."""
    there = ZoneInfo(zone)
    begin = datetime(year, 1, 1, tzinfo=UTC)
    end = LAST_DAY if year == LAST_DAY.year else datetime(year + 1, 1, 1, tzinfo=UTC)
    changes = [begin, *changes_between(there, begin, end), end]
    found = tuple(Stretch(since, until, offset(there, since)) for since, until in pairwise(changes))
    if end != LAST_DAY:
        return found
    return (*found, Stretch(LAST_DAY, datetime.max.replace(tzinfo=UTC), min(offset(there, LAST_DAY), 0)))


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
