"""Every rule over everything it covers: what is found, by its key, and where nothing can be said."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bots.domain.alerts.evaluating.finding import UNSURE, Found
from bots.domain.alerts.evaluating.lasting import JUDGES, portal_lagging, unknown_commands
from bots.domain.alerts.evaluating.looking import Scene, Watched, covers
from bots.domain.alerts.evaluating.telling import happened, logged
from bots.domain.alerts.kinds import KINDS
from bots.models import AlertRule, Event

Pair = tuple[int, int]  # rule, bot (0: the portal itself)


class Finding(NamedTuple):
    rule: AlertRule
    bot: Watched | None
    found: Found

    @property
    def key(self) -> str:
        return f"{self.rule.pk}:{self.bot.bot_id if self.bot else 0}:{self.found.subject}"[:160]


@dataclass
class Look:
    """`judged`: the pairs of which something was said; an alert of any other pair is nobody's any more, or waits."""

    found: dict[str, Finding] = field(default_factory=dict)
    judged: set[Pair] = field(default_factory=set)
    unsure: set[Pair] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)  # bots

    def add(self, rule: AlertRule, bot: Watched | None, found: Iterable[Found]) -> None:
        self.judged.add((rule.pk, bot.bot_id if bot else 0))
        for one in found:
            finding = Finding(rule, bot, one)
            self.found[finding.key] = finding


def look(rules: Sequence[AlertRule], scene: Scene, events: Sequence[Event]) -> Look:
    seen = Look(asked={bot.bot_id for bots in scene.bots.values() for bot in bots})
    by_bot: dict[int, list[Event]] = {}
    for event in events:
        by_bot.setdefault(event.bot_id or 0, []).append(event)
    for rule in rules:
        if KINDS[rule.kind].of_portal:
            seen.add(rule, None, portal_lagging(rule, scene))
        elif rule.kind in JUDGES:
            judge(rule, scene, seen)
        elif rule.kind == "command_unknown":
            for bot in covered(rule, scene):
                seen.add(rule, bot, unknown_commands(rule, bot, scene))
        else:
            for bot in covered(rule, scene, by_bot):
                tell(rule, bot, by_bot[bot.bot_id], scene, seen)
    return seen


def covered(rule: AlertRule, scene: Scene, only: Container[int] | None = None) -> Iterator[Watched]:
    for bot in scene.bots.get(rule.team_id, ()):
        if (only is None or bot.bot_id in only) and covers(rule, bot):
            yield bot


def judge(rule: AlertRule, scene: Scene, seen: Look) -> None:
    says = JUDGES[rule.kind]
    for bot in covered(rule, scene):
        judgment = says(rule, bot, scene)
        seen.add(rule, bot, [judgment] if isinstance(judgment, Found) else [])
        if judgment is UNSURE:
            seen.unsure.add((rule.pk, bot.bot_id))


def tell(rule: AlertRule, bot: Watched, events: list[Event], scene: Scene, seen: Look) -> None:
    found = logged(rule, bot, events, scene) if rule.kind == "log_messages" else happened(rule, bot, events)
    seen.add(rule, bot, [found] if found else [])
