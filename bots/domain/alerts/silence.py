"""Why nobody is told of an alert at a moment: safe mode, maintenance, or a mute."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bots.domain import safety
from bots.models import Alert, Maintenance, Mute


@dataclass(frozen=True)
class Silences:
    safe_mode: bool
    bots: frozenset[int]  # in maintenance
    teams: frozenset[int]
    mutes: frozenset[tuple[int | None, int | None]]  # rule, bot; None: any

    @classmethod
    def at(cls, now: datetime) -> Self:
        windows = list(Maintenance.objects.at(now).values_list("bot", "team"))
        return cls(
            safe_mode=not safety.may_send(),
            bots=frozenset(bot for bot, _ in windows if bot is not None),
            teams=frozenset(team for bot, team in windows if bot is None),
            mutes=frozenset(Mute.objects.at(now).values_list("rule", "bot")),
        )

    def of(self, alert: Alert) -> str:
        if self.safe_mode:
            return Alert.SAFE_MODE
        if alert.team_id in self.teams or alert.bot_id in self.bots:
            return Alert.MAINTENANCE
        named = ((alert.rule_id, None), (None, alert.bot_id), (alert.rule_id, alert.bot_id))
        return Alert.MUTED if any(pair in self.mutes for pair in named if pair != (None, None)) else ""
