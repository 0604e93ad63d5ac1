"""One relay: holds the websockets of its share of the bots. Several of them share all bots by leases."""

import asyncio
import signal
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bots.domain.polling.engine import raise_open_files
from bots.domain.relaying.relay import Relay
from bots.models.sealing import require_private_key
from bots.tasks import poll_soon, sign_of_life

EMBEDDED = """This is an all-in-one installation (no REDIS_URL): its one process listens to the bots itself."""


class Command(BaseCommand):
    help = "Listen to the bots' websockets: one line a bot, shared among all relays. Stops with SIGTERM."

    def handle(self, *args: object, **options: Any) -> None:
        if settings.EMBEDDED:
            raise CommandError(EMBEDDED)
        require_private_key()
        raise_open_files()
        uvloop.run(listen())


async def listen() -> None:
    relay, loop = Relay(poll_soon, alive=sign_of_life), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, relay.ending.set)
    await relay.run()
