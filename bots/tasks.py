"""Celery's entrance: each task fetches by id and calls one function of the domain."""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from celery import shared_task
from celery.signals import worker_init, worker_process_shutdown, worker_shutdown
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerFailure

from accounts import forgetting
from accounts.announcements import Announcement
from bots.domain import alerts, commands, connection_tests, rollups, safety
from bots.domain.alerts import delivering
from bots.domain.alerts.evaluating import evaluate
from bots.domain.close_days import close_days_anew
from bots.domain.events import listing
from bots.domain.polling import engine, readings, schedule
from bots.domain.polling.schedule import Claim
from bots.domain.relaying import leases
from bots.domain.relaying.relay import RelayThread
from bots.models.command import CONFIRMED_FOR
from bots.models.sealing import require_private_key

log = logging.getLogger(__name__)

EARLY_AT_ONCE = 250  # bots
TRYING = threading.BoundedSemaphore(max(settings.CELERY_WORKER_CONCURRENCY // 2, 1))
# Nobody who asks for a command waits for a broker that hangs.
CARRYING = ThreadPoolExecutor(1, thread_name_prefix="hand-over")


def begin_alone() -> None:
    """The all-in-one process starts: nobody else polls."""
    schedule.release_all()
    look_whether_restored()
    commands.begin_alone()
    leases.begin_alone()


def listener() -> RelayThread:
    """The relay of the all-in-one process; not started yet."""
    return RelayThread(poll_soon)


def sign_of_life() -> None:
    """The clock's, or a relay's. Raises OSError where the file cannot be made."""
    if settings.PORTAL_SIGN_OF_LIFE:
        Path(settings.PORTAL_SIGN_OF_LIFE).touch()


def look_whether_restored(**kwargs: object) -> None:
    """Before this process takes its first task: what a restored database still has to send must not leave. Where it
    fails, nothing is sent until it was made."""
    safety.first_look.make()


@shared_task
def tick() -> None:
    """Hand every due bot to a worker, in shards; of more than a worker has room for, those that have waited longest."""
    if room := engine.room():
        hand_out(schedule.claim_due(most=room))


def poll_soon(bots: Sequence[int]) -> None:
    """The relay heard of something new: these bots are due before the next tick. If it is lost, the tick finds them,
    and so it does when they are too many at once, as after a restart, or this process is behind with all bots."""
    if len(bots) > EARLY_AT_ONCE or engine.is_behind():
        return
    claims = schedule.claim_due(only=bots)
    try:
        hand_out(claims)
    except BrokerFailure as failure:
        schedule.give_back(claims)
        log.warning("%d early polls wait for the tick: %s", len(bots), failure)


def hand_out(claims: Sequence[Claim]) -> None:
    size = settings.PORTAL_SHARD_SIZE
    for start in range(0, len(claims), size):
        shard = [[claim.bot_id, claim.fence] for claim in claims[start : start + size]]
        try:
            poll_shard.apply_async([shard], expires=schedule.LEASE_SECONDS)
        except BrokerFailure as failure:
            log.warning("%d polls wait for the next tick: the broker does not take them (%s)", len(claims), failure)
            schedule.release(claims[start:])
            return


@shared_task
def poll_shard(claims: list[list[int]]) -> None:
    """Begin the polls of a shard; returns at once, the engine writes the results. A worker with all hands full leaves
    them to the next tick, which may be another's."""
    shard = [Claim(bot_id, fence) for bot_id, fence in claims]
    if len(shard) <= engine.room():
        engine.engine().ask(shard)
    else:
        schedule.release(shard)


@shared_task
def send_commands(ids: list[int]) -> None:
    """Returns at once: the outbox of this process claims each that may still be sent, and sends it once."""
    commands.outbox().submit(ids)


@shared_task
def look_at_commands(ids: list[int]) -> None:
    """Read the bots of commands that are unknown or followed; returns at once."""
    commands.outbox().look(ids)


@shared_task
def sweep_commands() -> None:
    """Every second: expire, announce again, give up waiting for answers, look again."""
    swept = commands.sweep()
    hand_over(swept.to_send)
    if swept.to_look_at:
        look_at_commands.apply_async([swept.to_look_at], expires=30)
    commands.check_batches()


def hand_over(ids: Sequence[int]) -> None:
    """To the workers, at once. The message carries only ids; one that gets lost is sent again by the tick."""
    if not ids:
        return
    if settings.EMBEDDED:
        publish(ids)
    else:
        CARRYING.submit(publish, ids)


def publish(ids: Sequence[int]) -> None:
    try:
        send_commands.apply_async([list(ids)], expires=CONFIRMED_FOR.total_seconds())
    except BrokerFailure as failure:
        log.warning("commands %s wait for the tick: the broker does not take them (%s)", list(ids), failure)


@shared_task
def test_connection(uuid: str) -> None:
    """Try a connection somebody typed; the outcome is in its row. It holds its thread until the bot answered: at most
    half of them do, so that commands find one at once."""
    if not TRYING.acquire(blocking=False):
        test_connection.apply_async([uuid], countdown=1)
        return
    try:
        bots = engine.engine()
        connection_tests.run_test(UUID(uuid), lambda: bots.door, lambda trying: bots.call(trying).result())
    finally:
        TRYING.release()


@shared_task
def days_anew(team_id: int) -> None:
    """A team's days begin elsewhere."""
    close_days_anew(team_id)


def team_changed(sender: object, announcement: Announcement, **kwargs: object) -> None:
    """Receiver of accounts' announcement."""
    if "time_zone" in announcement.details:
        transaction.on_commit(lambda: put_days_anew(announcement.team_id), robust=True)


def put_days_anew(team_id: int | None) -> None:
    """Twice: a poll under way at this moment may still write by the zone before."""
    days_anew.delay(team_id)
    days_anew.apply_async([team_id], countdown=2 * schedule.LONGEST_POLL_SECONDS)


@shared_task
def deliver_alerts() -> None:
    """Every two seconds: the postman of this process carries what is due; returns at once."""
    delivering.carry_due()


@shared_task
def anchor_audit() -> None:
    safety.anchor_or_fall_silent()


@shared_task
def evaluate_alerts() -> None:
    """Once a minute, whoever is first."""
    evaluate()


@shared_task
def tidy() -> None:
    """Once an hour: what has had its time goes."""
    readings.thin(timezone.now())
    listing.forget_old(timezone.now())
    alerts.forget_old(timezone.now())
    delivering.forget_old(timezone.now(), settings.PORTAL_EVENT_DAYS)
    forgetting.forget_old()
    connection_tests.forget_old_tests()
    if rollups.due(timezone.now()):
        rollups.mend_all(timezone.now())


@worker_init.connect
def refuse_without_key(**kwargs: object) -> None:
    try:
        require_private_key()
    except ImproperlyConfigured as problem:
        # Celery only logs what a receiver raises, and goes on.
        raise SystemExit(f"ImproperlyConfigured: {problem}") from None


worker_init.connect(look_whether_restored)


@worker_shutdown.connect
@worker_process_shutdown.connect
def stop(**kwargs: object) -> None:
    delivering.stop_postman()
    commands.stop_outbox()
    engine.stop_engine()
