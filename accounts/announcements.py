"""What this room tells the others. Sent inside the transaction of the change: a receiver that raises undoes it.

Announce last: the audit takes a lock that every other change waits for, and rows locked after it could dead-lock.

Every receiver is called with `announcement=Announcement(...)`. `ALL` holds every signal by its name.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.transaction import TransactionManagementError
from django.dispatch import Signal

from accounts.caller import By, Caller
from accounts.models import Team

Detail = str | int | bool | None


class NotRecorded(Exception):
    """A receiver could not write the announcement down, so what it tells of does not happen. Entrances answer 503."""


@dataclass(frozen=True)
class Announcement:
    """One thing that happened to people or doors.

    what: the signal's name, for example "member_added"
    actor, actor_id: who did it; "" and None for the process itself or for somebody not logged in
    team, team_id: slug and id, or None when no team is concerned
    subject: the person, team or origin it happened to, in words
    caller: from where it was asked
    details: more figures; never a secret
    """

    what: str
    actor: str
    actor_id: int | None
    team: str | None
    team_id: int | None
    subject: str
    caller: Caller
    details: dict[str, Detail]


logged_in = Signal()
logged_out = Signal()
login_failed = Signal()
login_blocked = Signal()
password_changed = Signal()
password_reset_asked = Signal()
sessions_ended = Signal()

user_created = Signal()
user_changed = Signal()
user_deactivated = Signal()
user_reactivated = Signal()
user_deleted = Signal()

team_created = Signal()
team_changed = Signal()
team_deleted = Signal()
member_added = Signal()
member_changed = Signal()
member_removed = Signal()
invited = Signal()
invitation_withdrawn = Signal()
invitation_accepted = Signal()

origin_added = Signal()
origin_changed = Signal()
origin_removed = Signal()

token_issued = Signal()
token_revoked = Signal()
token_theft = Signal()

ALL: dict[str, Signal] = {name: signal for name, signal in list(globals().items()) if isinstance(signal, Signal)}
NAMES: dict[int, str] = {id(signal): name for name, signal in ALL.items()}


def announce(signal: Signal, by: By, subject: str, team: Team | None = None, **details: Detail) -> None:
    """Raises TransactionManagementError outside a transaction: what is announced must fall with its announcement."""
    if not connection.in_atomic_block:
        raise TransactionManagementError(f"{NAMES[id(signal)]} must be announced inside the transaction of the change")
    announcement = Announcement(
        what=NAMES[id(signal)],
        actor=by.user.username if by.user else "",
        actor_id=by.user.pk if by.user else None,
        team=team.slug if team else None,
        team_id=team.pk if team else None,
        subject=subject,
        caller=by.caller,
        details=details,
    )
    signal.send(sender=Announcement, announcement=announcement)
