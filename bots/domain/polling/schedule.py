"""The due-table: which bots are due, who owns them while they are asked, when they are due again."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from bots.models import Bot, PollTurn
from bots.models.prepared import Given, GivenKeys, Prepared, PreparedUpdate
from bots.models.rows import update_rows
from bots.systems.contract import Kind
from bots.systems.errors import BotError, Busy, NeedsAPerson

# Longer than the way to a worker; renewed while a poll lasts. Then somebody else may ask the bot.
LEASE_SECONDS = 10.0
RENEW_SECONDS = 3.0
# Longer than any poll's own limit: by hand, where nobody renews.
LONGEST_POLL_SECONDS = 120.0
MOST_AT_ONCE = 3000
# Claims that are renewed in one transaction. On SQLite whoever else wants to write waits some tenths of a second for
# its turn; with many small ones the leases of thousands of bots ran out before they were renewed.
CLAIMS_AT_ONCE = 5000
LIMIT_STEP = 500  # of claims asked for: so few statements are built, and few turns locked that are not taken
LONGEST_BACK_OFF = 300.0
PATIENT_TRIES = 3
JITTER = 0.1
LONGEST_PLAN = timedelta(hours=30)  # nothing is planned further ahead: such a turn was written by a wrong clock
# A bot that is asked again only later than this rests, or is backed away from.
LONGEST_PATIENCE = timedelta(seconds=15)
# A kind that is nearly due is asked along with one that is.
TOGETHER = 0.2


@dataclass(frozen=True)
class Claim:
    """The right to poll one bot: worth something while the fencing number is still the turn's."""

    bot_id: int
    fence: int


def due_at_given_moment() -> "QuerySet[PollTurn]":
    """Who is due and not owned."""
    free = Q(leased_until=None) | Q(leased_until__lt=Given("now")) | Q(leased_until__gt=Given("impossible"))
    come = Q(next_poll_at__lte=Given("now")) | Q(next_poll_at__gt=Given("unplanned"))
    due = PollTurn.objects.filter(free, come, held="", bot__enabled=True, bot__retired_at=None)
    return due.order_by("next_poll_at").select_for_update(skip_locked=True, of=("self",))


THESE = Q(pk__in=GivenKeys("bots"))
DUE_OF_THESE = Prepared(lambda: due_at_given_moment().filter(THESE).values_list("pk", "fence")[:MOST_AT_ONCE])
LEASE = PreparedUpdate(lambda: PollTurn.objects.filter(THESE), leased_until=Given("lease"), fence=F("fence") + 1)
LONGER = PreparedUpdate(lambda: PollTurn.objects.filter(THESE), leased_until=Given("lease"))
ENDED = PreparedUpdate(lambda: PollTurn.objects.filter(THESE), leased_until=None, fence=F("fence") + 1)


@cache
def due_up_to(limit: int) -> Prepared:
    return Prepared(lambda: due_at_given_moment().values_list("pk", "fence")[:limit])


