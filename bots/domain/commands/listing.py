"""The commands a person may see: filtered, newest first; and how many of them want somebody's attention."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.access import LOWEST_ROLE, NO_COMMANDS
from accounts.models import User
from bots.domain.trades import moment
from bots.models import Command

ACTIONS = tuple(action for action in LOWEST_ROLE if action not in NO_COMMANDS)
# Besides the states themselves: everything without an end, and what waits for a person.
UNDER_WAY, ATTENTION = "under_way", "attention"
STATES = (
    UNDER_WAY, ATTENTION, Command.WAITING, Command.INTENT, Command.SENT, Command.DONE, Command.REFUSED,
    Command.UNKNOWN, Command.CLOSED, Command.CANCELLED, Command.EXPIRED,
)  # fmt: skip
NEEDS_SOMEBODY = (Command.WAITING, Command.UNKNOWN)
SHOWN_IN_ROWS_FOR = timedelta(minutes=10)  # an ended command stays in the row it was asked from


@dataclass(frozen=True)
class CommandQuery:
    bot: str = ""  # slug
    action: str = ""
    state: str = ""
    actor: str = ""  # user name of who asked
    mode: str = ""  # live, dry: as it was when asked
    batch: str = ""  # number
    since: datetime | None = None  # asked at or after
    until: datetime | None = None  # ... before or at
    search: str = ""  # within the bot's name, the pair, the person, the reason

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "CommandQuery":
        """From a query string (`from` and `to` are ISO dates or date-times). Raises ValueError naming the parameter."""
        if wrong := [name for name, value in given.items() if "\x00" in str(value)]:
            raise ValueError(f"{wrong[0]}: a sign no text has")
        names = ("bot", "action", "state", "actor", "mode", "batch")
        words = {name: str(given.get(name, "")).strip()[:150] for name in names}
        words["mode"] = "" if words["mode"] == "both" else words["mode"]
        for name, allowed in (("action", ACTIONS), ("state", STATES), ("mode", ("live", "dry"))):
            if words[name] and words[name] not in allowed:
                raise ValueError(f"{name}: one of {', '.join(allowed)}")
        if words["batch"] and not (words["batch"].isascii() and words["batch"].isdigit() and len(words["batch"]) < 19):
            raise ValueError("batch: a number")
        search = str(given.get("q", given.get("search", ""))).strip()[:100]
        return cls(**words, since=moment(given, "from"), until=moment(given, "to"), search=search)


def commands_for(user: User, query: CommandQuery | None = None) -> QuerySet[Command]:
    """Newest first, with bot, team and trade."""
    query = query or CommandQuery()
    found = Command.objects.visible_to(user).filter(in_state(query.state), matches(query.search), **conditions(query))
    return found.select_related("bot__team", "bot__status", "trade")


def conditions(query: CommandQuery) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "bot__slug": query.bot,
        "action": query.action,
        "requested_by_name": query.actor,
        "before__mode": query.mode,
        "batch": query.batch,
        "requested_at__gte": query.since,
        "requested_at__lte": query.until,
    }
    return {name: value for name, value in wanted.items() if value}


def in_state(state: str) -> Q:
    if state == UNDER_WAY:
        return ~Q(state__in=Command.FINAL)
    if state == ATTENTION:
        return Q(state__in=NEEDS_SOMEBODY)
    return Q(state=state) if state else Q()


def matches(search: str) -> Q:
    if not search:
        return Q()
    within = Q(bot__name__icontains=search) | Q(requested_by_name__icontains=search) | Q(reason__icontains=search)
    return within | Q(before__pair__icontains=search)


def wanting_attention(user: User) -> dict[str, int]:
    """State -> how many: those that wait for a second person, and unknown ones nobody has closed."""
    states = Command.objects.visible_to(user).filter(state__in=NEEDS_SOMEBODY).values_list("state", flat=True)
    listed = list(states.order_by())
    return {state: listed.count(state) for state in NEEDS_SOMEBODY}


def latest_of_trades(user: User, trades: Iterable[int], now: datetime | None = None) -> dict[int, Command]:
    """Trade -> its newest command that is under way or has ended lately."""
    recent = recent_ones(user, now).filter(trade__in=list(trades))
    return {command.trade_id: command for command in recent.order_by("id") if command.trade_id is not None}


def latest_of_bots(user: User, now: datetime | None = None) -> dict[int, Command]:
    """Bot -> its newest command that is under way or has ended lately."""
    return {command.bot_id: command for command in recent_ones(user, now).order_by("id")}


def recent_ones(user: User, now: datetime | None = None) -> QuerySet[Command]:
    since = (now or timezone.now()) - SHOWN_IN_ROWS_FOR
    return Command.objects.visible_to(user).filter(~Q(state__in=Command.FINAL) | Q(ended_at__gte=since))
