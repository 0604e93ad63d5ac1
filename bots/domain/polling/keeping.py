"""Leases are short: a dead worker's bots are soon asked again. That of a slow poll is renewed while it lasts."""

import logging
import threading
import time

from django.db import DatabaseError, connection

from bots.domain.polling.schedule import RENEW_SECONDS, Claim, release, renew
from bots.models.long_threads import look_after_connection

log = logging.getLogger(__name__)


class Keeper:
    """Knows the polls under way in this process. A thread of its own: neither the loop nor the writer waits for it."""

    def __init__(self) -> None:
        self.held: dict[int, tuple[int, float]] = {}  # bot -> fence, monotonic time of its beginning
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, name="bot-leases", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def took(self, claim: Claim) -> None:
        self.held[claim.bot_id] = (claim.fence, time.monotonic())

    def ended(self, claim: Claim) -> None:
        if self.held.get(claim.bot_id, (None,))[0] == claim.fence:
            del self.held[claim.bot_id]

    def claims(self, older_than: float) -> list[Claim]:
        """Seconds. A copy: the loop goes on taking and ending."""
        now = time.monotonic()
        return [Claim(bot, fence) for bot, (fence, since) in dict(self.held).items() if now - since >= older_than]

    def run(self) -> None:
        while not self.stopping.wait(RENEW_SECONDS):
            look_after_connection()
            try:
                renew(self.claims(RENEW_SECONDS))
            except DatabaseError as failure:
                log.warning("leases cannot be renewed, others may ask the same bots: %s", failure)
                connection.close()
        self.give_back()

    def give_back(self) -> None:
        """This process ends in peace: the others need not wait for the leases to run out."""
        try:
            release(self.claims(0))
        except DatabaseError as failure:
            log.warning("leases cannot be given back, they run out: %s", failure)
        finally:
            connection.close()

    def stop(self, seconds: float) -> None:
        self.stopping.set()
        self.thread.join(seconds)
