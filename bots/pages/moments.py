"""Moments as people type them: in their own zone, by a field of type datetime-local, or as hours from now."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

EARLIEST, LATEST = 2000, 2999  # years
HOURS = ((1, "1 hour"), (8, "8 hours"), (24, "24 hours"), (168, "7 days"))


def typed_moment(text: str, zone: str) -> datetime:
    """Raises ValueError with the sentence for people."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("Date and time, as 2026-11-21 18:30") from None
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError("A year of this age")
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def after(hours: str, start: datetime | None = None) -> datetime | None:
    """So long from then (from now); None for what is not offered."""
    offered = {str(number): number for number, _ in HOURS}
    return (start or timezone.now()) + timedelta(hours=offered[hours]) if hours in offered else None
