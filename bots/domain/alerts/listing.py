"""Alerts as people ask for them: filtered, the open ones first; and how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet

from accounts.models import User
from bots.domain.alerts.kinds import KINDS
from bots.domain.events.kinds import SEVERITIES
from bots.domain.trades import moment
from bots.models import Alert, Bot

UNCLEARED = "uncleared"  # open or acknowledged
STATES = (Alert.OPEN, Alert.ACKNOWLEDGED, Alert.CLEARED, UNCLEARED)
OF_STATE = {
    Alert.OPEN: Q(cleared_at=None, acknowledged_at=None),
    Alert.ACKNOWLEDGED: Q(cleared_at=None, acknowledged_at__isnull=False),
    Alert.CLEARED: Q(cleared_at__isnull=False),
    UNCLEARED: Q(cleared_at=None),
}
DELETED_AT_ONCE = 5000


@dataclass(frozen=True)
class AlertQuery:
    """`least`: that severity or a graver one; `since`/`until`: when it opened."""

    state: str = ""
    kind: str = ""
    least: str = ""
    team: str = ""
    bot: str = ""
    bot_tag: str = ""
    mode: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "AlertQuery":
        """From a query string (state, kind, severity, team, bot, bot_tag, mode, from, to). Raises ValueError naming the
        parameter."""
        words = {name: str(value).strip()[:255] for name, value in given.items()}
        if wrong := [name for name, value in words.items() if "\x00" in value]:
            raise ValueError(f"{wrong[0]}: a sign no text has")
        allowed = {"state": STATES, "kind": tuple(KINDS), "severity": SEVERITIES, "mode": ("live", "dry")}
        for name, choices in allowed.items():
            if words.get(name) and words[name] not in choices:
                raise ValueError(f"{name}: one of {', '.join(choices)}")
        plain = {name: words.get(name, "") for name in ("state", "kind", "team", "bot", "bot_tag", "mode")}
        return cls(**plain, least=words.get("severity", ""), since=moment(words, "from"), until=moment(words, "to"))


def alerts_for(user: User, query: AlertQuery | None = None) -> QuerySet[Alert]:
    """Of the person's teams: what is open first, each part newest first."""
    query = query or AlertQuery()
    found = Alert.objects.visible_to(user).filter(**conditions(query))
    if query.state:
        found = found.filter(OF_STATE[query.state])
    if query.least:
        found = found.filter(severity__in=SEVERITIES[SEVERITIES.index(query.least) :])
    if query.bot_tag:
        # JSON containment is not offered by SQLite: the tags of the bots a person sees are few, so they are read.
        found = found.filter(bot__in=[bot.pk for bot in Bot.objects.visible_to(user) if query.bot_tag in bot.tags])
    standing = (F("cleared_at").desc(nulls_first=True), F("acknowledged_at").asc(nulls_first=True))
    return found.select_related("bot", "team", "rule").order_by(*standing, "-opened_at", "-pk")


def conditions(query: AlertQuery) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "kind": query.kind,
        "team__slug": query.team,
        "bot__slug": query.bot,
        "mode": query.mode,
        "opened_at__gte": query.since,
        "opened_at__lte": query.until,
    }
    return {name: value for name, value in wanted.items() if value not in ("", None)}


def open_alerts(user: User, **only: Any) -> QuerySet[Alert]:
    """Not cleared, acknowledged ones last; gravest first is the page's own affair. `only`: conditions, as bot=..."""
    return alerts_for(user, AlertQuery(state=UNCLEARED)).filter(**only)


def count_open(user: User) -> dict[str, int]:
    """severity -> how many alerts wait for somebody: neither acknowledged nor cleared; the gravest first."""
    mine = Alert.objects.visible_to(user).unacknowledged().order_by()
    counted = dict(mine.values_list("severity").annotate(Count("pk")))
    return {severity: counted[severity] for severity in reversed(SEVERITIES) if severity in counted}


def open_by_bot(user: User) -> dict[int, tuple[int, str]]:
    """bot's pk -> how many alerts are not cleared there, and the gravest severity."""
    found: dict[int, tuple[int, str]] = {}
    mine = Alert.objects.visible_to(user).open().filter(bot__isnull=False).order_by()
    for bot, severity, count in mine.values_list("bot", "severity").annotate(Count("pk")):
        had, gravest = found.get(bot, (0, severity))
        found[bot] = (had + count, max(gravest, severity, key=SEVERITIES.index))
    return found


def forget_old(now: datetime) -> int:
    """Delete cleared alerts whose time is over, with their deliveries, in small portions. Returns how many."""
    old = Alert.objects.filter(cleared_at__lt=now - timedelta(days=settings.PORTAL_EVENT_DAYS))
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        Alert.objects.filter(pk__in=ids).delete()
        deleted += len(ids)
    return deleted
