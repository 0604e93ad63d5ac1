"""What a person may ask for now, at a bot or about a trade."""

from collections.abc import Iterable
from typing import Any

from bots.domain.commands import Offer


def written_offers(offers: Iterable[Offer]) -> list[dict[str, Any]]:
    return [
        {
            "action": offer.action,
            "name": offer.label,
            "needs_reason": offer.needs_reason,
            "params": list(offer.extras),
            "note": offer.note,
        }
        for offer in offers
    ]
