"""Which relay listens to which bot. Bots are shared evenly among the relays that live; the bots of one that died are
taken over when its leases run out, and not before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from bots.models import Bot, PollTurn, RelayLease, RelayProcess
from bots.models.prepared import Prepared

LEASE_SECONDS = 8.0
RENEW_SECONDS = 2.0
# A holder that could not renew for so long hangs up: earlier than anybody else may take its bots.
HANG_UP_SECONDS = LEASE_SECONDS - 2.0
SPEAKS = '"websocket"'  # the capability, as it stands in JSON
FORGOTTEN_AFTER = timedelta(days=1)

Stamp = tuple[str, ...]  # the slug, and all that a line depends on: another stamp is another connection


@dataclass(frozen=True)
class Shared:
    """What a relay is to listen to now, and what it has to give up: hang up first, then `release`."""

    mine: Mapping[int, Stamp] = field(default_factory=dict)  # by bot
    give_up: frozenset[int] = frozenset()
    taken: frozenset[int] = frozenset()  # of mine, just now: nothing is said of them yet


def keep(name: str, now: datetime | None = None) -> Shared:
    """Give a sign of life, which renews all that is held; take what is free up to a fair share. Called every
    RENEW_SECONDS by the relay `name`."""
    wanted = speaking()
    with transaction.atomic():
        # Looking and waiting took their time: by an older moment relays that live would have signs of a wrong clock.
        now = now or timezone.now()
        sign_of_life(name, now)
        share = fair_share(len(wanted), now)
        held = set(RelayLease.objects.filter(holder=name).values_list("bot", flat=True))
        kept = sorted(held & wanted.keys())
        taken = take(name, wanted.keys() - held, share - len(kept), now) if share > len(kept) else set()
    mine = {bot_id: wanted[bot_id] for bot_id in [*kept[:share], *taken]}
    return Shared(mine, frozenset(held - mine.keys()), frozenset(taken))


SPEAKING = Prepared(
    lambda: (
        Bot.objects.polled()
        .exclude(turn__in=PollTurn.objects.exclude(held=""))
        .select_related(None)
        .values_list("pk", "slug", "connection", "sealed", "status__version", "status__capabilities")
    )
)


def speaking() -> dict[int, Stamp]:
    """Bots that say things by themselves and are asked at all."""
    # JSON columns as the database spells them: nothing is taken out of them, and every bot is looked at every 2 s
    return {pk: tuple(parts) for pk, *parts, capabilities in SPEAKING.rows() if SPEAKS in (capabilities or "")}


def sign_of_life(name: str, now: datetime) -> None:
    """From here to the end of the transaction nobody takes what we hold."""
    if not RelayProcess.objects.filter(name=name).update(seen_at=now):
        let_go(RelayLease.objects.filter(holder=name))  # we were forgotten, and others do not ask after us
        RelayProcess.objects.create(name=name, seen_at=now)


def lease_time() -> timedelta:
    return timedelta(seconds=LEASE_SECONDS)


def fair_share(bots: int, now: datetime) -> int:
    alive = RelayProcess.objects.exclude(silent(now)).count()
    return -(-bots // max(alive, 1))


def silent(now: datetime) -> Q:
    """Relays without a sign of life within their lease time, or with one that no clock of today can have given: the
    clock was set back."""
    return Q(seen_at__lte=now - lease_time()) | Q(seen_at__gt=now + 3 * lease_time())


def take(name: str, wanted: Iterable[int], most: int, now: datetime) -> set[int]:
    """At most so many of these that nobody holds. Claimed by conditional UPDATE: two relays never get the same."""
    listed = sorted(wanted)
    known = set(RelayLease.objects.filter(pk__in=listed).values_list("pk", flat=True))
    missing = [RelayLease(bot_id=bot_id) for bot_id in listed if bot_id not in known]
    RelayLease.objects.bulk_create(missing, ignore_conflicts=True)
    free = RelayLease.objects.filter(holder__in=["", *gone(name, now)])
    chosen = list(free.filter(pk__in=listed).order_by("pk").values_list("pk", flat=True)[:most])
    free.filter(pk__in=chosen).update(
        holder=name, fence=F("fence") + 1, connected_since=None, error_code="", last_error=""
    )
    ours = RelayLease.objects.filter(pk__in=chosen, holder=name)
    return set(ours.values_list("pk", flat=True))


def gone(name: str, now: datetime) -> set[str]:
    """Holders that gave no sign of life within their lease time, and cannot give one before we are done: one that is
    just giving it is passed over. The holders are looked up first, for whoever holds has told us of himself before."""
    holders = set(RelayLease.objects.exclude(holder__in=["", name]).values_list("holder", flat=True).distinct())
    known = set(RelayProcess.objects.values_list("name", flat=True))
    locked = RelayProcess.objects.filter(silent(now)).exclude(name=name).select_for_update(skip_locked=True)
    return (holders - known) | set(locked.values_list("name", flat=True))


def release(name: str, bots: Iterable[int]) -> None:
    """The line is closed: somebody else may listen."""
    let_go(RelayLease.objects.filter(holder=name, pk__in=list(bots)))


def leave(name: str, now: datetime) -> None:
    """The relay ends in order."""
    let_go(RelayLease.objects.filter(holder=name))
    # Who holds something is not forgotten, whatever this process's clock says of it.
    holders = RelayLease.objects.exclude(holder="").values("holder")
    forgotten = Q(seen_at__lt=now - FORGOTTEN_AFTER) & ~Q(name__in=holders)
    RelayProcess.objects.filter(Q(name=name) | forgotten).delete()


def begin_alone() -> None:
    """The only process that listens begins: who held a lease is gone."""
    let_go(RelayLease.objects.exclude(holder=""))
    RelayProcess.objects.all().delete()


def let_go(leases: QuerySet[RelayLease]) -> None:
    leases.update(holder="", connected_since=None)
