"""When the timetable's entries are sent."""

import logging
import time
from typing import Any

from celery.beat import Scheduler, SchedulingError
from kombu.exceptions import OperationalError

from bots.tasks import sign_of_life

log = logging.getLogger(__name__)

TOLD_EVERY = 60.0  # seconds between two lines about a broker that is away


class Clock(Scheduler):
    """Celery's own, but it wakes when an entry is due. Celery (5.7) wakes 10 ms before, and until the entry is due asks
    again and again without sleeping: with an entry a second one to two percent of a core, for nothing."""

    lost_at: float | None = None  # since when the broker takes nothing; seconds of the machine's own clock
    told_at = 0.0

    def adjust(self, n: float | None, drift: float = 0.0) -> float | None:
        return n

    def tick(self, *args: Any, **options: Any) -> float:
        pause: float = super().tick(*args, **options)
        sign_of_life()
        return pause

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send it. A broker that is away is told of once a minute: Celery tells of each entry, with where it was called
        from, which is some 250 lines a second until Redis is back."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as problem:
            if isinstance(problem.__context__, OperationalError):
                self.broker_refused(problem)
            else:
                log.exception("%s cannot be sent", entry.name)
        else:
            self.broker_took()

    def broker_refused(self, problem: SchedulingError) -> None:
        now = time.monotonic()
        if self.lost_at is None:
            self.lost_at = now
        elif now < self.told_at + TOLD_EVERY:
            return
        self.told_at = now
        log.error("the broker takes no tasks, for %.0f s now: %s", now - self.lost_at, problem)

    def broker_took(self) -> None:
        if self.lost_at is not None:
            log.warning("the broker takes tasks again, after %.0f s", time.monotonic() - self.lost_at)
            self.lost_at = None
