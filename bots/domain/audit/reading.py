"""Who may read which rows of the audit, and finding them again.

A superuser reads every row. A manager reads the rows of the teams he manages, everybody else of a team the rows about
its commands. Rows of no team (logins, origins, keys) are the superusers' business.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.access import MANAGE, SEE
from accounts.models import Team, User
from bots.domain.trades import moment
from bots.models import AuditEntry

# What everybody of a team may read: what was asked of its bots, and what came of it.
ABOUT_COMMANDS = Q(action__startswith="command_") | Q(action__startswith="batch_") | Q(action="forced_outside")
TEXTS = ("actor", "action", "subject", "bot", "team", "role", "address", "client")
LONGEST_WORD = 200


@dataclass(frozen=True)
class AuditQuery:
    """Conditions that all must hold; "" and None ask nothing."""

    actor: str = ""
    action: str = ""  # "command_" with its underscore: every action that begins so
    team: str = ""  # slug
    bot: str = ""  # slug
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""  # within the texts of a row and its details

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "AuditQuery":
        """From a query string (`q`, `from`, `to`, ...). Raises ValueError naming the parameter."""
        if wrong := [name for name, value in given.items() if "\x00" in str(value)]:
            raise ValueError(f"{wrong[0]}: a sign no text has")
        names = {"actor", "action", "team", "bot", "address"}
        words = {name: str(given.get(name, "")).strip()[:LONGEST_WORD] for name in names}
        search = str(given.get("q", "")).strip()[:LONGEST_WORD]
        return cls(**words, search=search, since=moment(given, "from"), until=moment(given, "to"))

    def told(self) -> dict[str, str]:
        """What was asked, by the names of the query string; empty when nothing was."""
        names = {"since": "from", "until": "to", "search": "q"}
        values = {names.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items() if value
        }


def entries_for(user: User, query: AuditQuery | None = None) -> QuerySet[AuditEntry]:
    """The rows the person may read that the query asks for, newest first."""
    query = query or AuditQuery()
    found = AuditEntry.objects.filter(readable_by(user), **conditions(query))
    if query.search:
        found = found.annotate(written=Cast("details", TextField())).filter(within(query.search))
    return found.order_by("-id")


def readable_by(user: User) -> Q:
    if not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    # Read here, not joined: a row's team is a plain number, and the teams of a person are few.
    managed, seen = (list(Team.objects.where(user, action).values_list("pk", flat=True)) for action in (MANAGE, SEE))
    return Q(team_id__in=managed) | (Q(team_id__in=seen) & ABOUT_COMMANDS)


def may_verify(user: User) -> bool:
    """Superusers, and managers of any team: reading the whole chain takes time, and tells nothing of others' rows."""
    return user.is_active and (user.is_superuser or Team.objects.where(user, MANAGE).exists())


def conditions(query: AuditQuery) -> dict[str, Any]:
    begins = query.action.endswith("_")
    wanted = {
        "actor": query.actor,
        "action__startswith" if begins else "action": query.action,
        "team": query.team,
        "bot": query.bot,
        "address": query.address,
        "at__gte": query.since,
        "at__lte": query.until,
    }
    return {name: value for name, value in wanted.items() if value}


def within(search: str) -> Q:
    found = Q(written__icontains=as_in_json(search))
    for name in TEXTS:
        found |= Q(**{f"{name}__icontains": search})
    return found


def as_in_json(search: str) -> str:
    r"""As the database spells it within a JSON text: SQLite keeps \u00fc, PostgreSQL an ü."""
    return json.dumps(search, ensure_ascii=connection.vendor == "sqlite")[1:-1]
