"""Which relay listens to which bot. Bots are shared evenly among the relays that live; the bots of one that died are
taken over when its leases run out, and not before."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from bots.models import Bot, PollTurn, RelayLease, RelayProcess
from bots.models.rows import tuples_of

LEASE_SECONDS = 8.0
RENEW_SECONDS = 2.0
# A holder that could not renew for so long hangs up: earlier than anybody else may take its bots.
HANG_UP_SECONDS = LEASE_SECONDS - 2.0
SPEAKS = '"websocket"'  # the capability, as it stands in JSON
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Shared:
    """What a relay is to listen to now, and what it has to give up: hang up first, then `release`."""

    mine: Mapping[int, str] = field(default_factory=dict)  # bot -> stamp; another stamp is another connection
    give_up: frozenset[int] = frozenset()


def keep(name: str, now: datetime) -> Shared:
    """Renew what is held, take what is free up to a fair share. Called every RENEW_SECONDS by the relay `name`."""
    until = now + timedelta(seconds=LEASE_SECONDS)
    wanted = speaking()
    with transaction.atomic():
        RelayProcess.objects.update_or_create(name=name, defaults={"seen_at": now})
        share = fair_share(len(wanted), now)
        held = set(held_by(name, now).values_list("bot", flat=True))
        held_by(name, now).update(leased_until=until)
        kept = sorted(held & wanted.keys())
        free = take(name, wanted.keys() - held, share - len(kept), until, now) if share > len(kept) else set()
    mine = {bot_id: wanted[bot_id] for bot_id in [*kept[:share], *free]}
    return Shared(mine, frozenset(held - mine.keys()))


def speaking() -> dict[int, str]:
    """Bots that say things by themselves and are asked at all -> a stamp of their connection."""
    bots = Bot.objects.polled().exclude(turn__in=PollTurn.objects.exclude(held="")).select_related(None)
    found = bots.values_list("pk", "connection", "sealed", "status__version", "status__capabilities")
    # JSON columns as the database spells them: nothing is taken out of them, and every bot is looked at every 2 s
    return {pk: stamp_of(*parts) for pk, *parts, capabilities in tuples_of(found) if SPEAKS in (capabilities or "")}


def stamp_of(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


def fair_share(bots: int, now: datetime) -> int:
    alive = RelayProcess.objects.filter(seen_at__gt=now - timedelta(seconds=LEASE_SECONDS)).count()
    return -(-bots // max(alive, 1))


def held_by(name: str, now: datetime) -> QuerySet[RelayLease]:
    return RelayLease.objects.filter(holder=name, leased_until__gt=now)


def take(name: str, wanted: Iterable[int], most: int, until: datetime, now: datetime) -> set[int]:
    """At most so many of these that nobody holds. Claimed by conditional UPDATE: two relays never get the same."""
    listed = sorted(wanted)
    known = set(RelayLease.objects.filter(pk__in=listed).values_list("pk", flat=True))
    missing = [RelayLease(bot_id=bot_id) for bot_id in listed if bot_id not in known]
    RelayLease.objects.bulk_create(missing, ignore_conflicts=True)
    chosen = list(free(now).filter(pk__in=listed).order_by("pk").values_list("pk", flat=True)[:most])
    free(now).filter(pk__in=chosen).update(
        holder=name, leased_until=until, fence=F("fence") + 1, connected_since=None, error_code="", last_error=""
    )
    ours = RelayLease.objects.filter(pk__in=chosen, holder=name, leased_until=until)
    return set(ours.values_list("pk", flat=True))


def free(now: datetime) -> QuerySet[RelayLease]:
    # A lease no clock of today can have given: the clock was set back.
    impossible = Q(leased_until__gt=now + timedelta(seconds=3 * LEASE_SECONDS))
    return RelayLease.objects.filter(Q(holder="") | Q(leased_until=None) | Q(leased_until__lte=now) | impossible)


def release(name: str, bots: Iterable[int]) -> None:
    """The line is closed: somebody else may listen."""
    RelayLease.objects.filter(holder=name, pk__in=list(bots)).update(holder="", leased_until=None, connected_since=None)


def leave(name: str, now: datetime) -> None:
    """The relay ends in order."""
    RelayLease.objects.filter(holder=name).update(holder="", leased_until=None, connected_since=None)
    RelayProcess.objects.filter(Q(name=name) | Q(seen_at__lt=now - FORGOTTEN_AFTER)).delete()


def begin_alone() -> None:
    """The only process that listens begins: who held a lease is gone."""
    RelayLease.objects.exclude(holder="").update(holder="", leased_until=None, connected_since=None)
    RelayProcess.objects.all().delete()
