"""What is to be told next at a destination, and what became of it. Every step is one conditional UPDATE.

claim (PENDING -> CLAIMED) -> begin (`begun_at`: from here on it may have arrived) -> send -> record. A worker that died
before `begin` has sent nothing: its claim is taken back. One that died after it may have: it is sent once more and
never again. So an alert reaches a destination at least once where that is possible at all, and at most twice.
"""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from bots.domain.alerts.delivering.outcome import AGAIN, TAKEN, UNSURE, Outcome
from bots.domain.alerts.delivering.worth import HELD, counts_of, still_wrong, worth_telling
from bots.models import Delivery, Destination

AN_HOUR = timedelta(hours=1)
# seconds after the first try, the second ...; then what is still wrong is tried once an hour, anything else given up
PAUSES = (30.0, 120.0, 480.0, 1800.0, 3600.0)
LONGEST_PAUSE = 3600.0
MOST_UNSURE = 2
TOGETHER_FROM = 6  # so many at once come as one digest
AT_ONCE = 5000  # forgotten in one statement
CLAIM_LASTS, SEND_LASTS = timedelta(seconds=60), timedelta(seconds=180)
NEVER_BEGAN = Outcome(AGAIN, "worker_lost", "The worker ended before it was sent")
BEGAN = Outcome(UNSURE, "worker_lost", "The worker ended while it was sent")


# --- what is to be done ---------------------------------------------------------------------------------------------
def due(now: datetime) -> list[int]:
    """Destinations for which something is due."""
    waiting = Delivery.objects.filter(state=Delivery.PENDING, next_try_at__lte=now)
    return list(waiting.order_by("destination_id").values_list("destination_id", flat=True).distinct())


def take_back_lost(now: datetime) -> int:
    """Claims whose worker died; how many."""
    claimed = Delivery.objects.filter(state=Delivery.CLAIMED)
    idle = claimed.filter(begun_at=None, claimed_at__lt=now - CLAIM_LASTS)
    sending = claimed.filter(begun_at__lt=now - SEND_LASTS)
    taken = sum(record(delivery, NEVER_BEGAN, now) for delivery in idle)
    return taken + sum(record(delivery, BEGAN, now) for delivery in sending)


# --- claiming -------------------------------------------------------------------------------------------------------
@transaction.atomic
def claim_next(destination_id: int, now: datetime) -> Delivery | None:
    """The next telling, which is now ours; with destination, team, alert and bot. None: nothing may be sent now."""
    destination = Destination.objects.select_for_update(no_key=True).get(pk=destination_id)
    waiting = Delivery.objects.filter(destination=destination, state=Delivery.PENDING, next_try_at__lte=now)
    waiting = waiting.select_related("alert").order_by("id")
    tests = [delivery for delivery in waiting if delivery.what == Delivery.TEST]
    if tests:
        return claimed(tests[0], now)
    worth = worth_telling(destination, list(waiting), now)
    room = destination.most_per_hour - lately(destination, now).count()
    if not worth or room < 1:
        put_off(destination, worth, now)
        return None
    alone = [delivery for delivery in worth if delivery.unsure or delivery.what == Delivery.DIGEST]
    many = [delivery for delivery in worth if delivery not in alone]
    if len(many) >= TOGETHER_FROM or (len(many) > 1 and room == 1):
        return claimed(digest_of(destination, many, now), now)
    return claimed(worth[0], now)


def lately(destination: Destination, now: datetime) -> QuerySet[Delivery]:
    """What was, or is about to be, sent there within the hour; tests are counted by themselves."""
    sent = Q(begun_at__gt=now - AN_HOUR) | Q(state=Delivery.CLAIMED)
    return Delivery.objects.filter(sent, destination=destination).exclude(what=Delivery.TEST)


def put_off(destination: Destination, deliveries: list[Delivery], now: datetime) -> None:
    """The hour is full: until the first of it is an hour ago."""
    if deliveries:
        begun = lately(destination, now).exclude(begun_at=None).order_by("begun_at")
        first = begun.values_list("begun_at", flat=True).first() or now
        later = Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries])
        later.update(next_try_at=max(first + AN_HOUR, now + HELD))


