"""Events as people ask for them: filtered, newest first; the newest few for a page's margin; and when they go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import User
from bots.domain.events.kinds import GROUPS, KINDS, SEVERITIES
from bots.domain.trades import moment
from bots.models import Bot, Event

SOURCES = (Event.WEBSOCKET, Event.POLL, Event.PORTAL)
# What a margin leaves out: every step of an order that comes to something, and locks that come and go with each trade.
STEPS = ("entry_placed", "exit_placed", "exit_filled", "lock_added", "lock_gone", "command_sent")
MOST_OF_A_BOT = 20_000
DELETED_AT_ONCE = 5000


@dataclass(frozen=True)
class EventQuery:
    """`kinds`: any of them; `least`: that severity or a graver one; `after`: rows with a higher id."""

    kinds: tuple[str, ...] = ()
    group: str = ""
    least: str = ""
    source: str = ""
    bot: str = ""
    bot_tag: str = ""
    pair: str = ""
    trade: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""
    after: int | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "EventQuery":
        """From a query string (`kind` may name several, with commas). Raises ValueError naming the parameter."""
        words = {name: str(value).strip()[:255] for name, value in given.items()}
        if wrong := [name for name, value in words.items() if "\x00" in value]:
            raise ValueError(f"{wrong[0]}: a sign no text has")
        kinds = tuple(filter(None, words.get("kind", "").split(",")))
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise ValueError(f"kind: not {unknown[0]}; one of {', '.join(KINDS)}")
        for name, allowed in (("group", GROUPS), ("severity", SEVERITIES), ("source", SOURCES)):
            if words.get(name) and words[name] not in allowed:
                raise ValueError(f"{name}: one of {', '.join(allowed)}")
        return cls(
            kinds=kinds,
            group=words.get("group", ""),
            least=words.get("severity", ""),
            source=words.get("source", ""),
            bot=words.get("bot", ""),
            bot_tag=words.get("bot_tag", ""),
            pair=words.get("pair", ""),
            trade=number(words, "trade"),
            since=moment(words, "from"),
            until=moment(words, "to"),
            search=words.get("q", words.get("search", ""))[:100],
            after=number(words, "after"),
        )


def number(words: Mapping[str, str], name: str) -> int | None:
    text = words.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"{name}: a number")
    return int(text)


def events_for(user: User, query: EventQuery | None = None) -> QuerySet[Event]:
    """Events of the bots the person may see, newest first."""
    query = query or EventQuery()
    found = Event.objects.visible_to(user).filter(search_in(query.search), **conditions(query))
    if query.group:
        found = found.filter(kind__in=[name for name, kind in KINDS.items() if kind.group == query.group])
    if query.least:
        found = found.filter(severity__in=SEVERITIES[SEVERITIES.index(query.least) :])
    if query.bot_tag:
        # JSON containment is not offered by SQLite: the tags of the bots a person sees are few, so they are read.
        found = found.filter(bot__in=[bot.pk for bot in Bot.objects.visible_to(user) if query.bot_tag in bot.tags])
    return found.select_related("bot", "team").newest_first()


def search_in(search: str) -> Q:
    if not search:
        return Q()
    return Q(bot__name__icontains=search) | Q(text__icontains=search) | Q(detail__icontains=search)


def conditions(query: EventQuery) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "kind__in": query.kinds,
        "source": query.source,
        "bot__slug": query.bot,
        "pair__iexact": query.pair,
        "trade": query.trade,
        "at__gte": query.since,
        "at__lte": query.until,
        "pk__gt": query.after,
    }
    return {name: value for name, value in wanted.items() if value not in ("", (), None)}


def newest_for(user: User, most: int, **only: Any) -> list[Event]:
    """For a page's margin: what came of things, without every step on the way. `only`: conditions, as bot=..."""
    found = Event.objects.visible_to(user).filter(**only).exclude(kind__in=STEPS)
    return list(found.select_related("bot", "team").newest_first()[:most])


def newest_alarms(user: User, after: int, most: int) -> list[Event]:
    """Warnings and errors heard of since the event with this id, newest first."""
    grave = SEVERITIES[SEVERITIES.index("warning") :]
    found = Event.objects.visible_to(user).filter(pk__gt=after, severity__in=grave)
    return list(found.select_related("bot", "team").order_by("-pk")[:most])


def newest_id(user: User) -> int:
    """The mark from which on a page asks for what is new."""
    return Event.objects.visible_to(user).order_by("-pk").values_list("pk", flat=True).first() or 0


def forget_old(now: datetime) -> int:
    """Delete events whose time is over, in small portions; of a bot that floods, the oldest. Returns how many."""
    old = Event.objects.filter(at__lt=now - timedelta(days=settings.PORTAL_EVENT_DAYS))
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        deleted += Event.objects.filter(pk__in=ids).delete()[0]
    return deleted + sum(forget_excess(bot_id) for bot_id in Bot.objects.values_list("pk", flat=True))


def forget_excess(bot_id: int) -> int:
    own = Event.objects.filter(bot=bot_id).order_by("-pk").values_list("pk", flat=True)
    edge = list(own[MOST_OF_A_BOT : MOST_OF_A_BOT + 1])
    return Event.objects.filter(bot=bot_id, pk__lte=edge[0]).delete()[0] if edge else 0
