"""Which of the tellings that wait at a destination are still worth telling.

Nobody hears that something is wrong after he has heard that it is over; nobody who was told of something is left
without its end; what was over before anybody could be told is no news.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from bots.domain.alerts.silence import Silences
from bots.models import Alert, Delivery, Destination

HELD = timedelta(minutes=1)
TOO_OLD = timedelta(days=1)
WAITS, TOLD = "waits", "told"
TELLS_BOTH = "It was over before it could be told; the message that it is over tells both"
TOLD_TO_BE_OVER = "The message that it is over has gone already"
WAITS_ITSELF = "What it reminds of could not be told yet, and still waits to be"
OVER = "It was over before it could be told"

# In a digest that has failed for good nothing was told; one that is forgotten by now was told long ago.
IS_TOLD = Q(state=Delivery.SENT) | Q(state=Delivery.DIGESTED) & (Q(part_of=None) | Q(part_of__state=Delivery.SENT))
IS_ON_ITS_WAY = Q(state=Delivery.CLAIMED) | Q(state=Delivery.DIGESTED, part_of__state=Delivery.CLAIMED)
MAY_HAVE_ARRIVED = Q(unsure__gt=0) | Q(part_of__unsure__gt=0)
IS_UNDER_WAY = Q(state__in=Delivery.UNDER_WAY) | Q(state=Delivery.DIGESTED, part_of__state__in=Delivery.UNDER_WAY)


def worth_telling(destination: Destination, waiting: list[Delivery], now: datetime) -> list[Delivery]:
    """Without what nobody wants to hear any more, which is dropped, and what is muted, which waits."""
    if not destination.enabled or destination.removed_at is not None:
        drop(waiting, "The destination was switched off or removed", now)
        return []
    rest = without_reminders_of_what_waits(destination, waiting, now)
    rest = without_what_its_end_tells(destination, rest, now)
    heard = heard_of(destination, rest)
    old = [delivery for delivery in rest if is_stale(delivery, heard, now)]
    drop(old, OVER, now)
    rest = [delivery for delivery in rest if delivery not in old]
    return without_what_is_muted(rest, now)


def without_reminders_of_what_waits(destination: Destination, waiting: list[Delivery], now: datetime) -> list[Delivery]:
    reminded = [delivery.alert_id for delivery in waiting if delivery.what == Delivery.REMINDER]
    if not reminded:
        return waiting
    untold = Delivery.objects.filter(destination=destination, alert__in=reminded, what=Delivery.OPENED)
    waits = set(untold.filter(state=Delivery.PENDING).values_list("alert", flat=True))
    idle = [one for one in waiting if one.what == Delivery.REMINDER and one.alert_id in waits]
    drop(idle, WAITS_ITSELF, now)
    return [delivery for delivery in waiting if delivery not in idle]


# --- openings whose end is told -------------------------------------------------------------------------------------
def without_what_its_end_tells(destination: Destination, waiting: list[Delivery], now: datetime) -> list[Delivery]:
    digests = [delivery for delivery in waiting if delivery.what == Delivery.DIGEST]
    parts = list(Delivery.objects.filter(part_of__in=digests).select_related("alert").order_by("id"))
    ends = ends_of(destination, [*waiting, *parts])
    gone: set[int] = set()
    for words, end in ((TELLS_BOTH, WAITS), (TOLD_TO_BE_OVER, TOLD)):
        over = [one for one in waiting if is_told_by_its_end(one, one, end, ends)]
        drop(over, words, now)
        gone.update(one.pk for one in over)
    for digest in digests:
        if not left_of(digest, [part for part in parts if part.part_of_id == digest.pk], ends, now):
            gone.add(digest.pk)
    return [delivery for delivery in waiting if delivery.pk not in gone]


def ends_of(destination: Destination, deliveries: list[Delivery]) -> dict[int | None, str]:
    """alert -> this destination is yet to hear that it is over (WAITS), or has heard or just hears it (TOLD)."""
    over = [one.alert_id for one in deliveries if one.alert is not None and one.alert.cleared_at is not None]
    ends = Delivery.objects.filter(destination=destination, alert__in=over, what=Delivery.CLEARED)
    found: dict[int | None, str] = dict.fromkeys(ends.filter(IS_UNDER_WAY).values_list("alert", flat=True), WAITS)
    return found | dict.fromkeys(ends.filter(IS_TOLD).values_list("alert", flat=True), TOLD)


def is_told_by_its_end(told: Delivery, letter: Delivery, end: str, ends: dict[int | None, str]) -> bool:
    """`letter`: itself, or the digest it is part of. What may have arrived already is repeated while the end waits,
    but never after it."""
    if told.what == Delivery.CLEARED or ends.get(told.alert_id) != end:
        return False
    return end == TOLD or not letter.unsure


def left_of(digest: Delivery, parts: list[Delivery], ends: dict[int | None, str], now: datetime) -> int:
    """A digest that failed and is sent again goes without what is over meanwhile; how many are left, or 0: dropped."""
    left = parts
    for words, end in ((TELLS_BOTH, WAITS), (TOLD_TO_BE_OVER, TOLD)):
        over = [part for part in parts if is_told_by_its_end(part, digest, end, ends)]
        mine = Delivery.objects.filter(pk__in=[part.pk for part in over])
        mine.update(state=Delivery.DROPPED, part_of=None, words=words, ended_at=now)
        left = [part for part in left if part not in over]
    if not left:
        drop([digest], TELLS_BOTH, now)
    elif len(left) < len(parts):
        digest.data = counts_of(left)
        digest.save(update_fields=["data"])
    return len(left)


def counts_of(parts: list[Delivery]) -> dict[str, int]:
    bots = {part.alert.bot_id for part in parts if part.alert and part.alert.bot_id}
    return {"alerts": len(parts), "bots": len(bots)}


# --- what is too late -----------------------------------------------------------------------------------------------
def heard_of(destination: Destination, waiting: list[Delivery]) -> set[int | None]:
    """Alerts whose opening this destination has heard, is just hearing, or may have heard."""
    ended = [delivery.alert_id for delivery in waiting if delivery.what == Delivery.CLEARED]
    openings = Delivery.objects.filter(destination=destination, alert__in=ended, what=Delivery.OPENED)
    return set(openings.filter(IS_TOLD | IS_ON_ITS_WAY | MAY_HAVE_ARRIVED).values_list("alert", flat=True))


def is_stale(delivery: Delivery, heard: set[int | None], now: datetime) -> bool:
    """Over: since it was muted, or after a day in which it could not be told. What is still wrong is never stale, nor
    is the end of what was told."""
    old = delivery.created_at < now - TOO_OLD
    if delivery.what == Delivery.DIGEST:
        wanted = Q(alert__cleared_at=None, alert__isnull=False) | Q(what=Delivery.CLEARED)
        return old and not delivery.parts.filter(wanted).exists()
    if delivery.alert is None:
        return old
    if delivery.alert.cleared_at is None or (delivery.what == Delivery.CLEARED and delivery.alert_id in heard):
        return False
    return bool(delivery.alert.silent) or old


# --- what is muted --------------------------------------------------------------------------------------------------
def without_what_is_muted(waiting: list[Delivery], now: datetime) -> list[Delivery]:
    """What is over says itself no more whether it is muted: mutes and maintenance are asked."""
    over = [one for one in waiting if one.alert is not None and one.alert.cleared_at is not None]
    silences = Silences.at(now) if over else None

    def is_muted(delivery: Delivery) -> bool:
        alert: Alert | None = delivery.alert
        if alert is None:
            return False
        return bool(silences.of(alert) if silences and alert.cleared_at else alert.silent)

    held = [delivery for delivery in waiting if is_muted(delivery)]
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in held]).update(next_try_at=now + HELD)
    return [delivery for delivery in waiting if delivery not in held]


def drop(deliveries: list[Delivery], words: str, now: datetime) -> None:
    if deliveries:
        mine = Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries], state=Delivery.PENDING)
        mine.update(state=Delivery.DROPPED, words=words, ended_at=now)


def still_wrong() -> QuerySet[Delivery]:
    """Openings of alerts that are not over, and digests that hold one: told as long as it takes, and remembered."""
    openings = Delivery.objects.filter(what=Delivery.OPENED, alert__isnull=False, alert__cleared_at=None)
    own = openings.filter(pk=OuterRef("pk"))
    return Delivery.objects.filter(Exists(own) | Exists(openings.filter(part_of=OuterRef("pk"))))