def digest_of(destination: Destination, parts: list[Delivery], now: datetime) -> Delivery:
    counts = counts_of(parts)
    digest = Delivery.objects.create(destination=destination, what=Delivery.DIGEST, data=counts, next_try_at=now)
    mine = Delivery.objects.filter(pk__in=[part.pk for part in parts], state=Delivery.PENDING)
    mine.update(state=Delivery.DIGESTED, part_of=digest, ended_at=now)
    return digest


def claimed(delivery: Delivery, now: datetime) -> Delivery | None:
    mine = Delivery.objects.filter(pk=delivery.pk, state=Delivery.PENDING)
    if not mine.update(state=Delivery.CLAIMED, attempts=F("attempts") + 1, claimed_at=now, begun_at=None):
        return None
    wide = Delivery.objects.select_related("destination__team", "alert__bot", "alert__team")
    return wide.get(pk=delivery.pk)


# --- sending and after ----------------------------------------------------------------------------------------------
def begin(delivery: Delivery) -> bool:
    """Committed before the first byte leaves. False: it is not ours any more."""
    delivery.begun_at = timezone.now()
    return bool(ours(delivery).filter(begun_at=None).update(begun_at=delivery.begun_at))


def record(delivery: Delivery, outcome: Outcome, now: datetime) -> bool:
    """What became of this attempt; False when it was taken from us meanwhile."""
    unsure = delivery.unsure + (outcome.verdict == UNSURE)
    facts = {"code": outcome.code, "words": in_words(outcome, unsure), "unsure": unsure}
    pause = pause_before_the_next(delivery, outcome, unsure)
    if pause is not None:
        return bool(ours(delivery).update(state=Delivery.PENDING, next_try_at=now + pause, **facts))
    state = Delivery.SENT if outcome.verdict == TAKEN else Delivery.GIVEN_UP
    return bool(ours(delivery).update(state=state, ended_at=now, took_ms=took(delivery, now), **facts))


def ours(delivery: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk=delivery.pk, state=Delivery.CLAIMED, attempts=delivery.attempts)


def pause_before_the_next(delivery: Delivery, outcome: Outcome, unsure: int) -> timedelta | None:
    """None: it ends here. Jittered, and never shorter than the other side asked for. What is still wrong is told as
    soon as somebody has mended why it could not be; only what may have arrived twice is not sent again."""
    if outcome.verdict == TAKEN or unsure >= MOST_UNSURE or delivery.what == Delivery.TEST:
        return None
    passing = outcome.verdict in (AGAIN, UNSURE) and delivery.attempts <= len(PAUSES)
    if not passing and not still_wrong().filter(pk=delivery.pk).exists():
        return None
    seconds = PAUSES[delivery.attempts - 1] if passing else LONGEST_PAUSE
    jittered = seconds * (0.8 + 0.4 * secrets.randbelow(1000) / 1000)
    return timedelta(seconds=min(max(jittered, outcome.retry_after or 0), LONGEST_PAUSE))


def in_words(outcome: Outcome, unsure: int) -> str:
    if outcome.verdict == UNSURE:
        more = "it may have arrived" if unsure < MOST_UNSURE else "it may have arrived, perhaps twice"
        return f"{outcome.words}: {more}"[:500]
    if unsure and outcome.verdict == TAKEN:
        return f"{outcome.words}; it may have arrived twice, because an earlier try had no answer"[:500]
    return outcome.words[:500]


def took(delivery: Delivery, now: datetime) -> int | None:
    return max(int((now - delivery.begun_at).total_seconds() * 1000), 0) if delivery.begun_at else None


def forget_old(now: datetime, days: float) -> int:
    """Tests and tellings that ended so long ago, in small portions; how many. Who was told of what is still wrong
    stays known: its end goes there."""
    old = Delivery.objects.filter(ended_at__lt=now - timedelta(days=days)).exclude(pk__in=still_wrong().values("pk"))
    forgotten = 0
    while ids := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        Delivery.objects.filter(pk__in=ids).delete()
        forgotten += len(ids)
    return forgotten
