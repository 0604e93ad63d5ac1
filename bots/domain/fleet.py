"""The fleet as one picture: a row a bot, a total per currency and mode, and how old all of it is."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from bots.domain.connection_fields import leads_to
from bots.domain.freshness import WORDS, Freshness, freshness, freshness_of, shown_state
from bots.domain.profit import DAYS_SHOWN, ZERO, Purse, Realized, curve, realized_by_bot, tells_closed_trades, today_in
from bots.models import Bot, BotStatus
from bots.systems.contract import Kind

SORTS = "name mode state age open unrealized currency today d7 d30 all wins win_rate balance drawdown system version"
DECIMALS = {"USDT": 2, "USDC": 2, "BUSD": 2, "USD": 2, "EUR": 2, "BTC": 8, "ETH": 6}


@dataclass(frozen=True)
class FleetQuery:
    mode: str = "both"
    search: str = ""
    state: str = ""
    system: str = ""
    tag: str = ""
    currency: str = ""
    team: str = ""
    sort: str = "name"

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "FleetQuery":
        """From a query string; what it does not understand falls back to the default."""
        names = ("state", "system", "tag", "currency", "team")
        words = {name: str(given.get(name, "")).strip()[:100] for name in names}
        mode = given.get("mode", "both")
        sort = given.get("sort", "name")
        return cls(
            mode=mode if mode in ("live", "dry") else "both",
            search=str(given.get("q", given.get("search", ""))).strip()[:100],
            sort=sort if sort.lstrip("-") in SORTS.split() else "name",
            **words,
        )


@dataclass(frozen=True)
class BotRow:
    """One bot. Money in `currency`; ratios as ratios; None is a figure the bot has not given."""

    bot: Bot
    status: BotStatus
    state: str
    state_word: str
    age_seconds: float | None
    late: bool
    stale: bool
    balance_read: Freshness  # asked more rarely than what moves, and it may fail alone
    profit_read: Freshness  # of the drawdown, and of the bot's own account
    realized: Realized  # in the current purse
    curve: list[Decimal]
    purses: dict[Purse, Realized]  # every purse the bot ever had: the totals need them all

    @property
    def mode(self) -> str:
        return self.status.mode

    @property
    def currency(self) -> str:
        return self.status.stake_currency

    @property
    def decimals(self) -> int:
        return decimals_of(self.currency)

    @property
    def open_count(self) -> int | None:
        return self.status.open_count

    @property
    def slots(self) -> int | None:
        return self.status.slots

    @property
    def unrealized(self) -> Decimal | None:
        return self.status.unrealized

    @property
    def unrealized_ratio(self) -> Decimal | None:
        return self.status.unrealized_ratio

    @property
    def today(self) -> Decimal | None:
        return self.figure(self.realized.today)

    @property
    def d7(self) -> Decimal | None:
        return self.figure(self.realized.d7)

    @property
    def d30(self) -> Decimal | None:
        return self.figure(self.realized.d30)

    @property
    def all(self) -> Decimal | None:
        return self.figure(self.realized.all)

    def figure(self, value: Decimal) -> Decimal | None:
        """Until the closed trades were read to their end nothing is known: not even zero, and a part is not the sum."""
        return value if self.status.history_at is not None else None

    @property
    def untold(self) -> bool:
        """The bot tells nothing of closed trades: it has its own sums, and a part in none of ours."""
        return not tells_closed_trades(self.status)

    @property
    def why_no_sum(self) -> str:
        """Why the realized figures are missing, if they are."""
        if self.untold:
            return "this bot's release tells nothing of closed trades; its own sums stand on its page"
        return "" if self.status.history_at is not None else "its closed trades are not read to their end yet"

    @property
    def wins(self) -> int:
        return self.realized.wins

    @property
    def losses(self) -> int:
        return self.realized.losses

    @property
    def win_rate(self) -> Decimal | None:
        return self.realized.win_rate

    @property
    def balance(self) -> Decimal | None:
        return self.status.balance

    @property
    def drawdown_ratio(self) -> Decimal | None:
        return self.status.max_drawdown_ratio

    @property
    def last_error(self) -> str:
        return self.status.last_error


@dataclass
class Total:
    """Sums over bots in one currency and mode; None: no bot has the figure. `stale_bots` count with their last ones."""

    currency: str
    mode: str
    today: Decimal | None = None
    d7: Decimal | None = None
    d30: Decimal | None = None
    all: Decimal | None = None
    unrealized: Decimal | None = None
    bots: int = 0
    missing: int = 0  # bots whose unrealized profit is not known
    unread: int = 0  # bots whose closed trades were not read to their end yet: in no realized sum
    untold: int = 0  # bots that tell nothing of closed trades: in no realized sum either
    stale_bots: list[str] = field(default_factory=list)
    oldest_age_seconds: float = 0.0

    @property
    def stale(self) -> bool:
        return bool(self.stale_bots)

    @property
    def decimals(self) -> int:
        return decimals_of(self.currency)


@dataclass(frozen=True)
class Day:
    """Realized profit of one day, in each purse that had a close."""

    date: date
    profit: dict[Purse, Decimal]


@dataclass(frozen=True)
class Fleet:
    totals: list[Total]  # live before dry, then by currency
    rows: list[BotRow]
    states: dict[str, int]  # shown state -> bots
    open_trades: dict[str, tuple[int, int]]  # mode -> open trades, slots
    fresh: int
    bots: int
    oldest_age_seconds: float | None
    days: list[Day]  # the last 30, oldest first
    tags: list[str]
    currencies: list[str]
    systems: list[str]
    twice: list[list[BotRow]]  # connections of several teams that lead to one bot: each counts in every sum
    now: datetime


def decimals_of(currency: str) -> int:
    """Places in which people read a currency."""
    return DECIMALS.get(currency, 8 if currency in ("", "BNB") else 2)


def fleet_for(user: User, query: FleetQuery | None = None, now: datetime | None = None) -> Fleet:
    """Everything the Fleet page and `fleet/` show, over the bots this person may see that fit the query."""
    query, now = query or FleetQuery(), now or timezone.now()
    bots = list(Bot.objects.visible_to(user).active().select_related("team", "status"))
    everything = rows_of(bots, now)
    rows = sorted_rows([row for row in everything if fits(row, query)], query.sort)
    return Fleet(
        totals=totals_of(rows, query.mode),
        rows=rows,
        states=dict(Counter(row.state for row in rows)),
        open_trades=open_trades_of(rows),
        fresh=sum(not (row.stale or row.late) for row in rows),
        bots=len(rows),
        oldest_age_seconds=max((row.age_seconds for row in rows if row.age_seconds is not None), default=None),
        days=days_of(rows, query.mode, now),
        tags=sorted({tag for bot in bots for tag in bot.tags}),
        currencies=sorted({row.currency for row in everything if row.currency}),
        systems=sorted({bot.system for bot in bots}),
        twice=same_bots(rows),
        now=now,
    )


def same_bots(rows: list[BotRow]) -> list[list[BotRow]]:
    """Within a team no two connections lead to one bot; who sees several teams may see it more than once."""
    if len({row.bot.team_id for row in rows}) < 2:
        return []
    found: dict[tuple[str, str], list[BotRow]] = {}
    for row in rows:
        if place := leads_to(row.bot.system_class, row.bot.connection):
            found.setdefault((row.bot.system, place), []).append(row)
    return [same for same in found.values() if len({row.bot.team_id for row in same}) > 1]


def rows_of(bots: list[Bot], now: datetime) -> list[BotRow]:
    by_zone: dict[str, list[Bot]] = {}
    for bot in bots:
        by_zone.setdefault(bot.team.time_zone, []).append(bot)
    rows = []
    for zone, theirs in by_zone.items():
        today = today_in(zone, now)
        realized = realized_by_bot([bot.pk for bot in theirs], today)
        rows += [row_of(bot, realized.get(bot.pk, {}), today, now) for bot in theirs]
    return rows


def row_of(bot: Bot, realized: dict[Purse, Realized], today: date, now: datetime) -> BotRow:
    status = bot.status
    fresh, plan = freshness_of(bot, status, now), bot.plan()
    state = shown_state(bot, status, now)
    sums = realized.get(Purse(status.mode, status.stake_currency), Realized())
    return BotRow(
        bot=bot,
        status=status,
        state=state,
        state_word=WORDS.get(state, state),
        age_seconds=fresh.age_seconds,
        late=fresh.late,
        stale=fresh.stale,
        balance_read=freshness(status.balance_at, plan[Kind.BALANCE], now),
        profit_read=freshness(status.profit_at, plan[Kind.PROFIT], now),
        realized=sums,
        curve=curve(sums, today),
        purses=realized,
    )


def fits(row: BotRow, query: FleetQuery) -> bool:
    words = " ".join([row.bot.name, row.bot.slug, *row.bot.tags, row.status.strategy, row.status.exchange]).lower()
    wanted = [
        (row.state, query.state),
        (row.bot.system, query.system),
        (row.currency, query.currency),
        (row.bot.team.slug, query.team),
    ]
    return (
        all(value in ("", have) for have, value in wanted)
        and (query.mode == "both" or any(purse.mode == query.mode for purse, _ in purses_of(row, query.mode)))
        and query.search.lower() in words
        and (not query.tag or query.tag in row.bot.tags)
    )


def sorted_rows(rows: list[BotRow], sort: str) -> list[BotRow]:
    """By one column; bots without the figure stand last either way; the name decides between equals."""
    name, down = sort.lstrip("-"), sort.startswith("-")
    by_name = sorted(rows, key=lambda row: row.bot.name.lower())
    keyed = [(sort_key(row, name), row) for row in by_name]
    have = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=down)
    return [row for _, row in have] + [row for key, row in keyed if key is None]


def sort_key(row: BotRow, name: str) -> Any:
    special = {
        "name": row.bot.name.lower(),
        "state": row.state_word,
        "age": row.age_seconds,
        "open": row.open_count,
        "drawdown": row.drawdown_ratio,
        "system": row.bot.system,
        "version": row.status.version,
        "wins": row.realized.wins,
    }
    return special[name] if name in special else getattr(row, name)


def purses_of(row: BotRow, mode: str) -> Iterable[tuple[Purse, Realized]]:
    purses = dict(row.purses)
    if row.currency:
        purses.setdefault(Purse(row.mode, row.currency), Realized())
    return ((purse, sums) for purse, sums in purses.items() if mode in ("both", purse.mode))


def totals_of(rows: list[BotRow], mode: str = "both") -> list[Total]:
    totals: dict[Purse, Total] = {}
    for row in rows:
        for purse, sums in purses_of(row, mode):
            total = totals.setdefault(purse, Total(purse.currency, purse.mode))
            add_row(total, row, sums, current=purse == (row.mode, row.currency))
    return [totals[purse] for purse in sorted(totals, key=lambda purse: (purse.mode != "live", purse.currency))]


def add_row(total: Total, row: BotRow, sums: Realized, *, current: bool) -> None:
    total.bots += 1
    if current and row.status.history_at is None:
        total.untold += row.untold
        total.unread += not row.untold
    else:
        for name in ("today", "d7", "d30", "all"):
            setattr(total, name, (getattr(total, name) or ZERO) + getattr(sums, name))
    if row.stale or row.late:
        total.stale_bots.append(row.bot.slug)
        total.oldest_age_seconds = max(total.oldest_age_seconds, row.age_seconds or 0.0)
    if current and row.unrealized is None:
        total.missing += 1
    elif current and row.unrealized is not None:
        total.unrealized = (total.unrealized or ZERO) + row.unrealized


def open_trades_of(rows: list[BotRow]) -> dict[str, tuple[int, int]]:
    """Mode -> (open trades, slots); a bot with unlimited slots adds none."""
    return {
        mode: (
            sum(row.open_count or 0 for row in rows if row.mode == mode),
            sum(row.slots or 0 for row in rows if row.mode == mode),
        )
        for mode in ("live", "dry")
    }


def days_of(rows: list[BotRow], mode: str, now: datetime) -> list[Day]:
    sums: dict[date, dict[Purse, Decimal]] = {}
    for row in rows:
        for purse, realized in purses_of(row, mode):
            for day, profit in realized.days.items():
                purses = sums.setdefault(day, {})
                purses[purse] = purses.get(purse, ZERO) + profit
    last = max([today_in(row.bot.team.time_zone, now) for row in rows], default=today_in("UTC", now))
    shown = (last - timedelta(days=age) for age in range(DAYS_SHOWN - 1, -1, -1))
    return [Day(day, sums.get(day, {})) for day in shown]