def claim_due(now: datetime | None = None, only: Iterable[int] | None = None, most: int = MOST_AT_ONCE) -> list[Claim]:
    """Take the bots that are due and not owned, those first that have waited longest. Two ticks at once share the bots,
    none is taken twice."""
    now = now or timezone.now()
    moments = {
        "now": now,
        # A lease no clock of today can have given: the clock was set back.
        "impossible": now + timedelta(seconds=2 * LONGEST_POLL_SECONDS),
        "unplanned": now + LONGEST_PLAN,
    }
    with transaction.atomic():
        if only is not None:
            return take(DUE_OF_THESE.rows(**moments, bots=list(only)), now)
        due = due_up_to(-(-most // LIMIT_STEP) * LIMIT_STEP)
        return take(due.rows(**moments)[:most], now)


def claim_one(bot: Bot, now: datetime | None = None) -> Claim:
    """Take this bot whatever its turn says: for a poll by hand. A poll under way loses its right."""
    with transaction.atomic():
        turn, _ = PollTurn.objects.select_for_update().get_or_create(bot=bot)
        return take([(turn.pk, turn.fence)], now or timezone.now(), LONGEST_POLL_SECONDS)[0]


def give_back(claims: Iterable[Claim]) -> None:
    """They were taken and handed to nobody."""
    for claim in claims:
        PollTurn.objects.filter(pk=claim.bot_id, fence=claim.fence).update(leased_until=None)


def take(turns: Iterable[tuple[int, int]], now: datetime, seconds: float = LEASE_SECONDS) -> list[Claim]:
    """`turns`: (bot, fencing number) of locked ones."""
    claims = [Claim(bot, fence + 1) for bot, fence in turns]
    lease = now + timedelta(seconds=seconds)
    for portion in batched(claims, CLAIMS_AT_ONCE):
        LEASE.run(bots=[claim.bot_id for claim in portion], lease=lease)
    return claims


def renew(claims: Sequence[Claim]) -> None:
    """Those that still hold are held for another LEASE_SECONDS. A turn that is being written needs it no more."""
    lease = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    for portion in batched(claims, CLAIMS_AT_ONCE):
        with transaction.atomic():
            LONGER.run(bots=held_by(portion, HELD_AND_FREE), lease=lease)


def release(claims: Sequence[Claim]) -> None:
    """Nobody will ask these bots by these claims: they are due again at once."""
    for portion in batched(claims, CLAIMS_AT_ONCE):
        with transaction.atomic():
            ENDED.run(bots=held_by(portion, HELD))


def leased_of_these(*, skip_locked: bool) -> "QuerySet[PollTurn, tuple[int, int]]":
    """In the order in which everybody locks them."""
    turns = PollTurn.objects.filter(THESE).exclude(leased_until=None).order_by("pk")
    return turns.select_for_update(skip_locked=skip_locked, of=("self",)).values_list("pk", "fence")


HELD = Prepared(lambda: leased_of_these(skip_locked=False))
HELD_AND_FREE = Prepared(lambda: leased_of_these(skip_locked=True))


def held_by(claims: Sequence[Claim], turns: Prepared) -> list[int]:
    """The bots of the claims that still hold. A turn that was written meanwhile, or taken by somebody else, is not
    among them."""
    fences = {claim.bot_id: claim.fence for claim in claims}
    return [bot for bot, fence in turns.rows(bots=list(fences)) if fence == fences[bot]]


def batched(claims: Sequence[Claim], size: int) -> Iterator[Sequence[Claim]]:
    return (claims[start : start + size] for start in range(0, len(claims), size))


def wake(bots: Iterable[int], *, again: bool = False) -> None:
    """Make bots due now with every kind. `again`: the connection was changed, so a held bot is asked again and what a
    poll under way brings from the old address is not written."""
    with transaction.atomic():
        turns = PollTurn.objects.filter(pk__in=list(locked(bots).values_list("pk", flat=True)))
        turns.update(next_poll_at=timezone.now(), due={})
        if again:
            turns.update(held="", leased_until=None, fence=F("fence") + 1)


def hasten(wanted: Mapping[int, frozenset[Kind]], now: datetime, *, patiently: bool) -> None:
    """Make these kinds of these bots due now: what was read of them is known to be old. Inside the caller's
    transaction, which from now on holds the turns. `patiently`: not of a bot that rests or is backed away from."""
    turns = list(locked(wanted))
    for turn in turns:
        turn.due = {kind: at for kind, at in turn.due.items() if kind not in wanted[turn.pk]}
        if not patiently or turn.next_poll_at <= now + LONGEST_PATIENCE:
            turn.next_poll_at = min(turn.next_poll_at, now)
    update_rows(turns, ["due", "next_poll_at"])


def locked(bots: Iterable[int] | GivenKeys) -> QuerySet[PollTurn]:
    """In the order in which everybody locks them."""
    these = bots if isinstance(bots, GivenKeys) else list(bots)
    return PollTurn.objects.filter(pk__in=these).order_by("pk").select_for_update(of=("self",))


def release_all() -> None:
    """The only process that polls begins: who held a lease is gone, and what it still had is void."""
    PollTurn.objects.exclude(leased_until=None).update(leased_until=None, fence=F("fence") + 1)


def due_kinds(due: Mapping[str, float], plan: Mapping[Kind, float], now: datetime) -> frozenset[Kind]:
    """`due`: kind -> epoch seconds. A kind never read is due."""
    moment = now.timestamp()
    waits = {kind: due.get(kind, 0.0) - moment for kind in plan}
    # further ahead than its interval can put it: the clock was set back
    return frozenset(kind for kind, every in plan.items() if not every * TOGETHER < waits[kind] <= every * 1.5)


def next_due(
    due: Mapping[str, float], asked: Iterable[Kind], plan: Mapping[Kind, float], now: datetime
) -> dict[str, float]:
    """When each kind is due next. Jitter spreads bots that once began together."""
    moment = now.timestamp()
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  not a secret
    fresh = {str(kind): round(moment + plan[kind] * spread, 3) for kind in asked if kind in plan}
    planned = due if due.keys() <= plan.keys() else {kind: at for kind, at in due.items() if kind in plan}
    return {**planned, **fresh}


def back_off(failures: int, every: float, error: BotError) -> float:
    """Seconds until the next try after so many failures in a row: the first three soon, since most bots that are gone
    are only restarting; then doubling to 5 minutes; never before Retry-After."""
    doubled = every * 2 ** min(max(failures - PATIENT_TRIES, 0), 10)
    if isinstance(error, NeedsAPerson):
        doubled = max(doubled, every * 3)
    longest = max(LONGEST_BACK_OFF * settings.PORTAL_POLL_PACE, every)
    wait = min(doubled, longest) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    asked_for = error.retry_after if isinstance(error, Busy) and error.retry_after else 0.0
    return max(wait, min(asked_for, 3600.0))
