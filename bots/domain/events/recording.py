"""Events into the table: each once, whichever source told it first.

Two sources tell of the same fill: the bot's websocket at once, without naming the order, and the next poll with the
order's id. Within a source the key says what is one and the same; between sources the events of one kind about one
trade are paired, first come first paired, so that there are as many as the better informed source knows of.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone

from bots.domain.events.kinds import INFO, KINDS
from bots.models import Event

MOST_DATA_BYTES = 4096
LONGEST = {column.name: column.max_length for column in Event._meta.concrete_fields if column.max_length}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """`key`: what makes it one and the same thing within its source, at its bot. `subject`: see `subject_of`.
    `text` goes on from the bot's name; with data["by"] from that person's. `told_within`: another source may tell of
    it, too, under a key of its own, so much earlier or later. `data`: JSON, small, no secrets; "rate" helps to pair.
    `heard_at`: when the portal was told; None: now, as it is written."""

    kind: str
    team_id: int
    bot_id: int | None
    at: datetime
    key: str
    text: str
    detail: str = ""
    source: str = Event.POLL
    severity: str = ""  # "": the kind's
    pair: str = ""
    trade_pk: int | None = None
    subject: str = ""
    told_within: timedelta | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    heard_at: datetime | None = None


def subject_of(trade_id: str, open_ms: int) -> str:
    """The trade an event is about, as the bot knows it."""
    return f"{trade_id}@{open_ms}"


def record(events: Iterable[Happened], now: datetime | None = None) -> list[Event]:
    """Keep them, inside the caller's transaction. Returns the rows that are new; those already told are left out.

    Raises KeyError for a kind nobody declared.
    """
    moment = now or timezone.now()
    rows: dict[Place, Event] = {}
    within: dict[Place, timedelta | None] = {}
    for happened in events:
        row = row_of(happened, moment)
        if rows.setdefault(place_of(row), row) is row:
            within[place_of(row)] = happened.told_within
    if not rows:
        return []
    told = already_told(rows.values())
    news = [row for place, row in rows.items() if place not in told and not pair_up(row, within[place])]
    return insert(sorted(news, key=place_of))


Place = tuple[int, str]  # bot (0 - team when there is none), key


def place_of(row: Event) -> Place:
    return (row.bot_id or -row.team_id, row.key)


def row_of(happened: Happened, now: datetime) -> Event:
    return Event(
        team_id=happened.team_id,
        bot_id=happened.bot_id,
        trade_id=happened.trade_pk,
        kind=happened.kind,
        severity=happened.severity or KINDS[happened.kind].severity,
        at=min(happened.at, now),  # a bot's clock may be ahead; what was heard has happened
        heard_at=happened.heard_at or now,
        source=happened.source,
        pair=bounded("pair", happened.pair),
        subject=bounded("subject", happened.subject),
        text=bounded("text", happened.text),
        detail=bounded("detail", happened.detail),
        data=small(happened.data),
        key=bounded("key", happened.key),
    )


def bounded(name: str, text: str) -> str:
    """Without what PostgreSQL cannot store, and as long as the column; cut text ends in an ellipsis."""
    clean = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    longest = LONGEST[name] or len(clean)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def small(data: Mapping[str, Any]) -> dict[str, Any]:
    """As plain JSON, decimals as text. What is too large is left out by name."""
    written = json.dumps(dict(data), default=as_text).replace("\\u0000", "\\ufffd")
    if len(written) > MOST_DATA_BYTES:
        return {"too_large": sorted(str(name)[:60] for name in data)[:20]}
    plain: dict[str, Any] = json.loads(written)
    return plain


def as_text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


ALARM = "alarm"  # among what is announced: an event that an open page shows at once, whatever it is about


def words_of(event: Event) -> set[str]:
    """What is announced of a new event."""
    return {"events"} if event.severity == INFO else {"events", ALARM}


def already_told(rows: Iterable[Event]) -> set[Place]:
    """Which of them are known under this key. A trade found since is joined to what is known."""
    listed = list(rows)
    bots = {row.bot_id for row in listed if row.bot_id}
    keys = {row.key for row in listed}
    own = Q(bot__in=bots) & (Q(key__in=keys) | Q(told_key__in=keys))
    of_team = Q(bot=None, team__in={row.team_id for row in listed if not row.bot_id}, key__in=keys)
    known = Event.objects.filter(own | of_team) if bots else Event.objects.filter(of_team)
    trades = {place_of(row): row.trade_id for row in listed if row.trade_id}
    told: set[Place] = set()
    for event in known.only("pk", "bot", "team", "key", "told_key", "trade"):
        first, second = place_of(event), (place_of(event)[0], event.told_key or event.key)
        told |= {first, second}
        trade = trades.get(first) or trades.get(second)
        if trade and event.trade_id is None:
            Event.objects.filter(pk=event.pk).update(trade=trade)
    return told


def pair_up(row: Event, within: timedelta | None) -> bool:
    """Whether another source has told of this: then that event carries this key, too."""
    if within is None:
        return False
    other = Event.objects.filter(
        bot=row.bot_id, kind=row.kind, subject=row.subject, told_key=None, heard_at__gt=row.heard_at - within
    )
    candidates = list(other.exclude(source=row.source).order_by("at", "pk")[:50])
    if not candidates:
        return False
    event = nearest(row, candidates)
    changes: dict[str, Any] = {"told_key": row.key}
    if row.source == Event.POLL:  # the bot's own account of it is the more exact one
        changes |= {"at": row.at, "data": {**event.data, **row.data}}
    if row.trade_id:
        changes["trade"] = row.trade_id
    return bool(Event.objects.filter(pk=event.pk, told_key=None).update(**changes))


def nearest(row: Event, candidates: Sequence[Event]) -> Event:
    """The one with the same rate, then the nearest in time."""
    rate = row.data.get("rate")
    return min(candidates, key=lambda event: (not alike(event.data.get("rate"), rate), abs(event.at - row.at)))


def alike(one: object, other: object) -> bool:
    if one is None or other is None:
        return False
    first, second = Decimal(str(one)), Decimal(str(other))
    return abs(first - second) <= abs(second) * Decimal("1e-6")


def insert(rows: list[Event]) -> list[Event]:
    """In the order of their keys: two writers that tell the same wait for each other and never in a circle."""
    if not rows:
        return []
    Event.objects.bulk_create(rows, ignore_conflicts=True)
    bots, teams = {row.bot_id for row in rows if row.bot_id}, {row.team_id for row in rows if not row.bot_id}
    mine = {(place_of(row), row.heard_at, row.source) for row in rows}
    stored = Event.objects.filter(Q(bot__in=bots) | Q(bot=None, team__in=teams), key__in={row.key for row in rows})
    found = stored.select_related("bot").order_by("at", "pk")
    return [event for event in found if (place_of(event), event.heard_at, event.source) in mine]
