"""What a rule makes of what it looks at: found, well, or not to be said at present."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum

from bots.models.money import WIDE, plain

USUAL_PLACES, MOST_PLACES = 8, 18
Figure = str | int | None


@dataclass(frozen=True, slots=True)
class Found:
    """Something is wrong. `text` goes on from the bot's name. `since`: the thing itself, not its discovery.
    `figures`: "figure", "limit", "unit", "currency", "as_of"; decimals as text. `times`, `event`: of events."""

    text: str
    since: datetime
    detail: str = ""
    subject: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    mode: str = ""
    times: int = 1
    event_id: int | None = None


class Verdict(Enum):
    WELL = "well"
    UNSURE = "unsure"  # nothing opens and nothing clears: what is needed to say it is missing, or hidden by a cause


WELL, UNSURE = Verdict.WELL, Verdict.UNSURE
Judgment = Found | Verdict


def percent(ratio: Decimal) -> str:
    """ "12.3 %", whatever the sign."""
    return f"{abs(ratio) * 100:.1f} %"


def money(amount: Decimal, currency: str, decimals: int | None) -> str:
    """ "−120.5 USDT", in the currency's decimals; in eight where what the bot said of them cannot be."""
    places = decimals if decimals is not None and 0 <= decimals <= MOST_PLACES else USUAL_PLACES
    shown = plain(amount.quantize(Decimal(1).scaleb(-places), context=WIDE))
    sign = "\N{MINUS SIGN}" if shown < 0 else ""
    return f"{sign}{abs(shown)} {currency}"
