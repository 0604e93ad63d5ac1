"""What the slow answers tell against the ones before: locks, warnings in the log, a restarted process, settings."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Case, F, JSONField, Value, When

from bots.domain.configuration import written
from bots.domain.events import Happened
from bots.domain.happenings.standing import STATE, of
from bots.domain.happenings.standing import TOLD_WITHIN as STATE_TOLD_WITHIN
from bots.domain.happenings.wording import SENTENCES, joined, moment_of
from bots.domain.polling.asking import PollResult
from bots.models import Bot, BotReading, ConfigVersion, Event
from bots.models.loading import from_json, moment_read
from bots.models.prepared import GivenKeys, Prepared
from bots.systems.contract import Health, Kind, Lock, Locks, LogLine, Logs

TELLING = (Kind.LOCKS, Kind.HEALTH, Kind.LOGS)
MOST_LINES = 10  # of one poll
MOST_LOCKS = 50
NEVER = datetime.max.replace(tzinfo=UTC)
NUMBERS = re.compile(r"\d[\d.,:]*")
LEVELS = {"WARNING": "warning", "ERROR": "exception", "CRITICAL": "exception"}
ALREADY_SAID = {"version", "dry_run"}  # events of their own
MOST_CHANGES = 3


class Earlier(NamedTuple):
    """A reading, as far as the next of its kind is held against it."""

    read_at: datetime
    data: Any  # of log lines: None; when they were read is enough


DATA = Case(When(kind=str(Kind.LOGS), then=Value(None)), default=F("data"), output_field=JSONField())
EARLIER = Prepared(
    lambda: BotReading.objects.filter(bot__in=GivenKeys("bots"), kind__in=[str(kind) for kind in TELLING]).values_list(
        "bot", "kind", "read_at", DATA
    )
)


def before_of(results: Iterable[PollResult]) -> dict[tuple[int, str], Earlier]:
    """(bot, kind) -> the reading that these results are about to replace. One query, none when nothing is due."""
    bots = [result.order.bot.id for result in results if any(kind in result.values for kind in TELLING)]
    rows = EARLIER.rows(bots=bots) if bots else []
    return {(bot, kind): Earlier(moment_read(at), data and from_json(data)) for bot, kind, at, data in rows}


def noticed(result: PollResult, before: Mapping[tuple[int, str], Earlier], now: datetime) -> list[Happened]:
    """Nothing of a kind that is read for the first time: what is old is no news."""
    bot, told = result.order.bot, []
    for kind in TELLING:
        value = result.values.get(kind)
        if value is not None and (old := before.get((bot.id, str(kind)))) is not None:
            told += TOLD_BY[kind](bot, value, old, now)
    return told


# --- locks


def locks(bot: Bot, value: Locks, old: Earlier, now: datetime) -> list[Happened]:
    had = {key_of(lock): lock for lock in old.data.get("locks", ())}
    has = {key_of(as_dict(lock)): as_dict(lock) for lock in value.locks if lock.active}
    added = [lock_event(bot, has[key], "lock_added", now) for key in has.keys() - had.keys()]
    gone = [lock_event(bot, had[key], "lock_gone", now) for key in had.keys() - has.keys() if had[key].get("active")]
    return [*added[:MOST_LOCKS], *gone[:MOST_LOCKS]]


def as_dict(lock: Lock) -> dict[str, Any]:
    return {name: getattr(lock, name) for name in Lock.__struct_fields__}


def key_of(lock: Mapping[str, Any]) -> str:
    return f"{lock.get('lock_id') or lock.get('pair')}@{lock.get('from_ms')}"


def lock_event(bot: Bot, lock: Mapping[str, Any], kind: str, now: datetime) -> Happened:
    """lock_added and protection are the same event: whichever source tells first names it."""
    if kind == "lock_gone":
        end = moment_of(lock.get("until_ms"), NEVER)
        at, words = (end, "the time is over") if end <= now else (now, "before its time")
        text = f"may enter {pair_of(lock)} again"
        return of(bot, kind, f"unlock {key_of(lock)}", at, text, detail=words, data=data_of(lock))
    said = words_of_lock(lock, now)
    return of(bot, kind, f"lock {key_of(lock)}", said.at, said.text, detail=said.detail, data=said.data)


class LockWords(NamedTuple):
    at: datetime
    text: str
    detail: str
    data: dict[str, Any]


def words_of_lock(lock: Mapping[str, Any], now: datetime) -> LockWords:
    """The same whether a poll found it or the bot told of it."""
    end = moment_of(lock.get("until_ms"), NEVER)
    detail = joined(lock.get("reason"), f"until {end:%Y-%m-%d %H:%M} UTC" if end < NEVER else "")
    text = f"does not enter {pair_of(lock)}"
    return LockWords(moment_of(lock.get("from_ms"), now), text, detail, data_of(lock))


def pair_of(lock: Mapping[str, Any]) -> str:
    return "every pair" if lock.get("pair") == "*" else str(lock.get("pair"))


def data_of(lock: Mapping[str, Any]) -> dict[str, Any]:
    return {"lock_id": lock.get("lock_id"), "until_ms": lock.get("until_ms"), "reason": lock.get("reason")}


# --- log lines


def log_lines(bot: Bot, value: Logs, old: Earlier, now: datetime) -> list[Happened]:
    """Warnings and errors since the last reading; the same words (numbers aside) once an hour."""
    since = old.read_at.timestamp() * 1000 - 5000  # lines overlap rather than miss; their keys tell them apart
    fresh = [line for line in value.lines if line.at_ms > since and line.level in LEVELS]
    return [line_event(bot, line) for line in latest_of_each(fresh)[-MOST_LINES:]]


def latest_of_each(lines: Sequence[LogLine]) -> list[LogLine]:
    return list({words_key(line.message, line.at_ms): line for line in lines}.values())


def line_event(bot: Bot, line: LogLine) -> Happened:
    kind, at = LEVELS[line.level], moment_of(line.at_ms, NEVER)
    text = "logged a warning" if kind == "warning" else "logged an error"
    key = f"log {words_key(line.message, line.at_ms)}"
    return of(bot, kind, key, at, text, detail=line.message.strip()[:480], data={"logger": line.logger})


def words_key(words: str, at_ms: float) -> str:
    """The same for the same words within an hour, whatever numbers stand in them."""
    bare = NUMBERS.sub("#", words)[:2000].encode("utf-8", "replace")
    return f"{hashlib.blake2b(bare, digest_size=10).hexdigest()} {int(at_ms // 3_600_000)}"


# --- the process


def process(bot: Bot, value: Health, old: Earlier, now: datetime) -> list[Happened]:
    """Another beginning than before: the bot was reloaded or restarted. One that follows a stop is told as such."""
    before, after = old.data.get("started_ms"), value.started_ms
    if not before or not after or after <= before:
        return []
    at = moment_of(after, now)
    if Event.objects.filter(bot=bot, kind="started", heard_at__gt=at - STATE_TOLD_WITHIN).exists():
        return []
    text = SENTENCES["reloaded"] if value.first_started_ms == old.data.get("first_started_ms") else "restarted"
    return [
        of(bot, "reloaded", f"begun {after}", at, text, subject=f"{STATE} reload", told_within=4 * STATE_TOLD_WITHIN)
    ]


TOLD_BY: dict[Kind, Any] = {Kind.LOCKS: locks, Kind.LOGS: log_lines, Kind.HEALTH: process}


# --- settings


def configured(bot: Bot, version: ConfigVersion) -> list[Happened]:
    """A version of the settings that differs from the one before."""
    changes = [change for change in version.changes if change["name"] not in ALREADY_SAID]
    if not changes:
        return []
    shown = ", ".join(f"{one['name']} {short(one['before'])} → {short(one['after'])}" for one in changes[:MOST_CHANGES])
    more = f" and {len(changes) - MOST_CHANGES} more" if len(changes) > MOST_CHANGES else ""
    text = "runs with other settings"
    data = {"version": version.pk, "names": [change["name"][:80] for change in changes[:20]], "count": len(changes)}
    return [of(bot, "config_changed", f"config {version.pk}", version.seen_at, text, detail=shown + more, data=data)]


def short(value: object) -> str:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    text = "not set" if value is None else written(whole)
    return text if len(text) <= 60 else text[:59] + "…"
