"""The latest slow answers and the time series: kept in the transaction of the poll."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db import models

from bots.domain.happenings import readings as telling
from bots.domain.polling.asking import PollResult
from bots.domain.polling.configurations import keep_configurations
from bots.models import BotReading, BotStatus, Snapshot
from bots.models.rows import put_values
from bots.models.values import encode
from bots.systems.contract import Kind

# Open trades live in their own tables and in the status row.
KEPT = frozenset(Kind) - {Kind.STATE, Kind.OPEN_TRADES, Kind.CLOSED_TRADES}
FINE_LIFE, MINUTE_LIFE = timedelta(hours=24), timedelta(days=14)
QUIET_SNAPSHOT = timedelta(minutes=1)
DELETED_AT_ONCE = 5000
POINT = ("bot", "at", "grain", "state", "mode", "currency", "open_count", "unrealized", "realized", "balance")


def keep(results: Sequence[PollResult], now: datetime) -> None:
    """What they tell against those before is added to the results' `happened`."""
    before = telling.before_of(results)
    for result in results:
        result.happened += telling.noticed(result, before, now)
    keep_readings(results, now)
    keep_configurations(results, now)
    points = [snapshot_of(result.order.status, now) for result in results if result.state]
    put_values(Snapshot, POINT, [point for point in points if point is not None], unique=["bot", "at"])


def keep_readings(results: Sequence[PollResult], now: datetime) -> None:
    rows = [
        (result.order.bot.id, str(kind), msgspec.Raw(result.encoded.get(kind) or encode(value)), now, "")
        for result in results
        for kind, value in result.values.items()
        if kind in KEPT
    ]
    names = ["bot", "kind", "data", "read_at", "error"]
    put_values(BotReading, names, rows, unique=["bot", "kind"], update=names[2:])
    for result in results:
        for kind, error in result.failed.items():
            BotReading.objects.filter(bot=result.order.bot, kind=str(kind)).update(error=str(error)[:500])


def snapshot_of(status: BotStatus, now: datetime) -> tuple[object, ...] | None:
    """The point of the time series (POINT), or None when nothing moved within the last minute."""
    last = status.snapshot_at
    if last is not None and now - last < QUIET_SNAPSHOT and not status.open_count:
        return None
    status.snapshot_at = now
    return (
        status.bot_id,
        now,
        grain_at(last, now),
        status.state,
        status.mode,
        status.stake_currency,
        status.open_count,
        status.unrealized,
        status.closed_profit,
        status.balance,
    )


def grain_at(last: datetime | None, now: datetime) -> str:
    """The first point of an hour or a minute is the one that stays."""
    if last is None or last.timestamp() // 3600 != now.timestamp() // 3600:
        return Snapshot.HOUR
    return Snapshot.MINUTE if last.timestamp() // 60 != now.timestamp() // 60 else Snapshot.FINE


def thin(now: datetime) -> int:
    """Delete the points whose time is over, in small portions. Returns how many."""
    fine = models.Q(grain=Snapshot.FINE, at__lt=now - FINE_LIFE)
    old = fine | models.Q(grain=Snapshot.MINUTE, at__lt=now - MINUTE_LIFE)
    deleted = 0
    while ids := list(Snapshot.objects.filter(old).values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        deleted += Snapshot.objects.filter(pk__in=ids).delete()[0]
    return deleted
