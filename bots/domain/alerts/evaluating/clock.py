"""Who evaluates, and what has been evaluated: two beats or workers at once do it once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from bots.models import AlertClock, Event

EVERY = timedelta(seconds=55)  # the beat says "look" once a minute
# Transactions commit in another order than their events were heard of: so far back it is looked again.
LATE_COMMITS = timedelta(minutes=5)
MOST_SEEN = 20_000


@dataclass(frozen=True)
class Turn:
    """The right to write what is found: worth something while nobody has claimed a later one."""

    at: datetime
    since: datetime  # events heard of since then
    seen: frozenset[int]  # ... except these


def claim(now: datetime) -> Turn | None:
    """None: somebody has evaluated within the minute, or does so now."""
    clock, _ = AlertClock.objects.get_or_create(pk=1)
    ahead = Q(evaluated_at__gt=now + EVERY)  # written by a clock that was wrong: waiting for it silences everything
    free = AlertClock.objects.filter(Q(evaluated_at=None) | Q(evaluated_at__lte=now - EVERY) | ahead, pk=1)
    if not free.update(evaluated_at=now):
        return None
    clock.refresh_from_db()
    # What happened before there were rules is no news.
    since = min(clock.events_at, now) - LATE_COMMITS if clock.events_at else now - EVERY
    return Turn(now, since, frozenset(clock.seen))


def still_mine(turn: Turn) -> bool:
    """Locks the clock until the commit: who writes is alone."""
    return AlertClock.objects.select_for_update().filter(pk=1, evaluated_at=turn.at).exists()


def done(turn: Turn, events: Iterable[Event]) -> None:
    edge = turn.at - LATE_COMMITS
    ids = {event.pk for event in events if event.heard_at > edge}
    old = Event.objects.filter(pk__in=turn.seen, heard_at__gt=edge).values_list("pk", flat=True) if turn.seen else ()
    seen = sorted(ids.union(old))[-MOST_SEEN:]
    AlertClock.objects.filter(pk=1).update(events_at=turn.at, seen=seen)
