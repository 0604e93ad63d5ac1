"""How the listening stands, as anybody finds it in the database: whether a relay lives, and which lines stand."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from bots.domain.relaying.leases import silent, speaking
from bots.models import RelayLease, RelayProcess


@dataclass(frozen=True)
class Listening:
    """`lines`: of the bots that speak by themselves (`wanted`), how many a relay that lives is connected to."""

    alive: int
    wanted: int
    lines: int
    sign_age: float | None  # seconds since any relay's last sign of life; None: none began, or all ended in order

    @property
    def is_deaf(self) -> bool:
        """Bots speak and nobody is there who listens."""
        return bool(self.wanted) and not self.alive

    @property
    def since(self) -> str:
        return "none runs" if self.sign_age is None else f"the last sign of life is {self.sign_age:.0f} s old"


def listening(now: datetime) -> Listening:
    living = RelayProcess.objects.exclude(silent(now))
    lines = RelayLease.objects.filter(holder__in=living.values("name"), connected_since__isnull=False)
    wanted = speaking()
    connected = set(lines.values_list("pk", flat=True))
    newest = RelayProcess.objects.aggregate(at=Max("seen_at"))["at"]
    age = max((now - newest).total_seconds(), 0.0) if newest else None
    return Listening(living.count(), len(wanted), len(connected & wanted.keys()), age)
