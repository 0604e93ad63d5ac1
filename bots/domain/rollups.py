"""The profit rollups, kept in step with the trades: whoever writes closed trades counts their days anew, in the same
transaction.

A day that was touched is summed from its trades again, so a wrong row mends itself with the next trade; the levels
above it take over the difference. Rows of zero trades are not kept: after any history the rollups are exactly the sums
over the trades. Whoever writes trades of a bot holds its turn (PollTurn), so nobody else counts its days meanwhile;
many bots add to a team's day at once, so that happens last and in one order.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Team
from bots.domain.sums import Sums
from bots.models import Bot, BotDay, BotLifetime, PollTurn, TeamDay, Trade
from bots.models.rollup import UNDATED, Rollup, summed
from bots.models.rows import add_to_rows, put_rows

log = logging.getLogger(__name__)

# One query names so many days; of more, the bot's whole history is summed.
MOST_DAYS = 200
Key = tuple[Any, ...]  # in the order of the level's KEYS
Level = TypeVar("Level", bound=Rollup)


def day_of(close_day: date | None) -> date:
    """Where a closed trade counts."""
    return UNDATED if close_day is None else close_day


def recount(touched: Mapping[Bot, set[date]]) -> None:
    """Sum these days of these bots again. In the transaction that wrote their trades, by the holder of their turns."""
    lifetimes: dict[Key, Sums] = {}
    team_days: dict[Key, Sums] = {}
    for bot, days in touched.items():
        for (day, mode, currency), more in recount_bot(bot, days).items():
            lifetimes.setdefault((bot.pk, mode, currency), Sums()).add(more)
            team_days.setdefault((bot.team_id, day, mode, currency), Sums()).add(more)
    add(BotLifetime, lifetimes)
    add(TeamDay, team_days)


def recount_bot(bot: Bot, days: set[date]) -> dict[Key, Sums]:
    """Bring the days' rows in step; by (day, mode, currency) what they have more than before."""
    chosen = Q() if len(days) > MOST_DAYS else Q(day__in=days)
    rows = {key_of(row)[1:]: row for row in BotDay.objects.filter(chosen, bot=bot)}
    before = {key: sums_of(row) for key, row in rows.items()}
    after = counted(Trade.objects.filter(bot=bot), days)
    changed = [row_of(BotDay, (bot.pk, *key), sums) for key, sums in after.items() if before.get(key) != sums]
    BotDay.objects.filter(pk__in=[row.pk for key, row in rows.items() if key not in after]).delete()
    put_rows(changed, BotDay.KEYS, BotDay.COLUMNS)
    empty = Sums()
    return {key: after.get(key, empty).minus(before.get(key, empty)) for key in {*before, *after}}


def counted(trades: QuerySet[Trade], days: set[date] | None = None) -> dict[Key, Sums]:
    """(day, mode, currency) -> sums over the trades themselves."""
    closed = trades.closed()  # type: ignore[attr-defined]
    if days is not None and len(days) <= MOST_DAYS:
        undated = Q(close_day=None) if UNDATED in days else Q()
        closed = closed.filter(Q(close_day__in=days) | undated)
    found = summed(closed, "close_day", "mode", "currency")
    return {(day_of(row["close_day"]), row["mode"], row["currency"]): Sums.of(row) for row in found}


def add(level: type[Rollup], more: Mapping[Key, Sums]) -> None:
    """Add to the level's rows, always in the same order: two writers never wait for each other in a circle."""
    empty = Sums()
    rows = [row_of(level, key, more[key]) for key in sorted(more) if more[key] != empty]
    add_to_rows(rows, level.KEYS, Rollup.COLUMNS)
    shrunk = [row for row in rows if row.trades < 0]
    for row in shrunk:
        level._default_manager.filter(**{name: getattr(row, name) for name in level.KEYS}, trades=0).delete()


def key_of(row: Rollup) -> Key:
    return tuple(getattr(row, name) for name in names_of(type(row)))


def row_of(level: type[Level], key: Key, sums: Sums) -> Level:
    return level(
        **dict(zip(names_of(level), key, strict=True)), **{name: getattr(sums, name) for name in Rollup.COLUMNS}
    )


def names_of(level: type[Rollup]) -> list[str]:
    """The keys as attributes: bot_id for bot."""
    return [level._meta.get_field(name).attname for name in level.KEYS]  # type: ignore[union-attr]


