"""Who sits at the other end of a socket: the person of a web session, and the teams that person sees, right now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.access import SEE, may
from accounts.models import Membership, User
from bots.models import Bot


@dataclass(frozen=True, slots=True)
class Visitor:
    session_key: str
    user_id: int
    roles: Mapping[int, str]  # team id -> role

    @property
    def teams(self) -> list[int]:
        """Those whose bots the person may see."""
        return [team_id for team_id, role in self.roles.items() if may(role, SEE)]


def visitors_of(session_keys: Iterable[str]) -> dict[str, Visitor]:
    """Session key -> the person behind it; a session that ended, or whose person may no longer come in, is left out.

    Three queries, whatever the number of sessions. Raises DatabaseError.
    """
    sessions = sessions_of(session_keys)
    users = User.objects.filter(is_active=True).in_bulk({user_id for user_id, _ in sessions.values()})
    present = {
        key: user_id
        for key, (user_id, bound_to) in sessions.items()
        if user_id in users and is_bound(users[user_id], bound_to)
    }
    roles = roles_of(set(present.values()))
    return {key: Visitor(key, user_id, roles[user_id]) for key, user_id in present.items()}


def sessions_of(session_keys: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Session key -> (user id, the hash of the credentials it was made with)."""
    alive = Session.objects.filter(session_key__in=set(session_keys), expire_date__gt=timezone.now())
    found = {session.session_key: login_in(session.get_decoded()) for session in alive}
    return {key: login for key, login in found.items() if login}


def login_in(content: dict[str, Any]) -> tuple[int, str] | None:
    """None for a session in which nobody is logged in."""
    user_id, bound_to = content.get(SESSION_KEY), content.get(HASH_SESSION_KEY)
    return (int(user_id), bound_to) if user_id and bound_to else None


def is_bound(user: User, bound_to: str) -> bool:
    """The session was made with the person's present credentials (under the present SECRET_KEY or a fallback)."""
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(bound_to, one) for one in hashes)


def roles_of(user_ids: set[int]) -> dict[int, dict[int, str]]:
    roles: dict[int, dict[int, str]] = defaultdict(dict)
    for user_id, team_id, role in Membership.objects.filter(user__in=user_ids).values_list("user", "team", "role"):
        roles[user_id][team_id] = role
    return roles


class Number(NamedTuple):
    """How far a bot is."""

    bot_id: int
    seq: int


def seqs_of(team_ids: Iterable[int]) -> dict[int, dict[str, Number]]:
    """Team id -> slug -> latest sequence number, of every bot that is not retired. Raises DatabaseError."""
    seqs: dict[int, dict[str, Number]] = defaultdict(dict)
    bots = Bot.objects.active().filter(team__in=set(team_ids))
    for team_id, slug, bot_id, seq in bots.values_list("team", "slug", "pk", "status__seq"):
        seqs[team_id][slug] = Number(bot_id, seq or 0)
    return seqs
