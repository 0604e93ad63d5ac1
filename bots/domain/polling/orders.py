"""What to ask a bot, and what the mirror already knows of it: all that the conversation needs, without the database."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from bots.domain.polling.schedule import Claim, due_kinds
from bots.models import Bot, BotRun, BotStatus, PollTurn, Trade
from bots.models.loading import loaded, loaded_with
from bots.models.rows import tuples_of
from bots.systems.contract import Kind


class KnownOpen(NamedTuple):
    """An open trade of the mirror: its open time, and the digest of its lasting facts as last read."""

    open_ms: int
    digest: str


@dataclass
class PollOrder:
    bot: Bot
    status: BotStatus
    turn: PollTurn
    run: BotRun | None
    kinds: frozenset[Kind]
    known_open: dict[str, KnownOpen] = field(default_factory=dict)

    @property
    def claim(self) -> Claim:
        return Claim(self.bot.pk, self.turn.fence)

    @property
    def reads_long(self) -> bool:
        """A long history is being read: it may take its time."""
        return self.status.history_at is None or self.turn.reread_offset is not None

    @property
    def open_keys(self) -> dict[tuple[str, int], None]:
        """(trade id, open ms) of the open trades that are known, in their order."""
        return dict.fromkeys([(trade_id, known.open_ms) for trade_id, known in self.known_open.items()])

    @property
    def closed_count(self) -> int:
        return self.run.closed_count if self.run else 0


def orders_for(claims: Iterable[Claim], now: datetime, kinds: frozenset[Kind] | None = None) -> list[PollOrder]:
    """The orders of the claims that still hold. Three queries, whatever the number of bots."""
    fences = {claim.bot_id: claim.fence for claim in claims}
    bots = Bot.objects.active().filter(pk__in=fences)
    runs = {run.bot_id: run for run in loaded(BotRun.objects.filter(bot__in=fences, ended_at=None))}
    known = known_open_of(runs.values())
    orders = []
    for bot, status, turn in loaded_with(bots, "status", "turn"):
        if turn.fence == fences[bot.pk]:
            due = kinds or due_kinds(turn.due, bot.plan(), now)
            orders.append(PollOrder(bot, status, turn, runs.get(bot.pk), due, known.get(bot.pk, {})))
    return orders


def known_open_of(runs: Iterable[BotRun]) -> dict[int, dict[str, KnownOpen]]:
    known: dict[int, dict[str, KnownOpen]] = {}
    listed: QuerySet[Trade] = Trade.objects.filter(run__in=[run.pk for run in runs], is_open=True, gone_at=None)
    for bot, trade_id, open_ms, digest in tuples_of(listed.values_list("bot", "trade_id", "open_ms", "digest")):
        known.setdefault(bot, {})[trade_id] = KnownOpen(open_ms, digest)
    return known
