"""What a bot's last poll left in memory, for its next one: reading these rows anew for every poll cost half as much as
writing what it brings.

They are used again only while it is proven that nobody else wrote them: the fencing number is the very next one (no
other claim came between), and the status's seq is as it was left (whoever writes a status without the turn raises it).
The bot's own row is compared whole. Losing all of them costs time, nothing else.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from bots.models import Bot, BotRun, BotStatus, PollTurn
from bots.systems.contract import Trade

if TYPE_CHECKING:
    from bots.domain.polling.asking import PollResult


class KnownOpen(NamedTuple):
    """An open trade of the mirror: its open time, and the digest of its lasting facts as last read."""

    open_ms: int
    digest: str


class KnownRows(NamedTuple):
    """What the tables hold of a bot besides its turn."""

    status: BotStatus
    run: BotRun | None
    known_open: dict[str, KnownOpen]
    seen_open: tuple[Trade, ...] = ()  # the same trades as the bot's system last gave them, where the mirror was equal


class Left(NamedTuple):
    bot_row: tuple[Any, ...]  # as the driver gave it
    bot: Bot
    rows: KnownRows
    fence: int


class Found(NamedTuple):
    """What one query tells of a claimed bot."""

    bot_row: tuple[Any, ...]
    turn_row: tuple[Any, ...]
    turn: PollTurn
    seq: int


class Kept:
    """Of one process. Whoever takes what was left of a bot has it alone, until a poll has written it again."""

    MOST = 20_000

    def __init__(self) -> None:
        self.left: dict[int, Left] = {}

    def take(self, found: Iterable[Found]) -> dict[int, Left]:
        """Of those bots whose rows are still what was left of them."""
        taken = ((each, self.left.pop(each.turn.bot_id, None)) for each in found)
        return {each.turn.bot_id: left for each, left in taken if left is not None and holds(left, each)}

    def keep(self, results: Iterable["PollResult"]) -> None:
        """After the transaction that wrote them. What changed in the mirror is read anew."""
        if len(self.left) >= self.MOST:
            self.left.clear()
        for result in results:
            if result.mirror_changed:
                continue
            order = result.order
            rows = KnownRows(order.status, order.run, order.known_open, result.seen_open)
            self.left[order.bot.id] = Left(order.bot_row, order.bot, rows, order.turn.fence)


def holds(left: Left, found: Found) -> bool:
    return found.turn.fence == left.fence + 1 and found.seq == left.rows.status.seq and found.bot_row == left.bot_row