def sums_of(row: Rollup) -> Sums:
    return Sums(*(getattr(row, name) for name in Rollup.COLUMNS))


# --- A team's days begin elsewhere ----------------------------------------------------------------------------------


def close_days_anew(team_id: int, zone: str) -> None:
    """Put every closed trade of the team on its day again, bot by bot."""
    for bot in Bot.objects.filter(team=team_id).order_by("pk"):
        with transaction.atomic():
            PollTurn.objects.select_for_update(of=("self",)).filter(bot=bot).first()
            recount({bot: moved_days(bot, ZoneInfo(zone))})


def moved_days(bot: Bot, zone: ZoneInfo) -> set[date]:
    """Every day that lost or won a trade."""
    days: set[date] = set()
    batch: list[Trade] = []
    dated = Trade.objects.filter(bot=bot, is_open=False, close_date__isnull=False)
    for trade in dated.only("pk", "close_date", "close_day"):
        day = day_in(zone, trade.close_date)
        if day != trade.close_day:
            days |= {day_of(trade.close_day), day}
            trade.close_day = day
            batch.append(trade)
    Trade.objects.bulk_update(batch, ["close_day"], batch_size=1000)
    return days


def day_in(zone: ZoneInfo, moment: datetime | None) -> date:
    assert moment is not None
    return timezone.localtime(moment, zone).date()


# --- Whether they are right -----------------------------------------------------------------------------------------


def differences(team: Team) -> list[str]:
    """Rollups of the team that are not the sums of their trades, each as a sentence; empty is right.

    Asked while polls write, it may see a trade and not yet its rollup: ask twice, or in a transaction that holds the
    turns.
    """
    trades = sums_from_trades(team)
    return [
        sentence
        for level in (BotDay, BotLifetime, TeamDay)
        for sentence in compared(level.__name__, stored(level, team), trades[level])
    ]


def compared(level: str, have: Mapping[Key, Sums], should: Mapping[Key, Sums]) -> Iterable[str]:
    for key in sorted({*have, *should}):
        if have.get(key) != should.get(key):
            yield f"{level} {key}: {have.get(key)} instead of {should.get(key)}"


def stored(level: type[Rollup], team: Team) -> dict[Key, Sums]:
    owner = {"team": team} if level is TeamDay else {"bot__team": team}
    return {key_of(row): sums_of(row) for row in level._default_manager.filter(**owner)}


def sums_from_trades(team: Team) -> dict[type[Rollup], dict[Key, Sums]]:
    """Every level of the team as it should be."""
    found = summed(Trade.objects.filter(bot__team=team).closed(), "bot", "close_day", "mode", "currency")
    levels: dict[type[Rollup], dict[Key, Sums]] = {BotDay: {}, BotLifetime: {}, TeamDay: {}}
    for row in found:
        sums, day, purse = Sums.of(row), day_of(row["close_day"]), (row["mode"], row["currency"])
        levels[BotDay][row["bot"], day, *purse] = sums
        levels[BotLifetime].setdefault((row["bot"], *purse), Sums()).add(sums)
        levels[TeamDay].setdefault((team.pk, day, *purse), Sums()).add(sums)
    return levels


def held(team: Team) -> None:
    """Until the commit nobody else writes trades of the team."""
    list(PollTurn.objects.filter(bot__team=team).order_by("pk").select_for_update(of=("self",)))


def rebuild(team: Team) -> None:
    """Make every rollup of the team anew from its trades; its polls write again when this is done."""
    with transaction.atomic():
        held(team)
        for level, rows in sums_from_trades(team).items():
            owner = {"team": team} if level is TeamDay else {"bot__team": team}
            level._default_manager.filter(**owner).delete()
            level._default_manager.bulk_create([row_of(level, key, rows[key]) for key in sorted(rows)], batch_size=500)
    log.warning("the profit rollups of team %s were counted anew from its trades", team.slug)


def really_wrong(team: Team) -> list[str]:
    """As differences, but never because a poll was writing meanwhile."""
    if not differences(team):
        return []
    with transaction.atomic():
        held(team)
        return differences(team)


def mend(team: Team) -> list[str]:
    """Make them anew where they are wrong; what was wrong."""
    with transaction.atomic():
        wrong = really_wrong(team)
        if wrong:
            rebuild(team)
    return wrong
