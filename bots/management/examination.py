"""What `doctor` looks at. Each look tells lines: how it is, and, where a person must act, what to do."""

import binascii
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max, Min
from django.db.models.functions import Coalesce
from django.utils import timezone
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from accounts.models import Team
from bots.domain import safety
from bots.domain.audit.anchor import AnchorContradicted, AnchorUnreadable, last_anchor, require_same_past
from bots.domain.audit.given_up import is_given_up
from bots.domain.relaying.standing import listening
from bots.domain.rollups import really_wrong
from bots.models import AuditEntry, Bot, BotStatus, Command, PollTurn
from bots.models.append_only import missing_triggers
from bots.models.sealing import SealBroken, open_sealed, seal

Level = Literal["ok", "warn", "FAIL"]
LEAST_FREE_BYTES = 1024**3
MOST_CLOCK_SECONDS = 2.0
OLD_ANCHOR = timedelta(minutes=1)
# A due bot nobody asks for so long: no worker or no beat.
LONGEST_WAIT = timedelta(seconds=60)
# A command is taken within a second, or no worker sends any.
LONGEST_COMMAND_WAIT = timedelta(seconds=20)
CONTEXT = "doctor/canary"
UNTIL_THEN = "A worker that starts here sends nothing until then"


@dataclass(frozen=True)
class Line:
    level: Level
    about: str
    sentence: str
    todo: str = ""


def examine() -> Iterator[Line]:
    """Without a database the looks that need one are left out: the one reason is told once."""
    yield from environment()
    yield from user()
    yield from mail()
    yield from metrics_door()
    yield from keys()
    yield from broker()
    yield from front_end()
    reachable = database()
    yield reachable
    if reachable.level == "FAIL":
        return
    pending = migrations()
    yield pending
    if pending.level == "FAIL":
        return
    for look in (system_checks, clock, triggers, anchor, sending, stored_secrets, polling, relays, commands, sums):
        yield from safely(look)


def safely(look: Callable[[], Iterator[Line]]) -> Iterator[Line]:
    try:
        yield from look()
    except DatabaseError as error:
        yield Line("FAIL", look.__name__, f"the database refused: {first_line(error)}", "See the database's log")


def environment() -> Iterator[Line]:
    version = ".".join(map(str, sys.version_info[:3]))
    kind = "embedded (one process)" if settings.EMBEDDED else "team installation"
    yield Line("ok", "environment", f"Python {version}, {kind}, {settings.PORTAL_URL}")
    if settings.DEBUG:
        yield Line("warn", "environment", "DEBUG is on: error pages show the inside of the portal", "Unset DEBUG")
    data = Path(settings.DATA_DIR)
    if settings.EMBEDDED and data.is_dir():
        free = shutil.disk_usage(data).free
        level: Level = "ok" if free > LEAST_FREE_BYTES else "warn"
        yield Line(level, "disk", f"{free / 1024**3:.1f} GiB free in {data}", "" if level == "ok" else "Make room")


def user() -> Iterator[Line]:
    if os.geteuid() != 0 or (settings.EMBEDDED and Path(settings.DATA_DIR).stat().st_uid == 0):
        return
    yield Line(
        "warn",
        "user",
        "doctor runs as root, who may write everywhere: whether the portal's user may write its files was not seen",
        "Run it as that user: sh deploy/manage.sh doctor (docs/install.md)",
    )


def mail() -> Iterator[Line]:
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        yield Line("warn", "mail", "goes to the log: invitations and resets reach nobody", "Set EMAIL_URL")
    if settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        yield Line("warn", "mail", "is not sent: invitations and resets reach nobody", "Set EMAIL_URL")


def metrics_door() -> Iterator[Line]:
    if settings.PORTAL_METRICS_TOKEN:
        yield Line("ok", "metrics", "asked for with PORTAL_METRICS_TOKEN")
    elif settings.EMBEDDED:
        yield Line("ok", "metrics", "open to programs on this machine")
    else:
        sentence = "no PORTAL_METRICS_TOKEN here: a web process without one answers 404 at /metrics"
        yield Line("ok", "metrics", sentence, "Right for a worker; for Prometheus give it to the web processes")


