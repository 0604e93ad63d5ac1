"""How old a bot's figures are, and the one word for its state."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bots.models import Bot, BotStatus
from bots.systems.contract import Kind

LATE_INTERVALS, STALE_INTERVALS = 3, 6
LEAST_LATE_SECONDS = 15.0
SLOW_MS = 2000
CLOCKS_DIFFER = timedelta(seconds=30)
# A state the bot itself reported; the others are the portal's words for why it does not.
SPEAKING = {"running", "paused", "stopped", "starting"}
WORDS = {
    "running": "Running",
    "slow": "Slow",
    "paused": "Paused",
    "stopped": "Stopped",
    "starting": "Starting",
    "offline": "Offline",
    "auth_failed": "Wrong password",
    "misconfigured": "Connection wrong",
    "unsupported": "Not supported",
    "not_asked": "Not asked",
    "unknown": "Not seen yet",
}


@dataclass(frozen=True)
class Freshness:
    age_seconds: float | None  # None: never seen
    late: bool
    stale: bool

    @property
    def fresh(self) -> bool:
        return not (self.late or self.stale)


def freshness(seen_at: datetime | None, interval: float, now: datetime) -> Freshness:
    """Late after 3 missed intervals, stale after 6."""
    if seen_at is None:
        return Freshness(None, late=False, stale=True)
    if seen_at - now > CLOCKS_DIFFER:  # written by a clock that was wrong: nobody knows how old it is
        return Freshness(None, late=False, stale=True)
    age = max((now - seen_at).total_seconds(), 0.0)
    late_after = max(LATE_INTERVALS * interval, LEAST_LATE_SECONDS)
    stale = age > late_after * STALE_INTERVALS / LATE_INTERVALS
    return Freshness(age, late=age > late_after and not stale, stale=stale)


def freshness_of(bot: Bot, status: BotStatus, now: datetime) -> Freshness:
    """Of the figures that move: open trades and unrealized profit."""
    return freshness(status.seen_at, bot.plan()[Kind.OPEN_TRADES], now)


def shown_state(bot: Bot, status: BotStatus, now: datetime) -> str:
    """The key of WORDS: the bot's own state while it speaks, else why it does not."""
    if not bot.enabled or bot.retired_at:
        return "not_asked"
    if status.state not in SPEAKING:
        return status.state
    if freshness(status.answered_at, bot.plan()[Kind.STATE], now).stale:
        return "offline"
    slow = not freshness_of(bot, status, now).fresh or (status.latency_ms or 0) > SLOW_MS
    return "slow" if slow and status.state == "running" else status.state
