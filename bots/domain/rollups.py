"""The profit rollups, kept in step with the trades: whoever writes closed trades counts their days anew, in the same
transaction.

A day that was touched is summed from its trades again, so a wrong row mends itself with the next trade; the levels
above it take over the difference. Rows of zero trades are not kept: after any history the rollups are exactly the sums
over the trades. Whoever writes trades of a bot holds its turn (PollTurn), so nobody else counts its days meanwhile;
many bots add to a team's day at once, so that happens last and in one order.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from accounts.models import Team
from bots.domain.log_lines import about
from bots.domain.sums import Sums
from bots.models import Bot, BotDay, BotLifetime, PollTurn, TeamDay, Trade
from bots.models.installation import Installation
from bots.models.money import ExactSum
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


def recount_whole(bot: Bot) -> None:
    """Every day of the bot. As `recount`."""
    more = recount_bot(bot, None)
    lifetimes: dict[Key, Sums] = {}
    for (_, mode, currency), sums in more.items():
        lifetimes.setdefault((bot.pk, mode, currency), Sums()).add(sums)
    add(BotLifetime, lifetimes)
    add(TeamDay, {(bot.team_id, *key): sums for key, sums in more.items()})


def recount_bot(bot: Bot, days: set[date] | None) -> dict[Key, Sums]:
    """Bring the rows of these days (None: of all) in step; by (day, mode, currency) what they have more than before."""
    chosen = Q() if days is None or len(days) > MOST_DAYS else Q(day__in=days)
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


# --- Whether they are right -----------------------------------------------------------------------------------------


def differences(team: Team) -> list[str]:
    """Rollups of the team that are not the sums of their trades, each as a sentence; empty is right.

    Asked while polls write, it may see a trade and not yet its rollup: `really_wrong` does not.
    """
    owners: dict[type[Rollup], str] = {BotDay: "bot__team", BotLifetime: "bot__team", TeamDay: "team"}
    trades = sums_from_trades(bot__team=team)
    return [
        sentence
        for level, owner in owners.items()
        for sentence in differing(level, stored(level, **{owner: team}), trades[level])
    ]


def compared(level: str, have: Mapping[Key, Sums], should: Mapping[Key, Sums]) -> Iterable[str]:
    for key in sorted({*have, *should}):
        if have.get(key) != should.get(key):
            yield f"{level} {key}: {have.get(key)} instead of {should.get(key)}"


def stored(level: type[Rollup], **owner: object) -> dict[Key, Sums]:
    rows = level._default_manager.filter(**owner).values_list(*names_of(level), *Rollup.COLUMNS)
    keys = len(level.KEYS)
    return {row[:keys]: Sums(*row[keys:]) for row in rows.iterator()}


def sums_from_trades(**owner: object) -> dict[type[Rollup], dict[Key, Sums]]:
    """Every level as it should be, of the trades of these bots."""
    found = summed(Trade.objects.filter(**owner).closed(), "bot", "bot__team", "close_day", "mode", "currency")
    levels: dict[type[Rollup], dict[Key, Sums]] = {BotDay: {}, BotLifetime: {}, TeamDay: {}}
    for row in found.iterator():
        sums, day, purse = Sums.of(row), day_of(row["close_day"]), (row["mode"], row["currency"])
        levels[BotDay][row["bot"], day, *purse] = sums
        levels[BotLifetime].setdefault((row["bot"], *purse), Sums()).add(sums)
        levels[TeamDay].setdefault((row["bot__team"], day, *purse), Sums()).add(sums)
    return levels


def sums_of_bots(team: Team) -> dict[Key, Sums]:
    """The team's days as its bots' days make them."""
    sums = {name: Sum(name) for name in Rollup.COLUMNS} | {name: ExactSum(name) for name in ("profit", "lost", "stake")}
    renamed = {f"sum_{name}": sums[name] for name in Rollup.COLUMNS}
    found = BotDay.objects.filter(bot__team=team).order_by().values_list("day", "mode", "currency").annotate(**renamed)
    return {(team.pk, *row[:3]): Sums(*row[3:]) for row in found.iterator()}


# --- Looked at and mended, a bot at a time: whoever writes waits for one bot's sums and not for all -------------------


def really_wrong(team: Team) -> list[str]:
    """What is not as it should be, never because a poll was writing meanwhile: bots' rows against their trades, the
    team's days against its bots'."""
    return examined(team, mending=False)


def mend(team: Team) -> list[str]:
    """As `really_wrong`, and what is wrong is made anew."""
    wrong = examined(team, mending=True)
    if wrong:
        log.warning("%d profit rollups of team %s were wrong and are counted anew", len(wrong), team.slug)
    return wrong


def examined(team: Team, *, mending: bool) -> list[str]:
    bots = Bot.objects.filter(team=team).order_by("pk")
    wrong = [sentence for bot in bots for sentence in of_bot(bot, mending=mending)]
    return wrong + of_team(team, mending=mending)


def of_bot(bot: Bot, *, mending: bool) -> list[str]:
    """Looked at twice: the first time nobody has to wait."""
    if not any(differing(level, has, should) for level, has, should in levels_of(bot)):
        return []
    with transaction.atomic():
        held(bot=bot)
        return [
            sentence
            for level, has, should in levels_of(bot)
            for sentence in put_right(level, has, should, mending=mending, bot=bot)
        ]


def levels_of(bot: Bot) -> list[tuple[type[Rollup], dict[Key, Sums], dict[Key, Sums]]]:
    """(level, as it is, as it should be)"""
    should = sums_from_trades(bot=bot)
    return [(level, stored(level, bot=bot), should[level]) for level in (BotDay, BotLifetime)]


def of_team(team: Team, *, mending: bool) -> list[str]:
    if not differing(TeamDay, stored(TeamDay, team=team), sums_of_bots(team)):
        return []
    with transaction.atomic():
        held(bot__team=team)
        return put_right(TeamDay, stored(TeamDay, team=team), sums_of_bots(team), mending=mending, team=team)


def differing(level: type[Rollup], has: Mapping[Key, Sums], should: Mapping[Key, Sums]) -> list[str]:
    return list(compared(level.__name__, has, should))


def put_right(
    level: type[Rollup], has: Mapping[Key, Sums], should: Mapping[Key, Sums], *, mending: bool, **owner: object
) -> list[str]:
    """By the holder of the turns; what was wrong."""
    wrong = differing(level, has, should)
    if wrong and mending:
        bot = owner.get("bot")
        extra = about(bot.slug) if isinstance(bot, Bot) else None
        for sentence in wrong:
            log.error("a profit rollup was wrong and is made anew: %s", sentence, extra=extra)
        level._default_manager.filter(**owner).delete()
        put_rows([row_of(level, key, should[key]) for key in sorted(should)], level.KEYS)
    return wrong


def held(**owner: object) -> None:
    """Until the commit nobody else writes trades of these bots."""
    list(PollTurn.objects.filter(**owner).order_by("pk").select_for_update(of=("self",)))


# --- Every day ------------------------------------------------------------------------------------------------------

QUIET_HOUR = 4  # UTC
SOONEST, LATEST = timedelta(hours=12), timedelta(hours=36)


def due(now: datetime) -> bool:
    """Once a day in the quiet hour; one that is off at that hour does it by day, 36 h after the last."""
    last = Installation.objects.filter(pk=1).values_list("rollups_at", flat=True).first()
    if last is None or not now - LATEST < last <= now:
        return True
    return now.hour == QUIET_HOUR and now - last > SOONEST


def mend_all(now: datetime) -> None:
    """They are kept with the trades; that they are right is looked at every day all the same."""
    for team in Team.objects.order_by("pk"):
        mend(team)
    Installation.objects.filter(pk=1).update(rollups_at=now)
