"""The rules about what happened: events that were heard of since the last look."""

from collections.abc import Callable, Iterable
from datetime import datetime

from bots.domain.alerts.evaluating.finding import Figure, Found
from bots.domain.alerts.evaluating.looking import Scene, Watched
from bots.models import AlertRule, Event

STRATEGY = "strategy"
LEVELS = {"error": "exception", "warning": "warning"}
NAMES = {"error": ("error", "errors"), "warning": ("warning", "warnings")}


def is_settings(event: Event) -> bool:
    """Another strategy is told by a rule of its own."""
    names = event.data.get("names") or []
    return event.kind == "config_changed" and (not names or any(name != STRATEGY for name in names))


def is_strategy(event: Event) -> bool:
    return event.kind == "config_changed" and STRATEGY in (event.data.get("names") or [])


def is_of(kind: str) -> Callable[[Event], bool]:
    return lambda event: event.kind == kind


TOLD_BY: dict[str, Callable[[Event], bool]] = {
    "config_changed": is_settings,
    "strategy_changed": is_strategy,
    "version_changed": is_of("version_changed"),
    "mode_changed": is_of("mode_changed"),
    "forced_outside": is_of("forced_outside"),
}
WATCHED_KINDS = ("config_changed", "version_changed", "mode_changed", "forced_outside", *LEVELS.values())


def heard_since(since: datetime, but: Iterable[int]) -> list[Event]:
    """Those the rules may look at, oldest first."""
    skipped = set(but)
    new = Event.objects.filter(kind__in=WATCHED_KINDS, heard_at__gt=since, bot__isnull=False).order_by("pk")
    wanted = new.only("pk", "bot", "kind", "at", "heard_at", "text", "detail", "data")
    return [event for event in wanted if event.pk not in skipped]


def happened(rule: AlertRule, bot: Watched, events: Iterable[Event]) -> Found | None:
    """One alert for all that is new of this kind at this bot."""
    mine = [event for event in events if TOLD_BY[rule.kind](event)]
    if not mine:
        return None
    last = mine[-1]
    return Found(last.text, mine[0].at, last.detail, times=len(mine), event_id=last.pk)


def logged(rule: AlertRule, bot: Watched, events: Iterable[Event], scene: Scene) -> Found | None:
    level = str(rule.params["level"])
    mine = [event for event in events if event.kind == LEVELS[level]]
    if not mine:
        return None
    minutes, least = int(rule.params["minutes"]), int(rule.params["count"])
    many = max(scene.logged(LEVELS[level], minutes).get(bot.bot_id, 0), len(mine))
    if many < least:
        return None
    last = mine[-1]
    one, several = NAMES[level]
    text = f"has told {many} {one if many == 1 else several} in its log within {minutes} min"
    figures: dict[str, Figure] = {"figure": many, "limit": least, "unit": "times"}
    return Found(text, mine[0].at, last.detail or last.text, figures=figures, times=len(mine), event_id=last.pk)
