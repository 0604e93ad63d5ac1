"""A database full of closed trades, written the fastest way each engine has: COPY, or one prepared INSERT."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

LAST = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAYS = 365
PAIRS = [f"COIN{number}/USDT" for number in range(40)]


def people_and_runs(bots: int) -> tuple[Any, list[Any]]:
    """Alice, who may look, and the runs of her team's bots: nine of ten live, the others dry."""
    from accounts.models import Membership, Team, User
    from bots.models import Bot, BotRun, BotStatus, PollTurn

    team = Team.objects.create(name="Bench", slug="bench")
    alice = User.objects.create(username="alice")
    Membership.objects.create(user=alice, team=team, role="viewer")
    names = [f"bot-{number}" for number in range(bots)]
    made = Bot.objects.bulk_create([Bot(team=team, name=name, slug=name, system="freqtrade") for name in names])
    BotStatus.objects.bulk_create([BotStatus(bot=bot, history_at=LAST, capabilities=["closed_trades"]) for bot in made])
    PollTurn.objects.bulk_create([PollTurn(bot=bot) for bot in made])
    modes = ["dry" if number % 10 == 0 else "live" for number in range(bots)]
    runs = [BotRun(bot=bot, number=1, mode=mode, currency="USDT") for bot, mode in zip(made, modes, strict=True)]
    return alice, BotRun.objects.bulk_create(runs)


# What all of them have in common.
SAME = {
    "currency": "USDT", "side": "long", "is_open": False, "leverage": "1", "amount": "12.34567891",
    "stake_amount": "100.00000001", "open_rate": "8.1", "close_rate": "8.2", "strategy": "Bench", "timeframe": "5m",
    "exchange": "binance", "orders": "[]", "missing": "[]", "digest": "d" * 32,
}  # fmt: skip
OWN = (
    "bot_id", "run_id", "mode", "trade_id", "open_ms", "open_date", "close_date", "close_day", "seen_at", "changed_at",
    "profit_abs", "profit_ratio", "pair", "enter_tag", "exit_reason",
)  # fmt: skip
COLUMNS = (*OWN, *SAME)


def rows_of(runs: list[Any], numbers: range, zone: str) -> Iterator[tuple[Any, ...]]:
    """Of the COLUMNS, as both engines take them; `zone` stands behind every moment. The bots take turns, and the closes
    lie scattered over the year, whichever order they are written in."""
    end, tail = int(LAST.timestamp()), tuple(SAME.values())
    days = [f"{datetime.fromtimestamp(end - 86400 * age, UTC):%Y-%m-%d}" for age in range(DAYS + 2)]
    own = [(run.bot_id, run.pk, run.mode) for run in runs]
    for number in numbers:
        closed = end - number * 7919 % (DAYS * 86400)
        opened = closed - 600 - number % 7200
        profit = number * 7919 % 200_003 - 95_000
        moment = moment_of(closed, days, zone)
        yield (
            *own[number % len(own)], str(number), opened * 1000, moment_of(opened, days, zone), moment, moment[:10],
            moment, moment, figure(profit, 4), figure(profit, 6), PAIRS[number % 41 % len(PAIRS)],
            f"tag-{number % 7}", ("roi", "stop_loss", "exit_signal")[number % 3], *tail,
        )  # fmt: skip


def figure(units: int, places: int) -> str:
    """As the portal writes it: without zeros at the end."""
    return f"{units / 10**places:.{places}f}".rstrip("0").rstrip(".") if units else "0"


def moment_of(seconds: int, days: list[str], zone: str) -> str:
    day = days[(int(LAST.timestamp()) // 86400) - seconds // 86400]
    minutes, second = divmod(seconds % 86400, 60)
    return f"{day} {minutes // 60:02}:{minutes % 60:02}:{second:02}{zone}"


def fill(runs: list[Any], start: int, end: int) -> None:
    """Trades start to end, no rollups."""
    from django.db import connection, transaction

    put = inserted if connection.vendor == "sqlite" else copied
    with without_indexes(), transaction.atomic():
        put(runs, range(start, end))
    analyzed()


def analyzed() -> None:
    """The planner's statistics are those of the rows there are."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def inserted(runs: list[Any], numbers: range) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size = -200000")
        marks = ", ".join("?" * len(COLUMNS))
        insert = f"INSERT INTO bots_trade ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608
        connection.connection.executemany(insert, rows_of(runs, numbers, ""))
        cursor.execute("PRAGMA cache_size = -2000")  # SQLite's own


def copied(runs: list[Any], numbers: range) -> None:
    from django.db import connection

    for first in range(numbers.start, numbers.stop, 100_000):  # each within the portal's patience
        part = range(first, min(first + 100_000, numbers.stop))
        with connection.cursor() as cursor, cursor.copy(f"COPY bots_trade ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for row in rows_of(runs, part, "+00"):
                copy.write_row(row)


@contextmanager
def without_indexes() -> Iterator[None]:
    """They are made again in one go: faster than row by row."""
    from django.db import connection

    from bots.models import Trade

    with connection.schema_editor() as editor:
        for index in Trade._meta.indexes:
            editor.remove_index(Trade, index)
    yield
    with connection.schema_editor() as editor:
        for index in Trade._meta.indexes:
            editor.add_index(Trade, index)
