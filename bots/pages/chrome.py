"""What every page shows around its subject: the open trades, and whose fleet this is."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from bots.domain.alerts import count_open
from bots.domain.commands.listing import wanting_attention
from bots.domain.events.listing import newest_id
from bots.domain.safety import Silence, noted
from bots.models import Trade


@dataclass(frozen=True)
class Chrome:
    open_trades: int
    attention: int  # commands that wait for a second person or are unknown
    place: str  # "manager · Alpha", below the person's name
    silence: Silence | None = None  # safe mode
    alerts: int = 0  # that nobody has taken on
    newest_event: int = 0  # warnings after this one are said at once


def chrome_for(user: User | AnonymousUser) -> Chrome:
    if not isinstance(user, User) or not user.is_active:
        return Chrome(0, 0, "")
    attention = sum(wanting_attention(user).values())
    return Chrome(
        Trade.objects.visible_to(user).open().count(), attention, place_of(user), noted(),
        alerts=sum(count_open(user).values()), newest_event=newest_id(user),
    )  # fmt: skip


def place_of(user: User) -> str:
    memberships = list(user.memberships.select_related("team"))
    if not memberships:
        return "no team yet"
    first, others = memberships[0], len(memberships) - 1
    return f"{first.role} · {first.team.name}" + (f" and {others} more" if others else "")
