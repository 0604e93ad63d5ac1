"""Once a minute: every rule of every team, over what the database holds. No bot is asked."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Team
from bots.domain.alerts.evaluating import clock, peaks
from bots.domain.alerts.evaluating.judging import look
from bots.domain.alerts.evaluating.looking import Scene, changed_since, rules_in_use
from bots.domain.alerts.evaluating.settling import settle
from bots.domain.alerts.evaluating.telling import heard_since
from bots.domain.alerts.rules import make_first_rules


@dataclass(frozen=True)
class Evaluated:
    """How many alerts opened and cleared."""

    opened: int = 0
    cleared: int = 0


def evaluate(now: datetime | None = None) -> Evaluated | None:
    """None: it is somebody else's turn. What is found is written in one short transaction, after all the reading; when
    that fails nothing is lost, the next minute finds it again."""
    now = now or timezone.now()
    turn = clock.claim(now)
    if turn is None:
        return None
    make_first_rules(Team.objects.all())
    scene, rules = Scene(now), list(rules_in_use())
    events = heard_since(turn.since, turn.seen)
    higher = peaks.higher(scene)
    found = look(rules, scene, events)
    with transaction.atomic():
        if not clock.still_mine(turn):
            return None
        found.forget(changed_since(rules))
        settled = settle(found, now)
        peaks.write(higher)
        clock.done(turn, events)
    return Evaluated(len(settled.opened), len(settled.ended))