def keys() -> Iterator[Line]:
    try:
        sealed = seal("canary", CONTEXT)
    except (ValueError, binascii.Error):
        yield Line("FAIL", "keys", "PORTAL_SEAL_KEY is no X25519 key", "Make a pair: manage.py rotate_keys --new-key")
        return
    if not settings.PORTAL_SECRETS_KEYS:
        yield Line(
            "warn",
            "keys",
            "this process can seal but not open secrets: right for web, wrong for worker, relay and gateway",
            "Set PORTAL_SECRETS_KEY where bots are spoken to, and run doctor there too",
        )
        return
    try:
        open_sealed(sealed, CONTEXT)
    except (SealBroken, ValueError) as broken:
        todo = "PORTAL_SEAL_KEY must be the public half of the first key in PORTAL_SECRETS_KEY"
        yield Line("FAIL", "keys", f"what is sealed here does not open here: {broken}", todo)
        return
    whose = "" if settings.EMBEDDED else ": right for worker, relay and gateway, too much for web and clock"
    yield Line("ok", "keys", f"seal and open fit ({len(settings.PORTAL_SECRETS_KEYS)} private){whose}")


def broker() -> Iterator[Line]:
    if settings.EMBEDDED:
        yield Line("ok", "broker", "in the process, no Redis needed")
        return
    try:
        with Redis.from_url(str(settings.REDIS_URL), socket_timeout=3, socket_connect_timeout=3) as redis:
            redis.ping()
            forgets = keeps_no_file(redis)
    except (RedisError, OSError, ValueError) as error:
        yield Line("FAIL", "broker", f"Redis does not answer: {first_line(error)}", "Start Redis or correct REDIS_URL")
        return
    if forgets:
        sentence = "Redis answers, but keeps no append-only file: a crash forgets what waits in the queues"
        yield Line("warn", "broker", sentence, "Set appendonly yes in redis.conf")
    else:
        yield Line("ok", "broker", "Redis answers")


def keeps_no_file(redis: Redis) -> bool:
    """False also where this user of Redis may not ask."""
    try:
        return dict(redis.info("persistence")).get("aof_enabled") == 0  # type: ignore[arg-type]
    except NoPermissionError:
        return False


def front_end() -> Iterator[Line]:
    charts = settings.NODE_MODULES / "lightweight-charts" / "dist"
    collected = settings.STATIC_ROOT / "staticfiles.json"
    if settings.EMBEDDED or settings.DEBUG:
        there = charts.is_dir()
        yield Line("ok", "assets", "installed") if there else Line("FAIL", "assets", "missing", "Run npm ci (Node 20)")
    elif collected.is_file():
        yield Line("ok", "assets", "collected")
    else:
        yield Line("FAIL", "assets", "not collected: pages have no style", "Run npm ci, then manage.py collectstatic")


def database() -> Line:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version()" if connection.vendor == "postgresql" else "SELECT sqlite_version()")
            release = str(cursor.fetchone()[0]).split(" on ")[0]
    except DatabaseError as error:
        return Line("FAIL", "database", f"cannot be reached: {first_line(error)}", "Start it or correct DATABASE_URL")
    return Line("ok", "database", f"{connection.display_name} answers ({release})")


def migrations() -> Line:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return Line("FAIL", "migrations", f"{len(plan)} not applied, first {plan[0][0]}", "Run manage.py migrate")
    return Line("ok", "migrations", "all applied")


def system_checks() -> Iterator[Line]:
    """Those of the other looks are told there."""
    elsewhere = {"bots.W001", "portal.E001"}
    for message in checks.run_checks(databases=["default"]):
        if message.id not in elsewhere:
            level: Level = "FAIL" if message.level >= checks.ERROR else "warn"
            yield Line(level, "checks", f"{message.id}: {message.msg}", str(message.hint or ""))


