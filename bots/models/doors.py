"""The door to the bots, as this installation allows it: only processes that speak to bots open one."""

from django.conf import settings

from bots.systems.addresses import AddressPolicy
from bots.systems.http import HttpDoor


def open_door() -> HttpDoor:
    """One per event loop. Call inside the running loop."""
    return HttpDoor(
        AddressPolicy.from_networks(settings.PORTAL_ALLOWED_NETWORKS),
        deadline=settings.PORTAL_POLL_DEADLINE_SECONDS,
        max_bytes=settings.PORTAL_MAX_ANSWER_BYTES,
        user_agent=f"bot-portal/{settings.VERSION}",
    )
