"""What a bot's state tells against the one before: started, stopped, lost, found, another release, mode, database."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bots.domain.events import Happened
from bots.domain.happenings.wording import SENTENCES, joined
from bots.models import Bot, BotRun, BotStatus

SPEAKING = frozenset({"running", "stopped", "paused", "starting"})
BECAME = {"running": "started", "stopped": "stopped", "paused": "paused"}
STATE = "state"  # the subject of what a bot's websocket and its polls both say of its state
TOLD_WITHIN = timedelta(seconds=45)
LOST = {"auth_failed": "refuses our password", "unsupported": "answers, but not as such a bot does"}


class Standing(NamedTuple):
    """A bot's status as far as events arise from it; taken before a poll changes the row."""

    state: str
    mode: str
    version: str
    failing_since: datetime | None

    @classmethod
    def of(cls, status: BotStatus) -> "Standing":
        return cls(status.state, status.mode, status.version, status.failing_since)

    @property
    def speaks(self) -> bool:
        return self.state in SPEAKING

    @property
    def known(self) -> bool:
        return self.state != "unknown"


def noticed(bot: Bot, before: Standing, status: BotStatus, now: datetime) -> list[Happened]:
    after = Standing.of(status)
    if before == after:
        return []
    told = connection(bot, before, after, status, now)
    if before.speaks and after.speaks:
        told += state(bot, before, after, now)
    if after.speaks:
        told += another(bot, before, after, now)
    return told


def connection(bot: Bot, before: Standing, after: Standing, status: BotStatus, now: datetime) -> list[Happened]:
    if before.state == after.state or not before.known:
        return []
    if not after.speaks:
        text = LOST.get(after.state, "cannot be reached")
        key = f"lost {after.state} {moment(after.failing_since or now)}"
        data = {"code": status.error_code, "state": after.state}
        return [of(bot, "connection_lost", key, now, text, detail=status.last_error, data=data)]
    if not before.speaks:
        missing = f"after {spoken(now - before.failing_since)}" if before.failing_since else ""
        data = {"state": after.state}
        return [of(bot, "connection_found", f"found {moment(now)}", now, "answers again", detail=missing, data=data)]
    return []


def state(bot: Bot, before: Standing, after: Standing, now: datetime) -> list[Happened]:
    kind = BECAME.get(after.state)
    if before.state == after.state or kind is None:
        return []
    return [of(bot, kind, f"{kind} {moment(now)}", now, SENTENCES[kind], subject=STATE, told_within=TOLD_WITHIN)]


def another(bot: Bot, before: Standing, after: Standing, now: datetime) -> list[Happened]:
    told = []
    if before.version and before.version != after.version:
        change = f"{before.version} → {after.version}"
        told.append(of(bot, "version_changed", f"version {moment(now)}", now, "runs another release", detail=change))
    if before.mode and before.mode != after.mode:
        text, was = f"trades {after.mode.upper()} now", f"was {before.mode.upper()}"
        told.append(of(bot, "mode_changed", f"mode {moment(now)}", now, text, detail=was))
    return told


def run_began(bot: Bot, run: BotRun, now: datetime) -> list[Happened]:
    """The first database of a bot is no news."""
    if run.number < 2:
        return []
    text, detail = "trades with another database", joined(run.reason, "the trades before stay in the reports")
    return [of(bot, "run_began", f"run {run.number} {moment(now)}", now, text, detail=detail)]


def of(bot: Bot, kind: str, key: str, at: datetime, text: str, **more: Any) -> Happened:
    return Happened(kind=kind, team_id=bot.team_id, bot_id=bot.pk, at=at, key=key, text=text, **more)


def moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def spoken(lasted: timedelta) -> str:
    """ "12 s", "7 min", "3 h 20 min", "2 d 4 h"."""
    seconds = max(0, round(lasted.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
