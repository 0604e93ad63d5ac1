"""The postman of a worker process: a few threads of its own, so that no slow mail server holds up polls or commands."""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from bots.domain import safety
from bots.domain.alerts.delivering import mail, rounds, services, webhook
from bots.domain.alerts.delivering.outcome import AGAIN, REFUSED, Outcome
from bots.domain.alerts.delivering.wording import Letter, letter_of
from bots.domain.log_lines import about
from bots.models import Alert, Delivery, Destination
from bots.models.sealing import SealBroken

log = logging.getLogger(__name__)

THREADS = 4
MOST_IN_A_ROW = 10


def nothing(point: str, delivery_id: int) -> None:
    """Where a test may stand."""


class Postman:
    """`at(point, delivery id)` is called between the steps: claimed, begun, sent, recorded."""

    def __init__(self, at: Callable[[str, int], None] = nothing) -> None:
        self.at = at
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="postman")
        self.lock = threading.Lock()
        self.under_way: set[int] = set()
        self.stopping = False

    def submit(self, destinations: Iterable[int]) -> None:
        """Carry there what is due; returns at once. One round to a destination at a time."""
        with self.lock:
            fresh = [number for number in destinations if number not in self.under_way]
            self.under_way.update(fresh)
        for number in fresh:
            self.pool.submit(self.round_trip, number)

    def stop(self) -> None:
        """What is being sent is sent to its end; nothing else is begun."""
        self.stopping = True
        self.pool.shutdown(wait=False, cancel_futures=True)

    def round_trip(self, destination_id: int) -> None:
        close_old_connections()
        try:
            self.carry(destination_id)
        except DatabaseError as failure:
            log.error("alerts wait, because the database refuses: %s", failure)
        except Exception:  # the boundary of a round: one destination's surprise must not end the others
            log.exception("telling destination %s failed in our own code", destination_id)
        finally:
            connection.close()
            with self.lock:
                self.under_way.discard(destination_id)

    def carry(self, destination_id: int) -> int:
        """Send what is due there, one after the other, until something fails; how many were sent."""
        for sent in range(MOST_IN_A_ROW):
            if self.stopping or not safety.has_looked() or not safety.may_send():
                return sent
            delivery = rounds.claim_next(destination_id, timezone.now())
            if delivery is None or not self.deliver(delivery):
                return sent
        return MOST_IN_A_ROW

    def deliver(self, delivery: Delivery) -> bool:
        self.at("claimed", delivery.pk)
        outcome = self.told(delivery)
        if outcome is None:
            return False
        rounds.record(delivery, outcome, timezone.now())
        self.at("recorded", delivery.pk)
        told = (delivery.pk, delivery.destination_id, outcome.words)
        log.info("alert delivery %s to destination %s: %s", *told, extra=about_alert(delivery.alert))
        return outcome.taken

    def told(self, delivery: Delivery) -> Outcome | None:
        """None: it was taken from us, or safe mode began."""
        try:
            opened, letter = delivery.destination.opened_secrets(), letter_of(delivery)
        except SealBroken as broken:
            log.error("destination %s: this worker cannot open it: %s", delivery.destination_id, broken)
            return Outcome(AGAIN, "seal_broken", "No worker could open the destination's address (PORTAL_SECRETS_KEY)")
        if "address" not in opened:
            return Outcome(REFUSED, "no_address", "The destination has no address")
        if not safety.may_send() or not rounds.begin(delivery):
            return None
        self.at("begun", delivery.pk)
        outcome = sent(delivery.destination, opened, letter)
        self.at("sent", delivery.pk)
        return outcome


def about_alert(alert: Alert | None) -> dict[str, object] | None:
    """A digest, a test and what the portal itself is alerted of are about no bot."""
    return about(alert.bot.slug) if alert is not None and alert.bot is not None else None


def sent(destination: Destination, opened: dict[str, str], letter: Letter) -> Outcome:
    """Send it, once. Whatever happens is an outcome."""
    address = opened["address"]
    if destination.kind == Destination.MAIL:
        return mail.send(address, letter.number, letter.title, letter.text)
    if destination.kind == Destination.WEBHOOK:
        return webhook.post(address, opened.get("secret", ""), letter.number, letter.payload)
    try:
        return services.send(address, letter.title, letter.text, letter.grave)
    except services.NoSuchService as problem:
        return Outcome(REFUSED, "no_such_service", str(problem))


_postman: Postman | None = None
_lock = threading.Lock()


def postman() -> Postman:
    """The postman of this process, made by its first use."""
    global _postman  # noqa: PLW0603  one per process is the point
    with _lock:
        if _postman is None:
            _postman = Postman()
        return _postman


def stop_postman() -> None:
    global _postman  # noqa: PLW0603
    with _lock:
        if _postman is not None:
            _postman.stop()
            _postman = None
