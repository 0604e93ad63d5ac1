"""What to ask a bot, and what the mirror already knows of it: all that the conversation needs, without the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from bots.domain.polling.kept import Found, Kept, KnownOpen, KnownRows
from bots.domain.polling.schedule import Claim, due_kinds
from bots.models import Bot, BotRun, BotStatus, PollTurn, Trade
from bots.models.loading import all_built, built, columns_of, loaded
from bots.models.prepared import GivenKeys, Prepared
from bots.models.rows import tuples_of
from bots.systems import contract
from bots.systems.contract import Kind

BOT_COLUMNS, TURN_COLUMNS = columns_of(Bot), columns_of(PollTurn, "turn__")


@dataclass
class PollOrder:
    bot: Bot  # told apart by `id`: the same as `pk`, which Django looks up anew each time
    status: BotStatus
    turn: PollTurn
    run: BotRun | None
    kinds: frozenset[Kind]
    known_open: dict[str, KnownOpen] = field(default_factory=dict)
    seen_open: tuple[contract.Trade, ...] = ()  # the very objects that `known_open` was equal to in the poll before
    bot_row: tuple[Any, ...] = ()  # `bot` as it stood in the table
    turn_row: tuple[Any, ...] = ()

    @property
    def claim(self) -> Claim:
        return Claim(self.bot.id, self.turn.fence)

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


def orders_for(
    claims: Iterable[Claim], now: datetime, kinds: frozenset[Kind] | None = None, kept: Kept | None = None
) -> list[PollOrder]:
    """The orders of the claims that still hold. One query, and three more for those of whom nothing is kept."""
    fences = {claim.bot_id: claim.fence for claim in claims}
    found = [each for each in found_of(fences) if each.turn.fence == fences[each.turn.bot_id]]
    left = kept.take(found) if kept else {}
    read = rows_of([each.turn.bot_id for each in found if each.turn.bot_id not in left])
    orders = []
    for each in found:
        known = left.get(each.turn.bot_id)
        bot = known.bot if known else built(Bot, each.bot_row)
        rows = known.rows if known else read[bot.id]
        due = kinds or due_kinds(each.turn.due, bot.plan(), now)
        orders.append(
            PollOrder(
                bot, rows.status, each.turn, rows.run, due, rows.known_open, rows.seen_open, each.bot_row, each.turn_row
            )
        )
    return orders


CLAIMED = Prepared(
    lambda: (
        Bot.objects.active()
        .filter(pk__in=GivenKeys("bots"))
        .order_by("pk")
        .values_list(*BOT_COLUMNS, *TURN_COLUMNS, "status__seq")
    )
)


def found_of(bots: Iterable[int]) -> list[Found]:
    rows, end = CLAIMED.rows(bots=list(bots)), len(BOT_COLUMNS)
    turn_rows = [row[end:-1] for row in rows]
    turns = zip(rows, turn_rows, all_built(PollTurn, turn_rows), strict=True)
    return [Found(row[:end], turn_row, turn, row[-1]) for row, turn_row, turn in turns]


def rows_of(bots: Sequence[int]) -> dict[int, KnownRows]:
    if not bots:
        return {}
    runs = {run.bot_id: run for run in loaded(BotRun.objects.filter(bot__in=bots, ended_at=None))}
    known = known_open_of(runs.values())
    statuses = loaded(BotStatus.objects.filter(pk__in=bots))
    return {status.pk: KnownRows(status, runs.get(status.pk), known.get(status.pk, {})) for status in statuses}


def known_open_of(runs: Iterable[BotRun]) -> dict[int, dict[str, KnownOpen]]:
    known: dict[int, dict[str, KnownOpen]] = {}
    listed: QuerySet[Trade] = Trade.objects.filter(run__in=[run.pk for run in runs], is_open=True, gone_at=None)
    for bot, trade_id, open_ms, digest in tuples_of(listed.values_list("bot", "trade_id", "open_ms", "digest")):
        known.setdefault(bot, {})[trade_id] = KnownOpen(open_ms, digest)
    return known
