"""How this portal's processes come back to Redis when it was away."""

from typing import Any

from celery.app.amqp import AMQP
from kombu import Connection


class SoonBack(Connection):
    """Tries again after 0.5, 1, 1.5 and then every 2 s.

    Celery (5.7) leaves that to kombu, which waits 2, 4, 6 ... 30 s: workers would be back half a minute after Redis."""

    def _ensure_connection(
        self,
        errback: Any = None,
        max_retries: int | None = None,
        interval_start: float = 0.5,
        interval_step: float = 0.5,
        interval_max: float = 2.0,
        *more: Any,
        **told: Any,
    ) -> Any:
        pauses = interval_start, interval_step, interval_max
        return super()._ensure_connection(errback, max_retries, *pauses, *more, **told)


class Broker(AMQP):
    Connection = SoonBack
