"""/livez: this process answers. /readyz: it can do its work, part by part. A stranger learns nothing else."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import F, Min, Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache

from bots.domain.relaying.standing import listening
from bots.models import Bot, Command, PollTurn

if TYPE_CHECKING:
    from redis import Redis

Answer = TypeVar("Answer")
Part = dict[str, object]

PATIENCE_SECONDS = 2.0
# A due bot that nobody took for so long: no worker consumes, or no beat ticks.
LONGEST_WAIT_SECONDS = 30.0
# A command's confirmation holds for 60 s.
LONGEST_COMMAND_WAIT_SECONDS = 20.0


class Broken(Exception):
    """A part does not do its work; says which way, without a secret."""


class Probe:
    """Runs one check at a time in a thread of its own: what hangs is answered in time, and hangs only once."""

    def __init__(self, check: Callable[[], Part]) -> None:
        self.check = check
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="readyz")
        self.running: Future[Part] | None = None

    def __call__(self) -> Part:
        if self.running is None or self.running.done():
            self.running = self.executor.submit(self.check)
        try:
            return {"ok": True, **self.running.result(PATIENCE_SECONDS)}
        except TimeoutError:
            return {"ok": False, "problem": f"no answer within {PATIENCE_SECONDS:g} s"}
        except Broken as problem:
            return {"ok": False, "problem": str(problem)}


def with_database(look: Callable[[], Part]) -> Part:
    close_old_connections()
    try:
        return look()
    except DatabaseError:
        raise Broken("the database refuses") from None
    finally:
        connection.close()


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
    """`oldest_seconds`: since the bot that was asked longest ago was asked; null when none was ever asked."""
    asked = Bot.objects.polled().filter(turn__held="").annotate(at=F("status__tried_at")).aggregate(oldest=Min("at"))
    oldest = asked["oldest"]
    return {"oldest_seconds": round((timezone.now() - oldest) / timedelta(seconds=1), 1) if oldest else None}


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


PROBES = {
    "database": Probe(partial(with_database, database)),
    "broker": Probe(broker),
    "workers": Probe(partial(with_database, workers)),
    "polls": Probe(partial(with_database, polls)),
    "commands": Probe(partial(with_database, commands)),
    "relays": Probe(partial(with_database, relays)),
}


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    parts = {name: probe() for name, probe in PROBES.items()}
    ready = all(part["ok"] for part in parts.values())
    return JsonResponse({"ready": ready, **parts}, status=200 if ready else 503)


urlpatterns = [path("livez", livez, name="livez"), path("readyz", readyz, name="readyz")]
