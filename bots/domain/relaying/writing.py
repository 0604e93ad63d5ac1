"""What was heard becomes events, at once; and what it makes old is read again early."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from bots.domain import events
from bots.domain.events import Happened
from bots.domain.happenings.messages import Told, happened, subject_told
from bots.domain.polling.schedule import hasten, locked
from bots.models import Bot, BotStatus, Event, Trade
from bots.systems.contract import Kind

# What may have changed while nobody listened.
MOVING = frozenset({Kind.STATE, Kind.OPEN_TRADES, Kind.CLOSED_TRADES, Kind.PROFIT, Kind.BALANCE, Kind.LOCKS, Kind.LOGS})


def write(told: Sequence[Told], more: Iterable[Happened], now: datetime) -> list[events.Changed]:
    """Keep what was heard and announce it. Raises DatabaseError: then nothing was written."""
    with transaction.atomic():
        # The turns first, as the writer of polls does; so neither waits for the other in a circle.
        list(locked({each.bot_id for each in told}))
        trades = mirrored(told)
        heard = [event for each in told if (event := happened(each, trades)) is not None]
        fresh = events.record([*heard, *more], now)
        changed = changed_by(fresh)
    events.announce(changed)
    return changed


def mirrored(told: Iterable[Told]) -> dict[tuple[int, str], int]:
    """(bot, subject) -> primary key of the trades they tell of."""
    wanted = {(each.bot_id, subject) for each in told if (subject := subject_told(each.heard))}
    if not wanted:
        return {}
    bots, ids = {bot for bot, _ in wanted}, {subject.partition("@")[0] for _, subject in wanted}
    found = Trade.objects.filter(bot__in=bots, trade_id__in=ids).values_list("bot", "trade_id", "open_ms", "pk")
    places = {(bot, events.subject_of(trade_id, open_ms)): pk for bot, trade_id, open_ms, pk in found}
    return {place: pk for place, pk in places.items() if place in wanted}


def changed_by(fresh: Iterable[Event]) -> list[events.Changed]:
    bots: dict[int, set[str]] = defaultdict(set)
    for event in fresh:
        if event.bot_id is not None:
            bots[event.bot_id] |= events.words_of(event)
    if not bots:
        return []
    BotStatus.objects.filter(pk__in=bots).update(seq=F("seq") + 1)
    listed = Bot.objects.filter(pk__in=bots).values_list("pk", "slug", "team", "status__seq")
    return [events.Changed(pk, slug, team, tuple(sorted(bots[pk])), seq) for pk, slug, team, seq in listed]


def read_early(wanted: Mapping[int, frozenset[Kind]], now: datetime, *, patiently: bool) -> None:
    with transaction.atomic():
        hasten(wanted, now, patiently=patiently)
