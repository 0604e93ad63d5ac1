"""When the timetable's entries are sent."""

from typing import Any

from celery.beat import Scheduler

from bots.tasks import sign_of_life


class Clock(Scheduler):
    """Celery's own, but it wakes when an entry is due. Celery (5.7) wakes 10 ms before, and until the entry is due asks
    again and again without sleeping: with an entry a second one to two percent of a core, for nothing."""

    def adjust(self, n: float | None, drift: float = 0.0) -> float | None:
        return n

    def tick(self, *args: Any, **options: Any) -> float:
        pause: float = super().tick(*args, **options)
        sign_of_life()
        return pause
