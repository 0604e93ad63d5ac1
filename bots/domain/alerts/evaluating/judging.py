"""Every rule over everything it covers: what is found, by its key, and where nothing can be said."""

import logging
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from django.db import Error as DatabaseFailure

from bots.domain.alerts.evaluating.finding import UNSURE, Found, Judgment, Verdict
from bots.domain.alerts.evaluating.lasting import JUDGES, portal_lagging, unknown_commands
from bots.domain.alerts.evaluating.looking import Scene, Watched, covers
from bots.domain.alerts.evaluating.telling import happened, logged
from bots.domain.alerts.kinds import KINDS
from bots.domain.log_lines import about
from bots.models import AlertRule, Event

log = logging.getLogger(__name__)

Pair = tuple[int, int]  # rule, bot (0: the portal itself)
Said = Judgment | Iterable[Found] | None


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

    def forget(self, rules: Container[int]) -> None:
        """What was found by rules that have become others since: nothing is said by them, the next look does it."""
        self.found = {key: finding for key, finding in self.found.items() if finding.rule.pk not in rules}
        self.unsure |= {pair for pair in self.judged if pair[0] in rules}

    def take(self, rule: AlertRule, bot: Watched | None, says: Callable[[], Said]) -> None:
        """What one rule says of one bot. An odd figure of one bot must not end everybody's alerts: of what cannot be
        judged nothing is said, and the log has why."""
        pair = (rule.pk, bot.bot_id if bot else 0)
        self.judged.add(pair)
        try:
            said = says()
        except DatabaseFailure:
            raise
        except Exception:  # whatever a bot's figures or a rule's limits do to our code: it harms only this pair
            whom, extra = (bot.slug, about(bot.slug)) if bot else ("the portal", None)
            log.exception("rule %s (%s) cannot be judged of %s", rule.pk, rule.kind, whom, extra=extra)
            said = UNSURE
        if said is UNSURE:
            self.unsure.add(pair)
        for one in found_of(said):
            finding = Finding(rule, bot, one)
            self.found[finding.key] = finding


def found_of(said: Said) -> Iterable[Found]:
    if said is None or isinstance(said, Verdict):
        return ()
    return (said,) if isinstance(said, Found) else said


def look(rules: Sequence[AlertRule], scene: Scene, events: Sequence[Event]) -> Look:
    seen = Look(asked={bot.bot_id for bots in scene.bots.values() for bot in bots})
    by_bot: dict[int, list[Event]] = {}
    for event in events:
        by_bot.setdefault(event.bot_id or 0, []).append(event)
    for rule in rules:
        if KINDS[rule.kind].of_portal:
            seen.take(rule, None, partial(portal_lagging, rule, scene))
        elif KINDS[rule.kind].lasting:
            says = JUDGES.get(rule.kind, unknown_commands)
            for bot in covered(rule, scene):
                seen.take(rule, bot, partial(says, rule, bot, scene))
        else:
            for bot in covered(rule, scene, by_bot):
                seen.take(rule, bot, partial(told, rule, bot, by_bot[bot.bot_id], scene))
    return seen


def covered(rule: AlertRule, scene: Scene, only: Container[int] | None = None) -> Iterator[Watched]:
    for bot in scene.bots.get(rule.team_id, ()):
        if (only is None or bot.bot_id in only) and covers(rule, bot):
            yield bot


def told(rule: AlertRule, bot: Watched, events: Sequence[Event], scene: Scene) -> Found | None:
    return logged(rule, bot, events, scene) if rule.kind == "log_messages" else happened(rule, bot, events)
