"""Sums over trades by what they have in common, for groupings no rollup has.

PostgreSQL adds by itself. SQLite would sort the trades by their groups and, having no exact sum, call Python for the
figures of each; instead it hands them over as they lie, one text a bot, and they are added here: less than half of the
time in the database, and hardly less together.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import Aggregate, Case, QuerySet, TextField, When
from django.db.models.functions import JSONArray

from bots.domain.sums import Sums
from bots.models.rollup import KNOWN, HeldSeconds, summed

Key = tuple[Any, ...]  # in the order of `by`; on SQLite days and moments are texts


def sums_by(trades: QuerySet[Any], *by: str, most: int | None = None) -> dict[Key, Sums]:
    """Of closed trades, by these columns. Where there are more than `most` groups, only that there are more is told: at
    least one too many comes back."""
    limit = None if most is None else most + 1
    if connection.vendor == "sqlite":
        return added_here(trades, by, limit)
    return {tuple(row[name] for name in by): Sums.of(row) for row in at_once(summed(trades, *by)[:limit])}


ROOM_TO_SORT = "32MB"  # for a month's trades of a thousand bots; PostgreSQL's own 4MB sends them to disk


def at_once(rows: QuerySet[Any, Any]) -> list[dict[str, Any]]:
    """The sums without a cursor on the server: PostgreSQL plans a cursor for its first rows, and in one process."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{ROOM_TO_SORT}'")
        return list(rows)


def added_here(trades: QuerySet[Any], by: Iterable[str], limit: int | None) -> dict[Key, Sums]:
    groups: dict[Key, Sums] = {}
    for text in texts_of_bots(trades, by):
        for key, profit, stake, held_seconds in decode(text):
            sums = groups.get(key)
            if sums is None:
                sums = groups[key] = Sums()
            sums.count(profit, stake, held_seconds)
        if limit is not None and len(groups) >= limit:
            break
    return groups


decode = msgspec.json.Decoder(list[tuple[Key, Decimal | None, Decimal | None, int | None]]).decode
BOTS_AT_ONCE = 10  # their texts are in memory together; some 110 bytes a trade


def texts_of_bots(trades: QuerySet[Any], by: Iterable[str]) -> Iterator[str]:
    """Of each bot [[[what `by` names], profit, stake, seconds held], ...]. By bot, because its trades lie together in
    the indexes: nothing is sorted. A row for each trade took twice as long to fetch, and would let go of Python's lock
    and wait for it again so many times. A text has at most 1 GB: some nine million trades of one bot."""
    held_seconds = Case(When(KNOWN, then=HeldSeconds()))
    figures = JSONArray(JSONArray(*by), "profit_abs", "stake_amount", held_seconds)
    joined = Aggregate(figures, function="json_group_array", output_field=TextField())
    found = trades.order_by().values("bot").annotate(joined=joined).values_list("joined", flat=True)
    return found.iterator(chunk_size=BOTS_AT_ONCE)