def clock() -> Iterator[Line]:
    """Against the database's clock, where it is another machine's; and against what was written before."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            apart = abs((timezone.now() - cursor.fetchone()[0]).total_seconds())
        if apart > MOST_CLOCK_SECONDS:
            yield Line("FAIL", "clock", f"{apart:.1f} s apart from the database's", "Synchronise both machines (NTP)")
            return
    latest = AuditEntry.objects.order_by("-id").values_list("at", flat=True).first()
    if latest is not None and latest > timezone.now() + timedelta(seconds=MOST_CLOCK_SECONDS):
        yield Line("FAIL", "clock", f"the audit's last entry lies in the future ({latest:%F %T} UTC)", "Set the clock")
        return
    yield Line("ok", "clock", f"{timezone.now():%F %T} UTC")


def triggers() -> Iterator[Line]:
    missing = missing_triggers(connection)
    if missing:
        todo = "Run manage.py migrate, then manage.py verify_audit"
        yield Line("FAIL", "audit", f"not append-only: {', '.join(missing)} missing or altered", todo)
    else:
        yield Line("ok", "audit", "append-only triggers in place")


def anchor() -> Iterator[Line]:
    path = Path(settings.PORTAL_AUDIT_ANCHOR)
    if (hindrance := unfit(path)) is not None:
        yield hindrance
        return
    head = AuditEntry.objects.order_by("-id").values("id", "at").first()
    try:
        last = last_anchor(path)
        if last is not None:
            require_same_past(last)
    except AnchorContradicted as problem:
        yield contradicted(problem)
        return
    except (AnchorUnreadable, OSError) as problem:
        yield Line("FAIL", "anchor", str(problem), f"Run manage.py verify_audit. {UNTIL_THEN}")
        return
    if head is None or (last is not None and last.id == head["id"]):
        yield Line("ok", "anchor", f"entry {last.id} anchored at {last.at}" if last else "nothing audited yet")
        return
    if last is None and not settings.PORTAL_SECRETS_KEYS:
        yield Line("ok", "anchor", "none here: it is written where a worker runs")
        return
    if last is None:
        todo = "Is a worker running here? If there was an anchor before, run manage.py verify_audit"
        yield Line("FAIL", "anchor", f"entries, but no anchor at {path}: a cut tail would not show", todo)
        return
    behind = head["id"] - last.id
    old = timezone.now() - head["at"] > OLD_ANCHOR
    todo = "Is a worker running here? It anchors every 10 s (embedded: every commit)" if old else ""
    yield Line("warn" if old else "ok", "anchor", f"{behind} entries not anchored yet", todo)


def unfit(path: Path) -> Line | None:
    """What hinders that an anchor is kept there."""
    if path.is_symlink():
        sentence = f"{path} is a link: it is not followed, and nothing is anchored"
        return Line("FAIL", "anchor", sentence, f"Put a file there. {UNTIL_THEN}")
    if not writable(path):
        todo = f"Correct its folder's owner, or PORTAL_AUDIT_ANCHOR. {UNTIL_THEN}"
        return Line("FAIL", "anchor", f"{path} cannot be written", todo)
    return None


def contradicted(problem: AnchorContradicted) -> Line:
    if is_given_up(problem.anchor):
        sentence = f"entry {problem.anchor.id} is of a past that was given up: a worker here sets the anchor aside"
        return Line("warn", "anchor", sentence, "Is a worker running here? It does so within 10 s")
    return Line(
        "FAIL", "anchor", str(problem), "Run manage.py verify_audit; after a restore on purpose leave_safe_mode"
    )


def writable(path: Path) -> bool:
    """Tried on a neighbour: the anchor itself is only ever appended to."""
    probe = path.with_name(f".{path.name}.doctor")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
        if path.exists():
            with path.open("a"):
                pass
    except OSError:
        return False
    return True


def sending() -> Iterator[Line]:
    silence = safety.silence()
    if silence is None:
        yield Line("ok", "sending", "commands and alerts may be sent")
        return
    since = f" since {silence.since:%F %T} UTC" if silence.since else ""
    todo = 'When no other portal runs on the same past: manage.py leave_safe_mode "reason"'
    yield Line("warn", "sending", f"safe mode{since}, nothing is sent: {silence.why}", todo)


def stored_secrets() -> Iterator[Line]:
    if not settings.PORTAL_SECRETS_KEYS:
        return
    bots = list(Bot.objects.active())
    broken = [bot.slug for bot in bots if not opens(bot)]
    if broken:
        todo = "Add the key that sealed them to PORTAL_SECRETS_KEY, or type their secrets again"
        names = ", ".join(broken[:5]) + (" …" if len(broken) > 5 else "")
        yield Line("FAIL", "secrets", f"those of {len(broken)} bots do not open: {names}", todo)
    else:
        yield Line("ok", "secrets", f"those of all {len(bots)} bots open")


def opens(bot: Bot) -> bool:
    try:
        bot.opened_secrets()
    except SealBroken:
        return False
    return True


def polling() -> Iterator[Line]:
    now = timezone.now()
    turns = PollTurn.objects.filter(bot__in=Bot.objects.polled())
    held = turns.exclude(held="").count()
    if held:
        yield Line("warn", "polling", f"{held} bots are not asked any more: wrong password", "Correct their connection")
    asked = turns.filter(held="")
    if not asked.exists():
        yield Line("ok", "polling", "no bot is to be asked")
        return
    latest = BotStatus.objects.filter(bot__turn__in=asked).aggregate(latest=Max("tried_at"))["latest"]
    last = f"last poll {(now - latest).total_seconds():.0f} s ago" if latest else "none was ever asked"
    since = asked.filter(next_poll_at__lt=now).aggregate(since=Min("next_poll_at"))["since"]
    if since is not None and now - since > LONGEST_WAIT:
        sentence = f"a bot has been due for {(now - since).total_seconds():.0f} s, {last}"
        yield Line("FAIL", "polling", sentence, "Is a worker running, and a beat? (embedded: manage.py portal)")
    else:
        yield Line("ok", "polling", f"{asked.count()} bots, {last}")


def relays() -> Iterator[Line]:
    """Nothing is lost without them, it only comes later: with the next poll."""
    found = listening(timezone.now())
    if not found.wanted:
        yield Line("ok", "relays", "no bot that is asked speaks by itself")
    elif found.is_deaf:
        todo = "Start one: manage.py relay (embedded: manage.py portal listens itself)"
        yield Line("warn", "relays", f"nobody listens to {found.wanted} bots, {found.since}", todo)
    elif not found.lines:
        yield Line("warn", "relays", f"none of {found.wanted} bots is heard", "Each bot's page says why")
    else:
        yield Line("ok", "relays", f"{found.alive} listening, {found.lines} of {found.wanted} bots are heard")


def commands() -> Iterator[Line]:
    confirmed = Command.objects.filter(state=Command.INTENT).annotate(at=Coalesce("approved_at", "requested_at"))
    since = confirmed.aggregate(since=Min("at"))["since"]
    if since is not None and timezone.now() - since > LONGEST_COMMAND_WAIT:
        sentence = f"one has waited for {(timezone.now() - since).total_seconds():.0f} s to be sent"
        yield Line("FAIL", "commands", sentence, "Is a worker running that consumes the queue commands?")
    else:
        yield Line("ok", "commands", "none waits longer than it should")


def sums() -> Iterator[Line]:
    """The rollups that totals and reports read, against the trades."""
    wrong = [(team.slug, len(found)) for team in Team.objects.all() if (found := really_wrong(team))]
    for slug, count in wrong:
        yield Line("FAIL", "sums", f"{count} rollups of team {slug} are not its trades'", "Run manage.py recount")
    if not wrong:
        yield Line("ok", "sums", "totals and reports are the sums of the trades")


def first_line(error: Exception) -> str:
    """What drivers say may run over many lines; never a connection string with its password."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
