"""A worker process as the portal runs one, with a fleet to ask: what hostile bots cost it in memory and time.

    python -m tests.hard.hostile_worker memory|ages < the fleet's line of JSON

Prints one line of JSON. Its database and keys lie in PORTAL_DATA_DIR.
"""

import json
import os
import sys
import time
from pathlib import Path

import django

ROUNDS_TO_QUIET = 4
QUIET_SECONDS = float(os.environ.get("HOSTILE_SECONDS", "45"))
WARM_SECONDS = 10.0


def memory_now(line: str) -> int:
    """KiB. VmRSS: at this moment; VmHWM: the most since `forget_peak`."""
    text = Path("/proc/self/status").read_text()
    return int(next(each for each in text.splitlines() if each.startswith(line)).split()[1])


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


class Worker:
    def __init__(self, fleet: dict) -> None:
        from django.core.management import call_command

        from accounts.models import Team
        from bots.domain.polling.engine import Engine
        from tests.hard.rows import connected

        call_command("migrate", verbosity=0)
        team = Team.objects.create(name="Alpha", slug="alpha")
        self.healthy = [connected(team, url, f"healthy {number}") for number, url in enumerate(fleet["healthy"])]
        self.hostile = {fault: connected(team, url, fault) for fault, url in fleet["hostile"].items()}
        self.engine = Engine().start()

    def poll(self, bots: list) -> float:
        """These bots now, whole, and the seconds it took until the last of them was written."""
        from django.utils import timezone

        from bots.domain.polling.orders import orders_for
        from bots.domain.polling.schedule import claim_one
        from bots.models import PollTurn
        from bots.systems.contract import Kind

        began = time.monotonic()
        now = timezone.now()
        self.engine.submit(orders_for([claim_one(bot, now) for bot in bots], now, frozenset(Kind)))
        while PollTurn.objects.filter(bot__in=[bot.pk for bot in bots]).exclude(leased_until=None).exists():
            time.sleep(0.02)
        return time.monotonic() - began

    def tick(self) -> None:
        from django.utils import timezone

        from bots.domain.polling.orders import orders_for
        from bots.domain.polling.schedule import claim_due

        if claims := claim_due():
            self.engine.submit(orders_for(claims, timezone.now()))

    def ages(self) -> list[float]:
        from django.utils import timezone

        from bots.models import BotStatus

        now = timezone.now()
        seen = BotStatus.objects.filter(bot__in=[bot.pk for bot in self.healthy]).values_list("seen_at", flat=True)
        return [(now - moment).total_seconds() for moment in seen if moment is not None]


def memory(worker: Worker) -> dict:
    """Per fault and for all at once: KiB at the peak above the quiet worker, seconds, the outcome's code."""
    from bots.models import BotStatus

    for _ in range(ROUNDS_TO_QUIET):
        worker.poll(worker.healthy)
    quiet = memory_now("VmRSS")
    told = {}
    for fault, bot in worker.hostile.items():
        forget_peak()
        seconds = worker.poll([bot])
        told[fault] = {"kib": memory_now("VmHWM") - quiet, "seconds": seconds}
        told[fault]["code"] = BotStatus.objects.get(bot=bot).error_code
    forget_peak()
    seconds = worker.poll([*worker.hostile.values(), *worker.healthy])
    told["all at once"] = {"kib": memory_now("VmHWM") - quiet, "seconds": seconds, "code": ""}
    return told


def ages(worker: Worker) -> dict:
    """Seconds: the healthy bots' ages at the 95th percentile, first alone, then with the hostile ones."""
    from bots.models import Bot

    hostile = Bot.objects.filter(pk__in=[bot.pk for bot in worker.hostile.values()])
    hostile.update(enabled=False)
    told = {}
    for name, enabled in (("alone", False), ("among hostile bots", True)):
        hostile.update(enabled=enabled)
        observed(worker, WARM_SECONDS)
        found = sorted(observed(worker, QUIET_SECONDS))
        told[name] = {
            "p50": found[len(found) // 2], "p95": found[len(found) * 95 // 100], "worst": found[-1],
            "samples": len(found),
        }  # fmt: skip
    return told


def observed(worker: Worker, seconds: float) -> list[float]:
    found, began = [], time.monotonic()
    while time.monotonic() - began < seconds:
        worker.tick()
        found += worker.ages()
        time.sleep(0.25)
    return found


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    working = Worker(json.loads(sys.stdin.readline()))
    print(json.dumps({"memory": memory, "ages": ages}[sys.argv[1]](working)), flush=True)
    os._exit(0)
