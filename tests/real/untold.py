"""A bot that tells nothing of its closed trades (before 2020.4), held against its own database file.

The mirror keeps what left the open trades as closed, without the figures it cannot know and out of every sum. What
opened and closed between two polls it never saw; everything that a poll saw open must be there.
"""

import json
from collections.abc import Sequence

from tests.process import PortalProcess
from tests.real.figures import Answer, Comparison, Told, epoch_ms, held_against

LOST = ("close_date", "close_rate", "profit_abs", "profit_ratio")
LASTING = {"pair": Told(["pair"]), "open_rate": Told(["open_rate"]), "stake_amount": Told(["stake_amount"])}
POLL_MS = 10_000  # a point of the time series is written at most so long after the bot was read


def compare_untold(result: Comparison, portal: PortalProcess, bot_id: object, trades: Sequence[Answer]) -> None:
    """`trades`: all of the bot's database, open ones too."""
    rows = portal.rows(
        "SELECT trade.* FROM bots_trade trade JOIN bots_botrun run ON run.id = trade.run_id"
        " WHERE trade.bot_id = ? AND trade.gone_at IS NULL AND run.ended_at IS NULL AND trade.is_open = 0",
        bot_id,
    )
    ours = {(row["trade_id"], row["open_ms"]): row for row in rows}
    theirs = {(str(trade["id"]), trade["open_timestamp"]): trade for trade in trades if not trade["is_open"]}
    result.closed = len(ours)
    result.same("closed trades the bot never had", sorted(ours.keys() - known_once(ours, theirs)), [])
    result.same("closed trades that were seen open and are lost", lost(portal, bot_id, ours, theirs), [])
    for key in ours.keys() & theirs.keys():
        held_against(result, f"trade {key[0]}", ours[key], theirs[key], LASTING)
        compare_gaps(result, f"trade {key[0]}", ours[key])


def known_once(ours: dict[tuple[object, object], Answer], theirs: dict[tuple[object, object], Answer]) -> set[object]:
    """A trade deleted at the bot after it closed is out of anyone's sight: it stays."""
    numbers = {trade_id for trade_id, _ in theirs}
    return theirs.keys() | {key for key in ours if key[0] not in numbers}


def compare_gaps(result: Comparison, name: str, row: Answer) -> None:
    told_missing = {gap["figure"] for gap in json.loads(str(row["missing"]))}
    for figure in LOST:
        result.absent(f"{figure} of a closed trade", f"{name} {figure}", row[figure])
        result.same(f"{name} {figure} is said to be missing", figure in told_missing, True)


def lost(
    portal: PortalProcess, bot_id: object, ours: dict[object, Answer], theirs: dict[object, Answer]
) -> list[object]:
    """Closed trades in whose life a whole poll lies, and which the mirror does not have."""
    points = portal.rows("SELECT at FROM bots_snapshot WHERE bot_id = ?", bot_id)
    polls = sorted(epoch_ms(point["at"]) for point in points)
    return sorted(
        key
        for key, trade in theirs.items()
        if key not in ours
        and any(trade["open_timestamp"] + POLL_MS < poll < trade["close_timestamp"] for poll in polls)
    )
