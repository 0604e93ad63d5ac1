"""One poll of one bot, here and now, from the claim to the tables: the command `poll_bot`, and tests."""

import asyncio
from datetime import datetime

from django.utils import timezone

from bots.domain.polling.asking import PollResult
from bots.domain.polling.engine import Sessions, converse
from bots.domain.polling.orders import PollOrder, orders_for
from bots.domain.polling.schedule import claim_one
from bots.domain.polling.writing import write
from bots.models import Bot
from bots.models.doors import open_door
from bots.systems.contract import Kind


def poll_now(bot: Bot, kinds: frozenset[Kind] | None = None, now: datetime | None = None) -> PollResult:
    """Ask for every kind (or those given) and write what came. The result's `error` says why nothing came."""
    claim = claim_one(bot, now)
    order = orders_for([claim], now or timezone.now(), kinds or frozenset(Kind))[0]
    result = asyncio.run(conversation(order))
    write([result], now or timezone.now())
    return result


async def conversation(order: PollOrder) -> PollResult:
    door = open_door()
    try:
        return await converse(order, door, Sessions())
    finally:
        await door.aclose()
