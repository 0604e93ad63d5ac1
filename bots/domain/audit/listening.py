"""What is said about people and doors (accounts.announcements) becomes an audit row, in the same transaction.

A failed login is written too, and a login attempt whose row cannot be written is refused (AuditUnavailable): who could
silence the audit could otherwise guess passwords unseen. Reading pages goes on.
"""

from accounts.announcements import ALL, Announcement
from bots.domain.audit.appending import append
from bots.domain.audit.entry import Act, Actor


def listen() -> None:
    for name, signal in ALL.items():
        signal.connect(write_down, dispatch_uid=f"audit of {name}")


def write_down(sender: object, announcement: Announcement, **kwargs: object) -> None:
    append(
        Act(
            action=announcement.what,
            actor=actor_of(announcement),
            subject=announcement.subject,
            team=announcement.team or "",
            team_id=announcement.team_id,
            details=announcement.details,
        )
    )


def actor_of(announcement: Announcement) -> Actor:
    caller = announcement.caller
    return Actor(
        name=announcement.actor,
        id=announcement.actor_id,
        address=caller.address,
        client=caller.user_agent,
        session=caller.token or caller.session,
    )
