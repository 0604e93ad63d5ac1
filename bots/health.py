"""/livez: this process answers. /readyz: it can do its work, part by part. A stranger learns nothing else."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import F, Min, Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache

from bots.domain.polling.schedule import LONGEST_POLL_SECONDS
from bots.domain.relaying.standing import listening
from bots.models import Bot, Command, PollTurn

if TYPE_CHECKING:
    from redis import Redis

Part = dict[str, object]

PATIENCE_SECONDS = 2.0
# A due bot that nobody took for so long: no worker consumes, or no beat ticks.
LONGEST_WAIT_SECONDS = 30.0
# A bot that a worker took was due before, and its poll takes a while and is then written.
LONGEST_UNWRITTEN_SECONDS = LONGEST_WAIT_SECONDS + LONGEST_POLL_SECONDS
# A command's confirmation holds for 60 s.
LONGEST_COMMAND_WAIT_SECONDS = 20.0


class Broken(Exception):
    """A part does not do its work; says which way, without a secret."""


@dataclass(frozen=True)
class Round:
    """One look at the parts; `found` fills while it lasts."""

    running: Future[None]
    found: dict[str, Part]


class Probe:
    """Looks in a thread of its own, one round at a time: what hangs is answered in time, and hangs only once."""

    def __init__(self, *names: str, look: Callable[[dict[str, Part]], None]) -> None:
        self.names, self.look = names, look
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="readyz")
        self.round: Round | None = None

    def begun(self) -> Round:
        """Of what still hangs no second one is begun."""
        last = self.round
        if last is not None and not last.running.done():
            return last
        found: dict[str, Part] = {}
        self.round = fresh = Round(self.executor.submit(self.look, found), found)
        return fresh

    def told(self, asked: Round, seconds: float) -> dict[str, Part]:
        wait([asked.running], seconds)
        silent: Part = {"ok": False, "problem": f"no answer within {PATIENCE_SECONDS:g} s"}
        return {name: asked.found.get(name, silent) for name in self.names}


def answered(look: Callable[[], Part]) -> Part:
    try:
        return {"ok": True, **look()}
    except Broken as problem:
        return {"ok": False, "problem": str(problem)}
    except DatabaseError:
        return {"ok": False, "problem": "the database refuses"}


def database() -> Part:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


def broker() -> Part:
    if settings.EMBEDDED:
        return {"kind": "in this process"}
    from redis.exceptions import RedisError  # an installation without Redis need not load it

    try:
        redis().ping()
    except (RedisError, OSError):
        raise Broken("Redis does not answer") from None
    return {"kind": "redis"}


@cache
def redis() -> "Redis":
    from redis import Redis

    return Redis.from_url(settings.REDIS_URL or "", socket_timeout=1, socket_connect_timeout=1)


def workers() -> Part:
    """`waiting_seconds`: how long the bot that is due longest waits for a worker to take it; 0 when none waits."""
    now = timezone.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    due = PollTurn.objects.filter(free, bot__in=Bot.objects.polled(), held="", next_poll_at__lt=now)
    since = due.aggregate(since=Min("next_poll_at"))["since"]
    waiting = (now - since).total_seconds() if since else 0.0
    if waiting > LONGEST_WAIT_SECONDS:
        raise Broken(f"a bot has been due for {waiting:.0f} s and no worker asks it")
    return {"waiting_seconds": round(waiting, 1)}


def polls() -> Part:
    """`oldest_seconds`: since the bot that was asked longest ago was asked; null when none was ever asked.

    A worker whose writer stands still renews its leases for ever: nobody else finds its bots due."""
    if (held := longest_held(timezone.now())) > LONGEST_UNWRITTEN_SECONDS:
        raise Broken(f"a bot has been due for {held:.0f} s, and the worker that took it writes nothing")
    asked = Bot.objects.polled().filter(turn__held="").annotate(at=F("status__tried_at")).aggregate(oldest=Min("at"))
    oldest = asked["oldest"]
    return {"oldest_seconds": round((timezone.now() - oldest) / timedelta(seconds=1), 1) if oldest else None}


def longest_held(now: datetime) -> float:
    """Seconds for which the bot has been due that waits longest of those that a worker has taken."""
    taken = PollTurn.objects.filter(bot__in=Bot.objects.polled(), held="", leased_until__gte=now)
    since = taken.aggregate(since=Min("next_poll_at"))["since"]
    return float((now - since).total_seconds()) if since else 0.0


def commands() -> Part:
    """`waiting_seconds`: how long the oldest confirmed command waits to be sent."""
    oldest = Command.objects.filter(state=Command.INTENT).aggregate(at=Min(Coalesce("approved_at", "requested_at")))[
        "at"
    ]
    waiting = max((timezone.now() - oldest).total_seconds(), 0.0) if oldest else 0.0
    if waiting > LONGEST_COMMAND_WAIT_SECONDS:
        raise Broken(f"a command has waited for {waiting:.0f} s and no worker sends it")
    return {"waiting_seconds": round(waiting, 1)}


def relays() -> Part:
    """A word, and never a reason to be unready: what no relay hears the polls find."""
    found = listening(timezone.now())
    if not found.wanted:
        return {"state": "nothing to hear"}
    return {"state": f"no relay lives: {found.since}" if found.is_deaf else "listening"}


LOOKS = {"database": database, "workers": workers, "polls": polls, "commands": commands, "relays": relays}


def look_at_database(found: dict[str, Part]) -> None:
    """One after the other over one connection; where it does not answer at all, nothing else is asked of it."""
    close_old_connections()
    try:
        for name, look in LOOKS.items():
            found[name] = answered(look) if found.get("database", {"ok": True})["ok"] else found["database"]
    finally:
        connection.close()


def look_at_broker(found: dict[str, Part]) -> None:
    found["broker"] = answered(broker)


PROBES = [Probe(*LOOKS, look=look_at_database), Probe("broker", look=look_at_broker)]
ORDER = ("database", "broker", "workers", "polls", "commands", "relays")


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Looks for no longer than PATIENCE_SECONDS, whatever hangs."""
    until = time.monotonic() + PATIENCE_SECONDS
    rounds = [(probe, probe.begun()) for probe in PROBES]
    parts: dict[str, Part] = {}
    for probe, asked in rounds:
        parts |= probe.told(asked, until - time.monotonic())
    ready = all(part["ok"] for part in parts.values())
    return JsonResponse({"ready": ready, **{name: parts[name] for name in ORDER}}, status=200 if ready else 503)


urlpatterns = [path("livez", livez, name="livez"), path("readyz", readyz, name="readyz")]
