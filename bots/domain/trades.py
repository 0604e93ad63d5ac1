"""Trades of every bot a person may see: filtered, ordered, and the open ones with their moving figures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from accounts.models import User
from bots.domain.freshness import freshness_of
from bots.models import Bot, Trade
from bots.models.money import exact

ORDERINGS = (
    "open_date",
    "close_date",
    "profit_abs",
    "profit_ratio",
    "pair",
    "bot",
    "stake_amount",
    "amount",
    "open_rate",
    "close_rate",
    "side",
    "exit_reason",
    "enter_tag",
    "trade_id",
)


@dataclass(frozen=True)
class TradeQuery:
    status: str = ""  # open, closed, "" both
    bot: str = ""
    bot_tag: str = ""
    pair: str = ""
    side: str = ""
    mode: str = ""
    currency: str = ""
    enter_tag: str = ""
    exit_reason: str = ""
    since: datetime | None = None  # closed (or, while open, opened) at or after
    until: datetime | None = None  # ... before
    ordering: str = ""
    search: str = ""  # within the bot's name, the pair or the enter tag; or the bot's own id of the trade

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "TradeQuery":
        """From a query string (`from` and `to` are ISO dates or date-times). Raises ValueError naming the parameter."""
        names = ("status", "bot", "bot_tag", "pair", "side", "mode", "currency", "enter_tag", "exit_reason")
        words = {name: str(given.get(name, "")).strip()[:255] for name in names}
        if wrong := [name for name, value in given.items() if "\x00" in str(value)]:
            raise ValueError(f"{wrong[0]}: a sign no text has")
        ordering = given.get("ordering", given.get("sort", ""))
        if ordering and ordering.lstrip("-") not in ORDERINGS:
            raise ValueError(f"ordering: one of {', '.join(ORDERINGS)}")
        words["mode"] = "" if words["mode"] == "both" else words["mode"]
        for name, allowed in (("status", ("open", "closed")), ("side", ("long", "short")), ("mode", ("live", "dry"))):
            if words[name] and words[name] not in allowed:
                raise ValueError(f"{name}: one of {', '.join(allowed)}")
        search = str(given.get("q", given.get("search", ""))).strip()[:100]
        return cls(**words, since=moment(given, "from"), until=moment(given, "to"), ordering=ordering, search=search)


def moment(given: Mapping[str, str], name: str) -> datetime | None:
    """An ISO date-time, or a date: `from` its beginning, `to` its end (UTC)."""
    text = str(given.get(name, "")).strip()
    if not text:
        return None
    try:
        stamp, day = parse_datetime(text) if len(text) > 10 else None, parse_date(text[:10])
    except ValueError:
        stamp = day = None
    if stamp is None and (day is None or len(text) > 10):
        raise ValueError(f"{name}: an ISO date or date-time")
    if stamp is None:
        assert day is not None
        stamp = datetime.combine(day, time.min if name == "from" else time.max)
    try:
        return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(f"{name}: beyond the calendar") from None


def trades_for(user: User, query: TradeQuery | None = None) -> QuerySet[Trade]:
    """Mirrored trades the person may see, those gone at the bot left out; newest close first, open ones before all."""
    query = query or TradeQuery()
    trades = Trade.objects.visible_to(user).counted().filter(matches(query.search), **conditions(query))
    if query.bot_tag:
        # JSON containment is not offered by SQLite: the tags of the bots a person sees are few, so they are read.
        tagged = [bot.pk for bot in Bot.objects.visible_to(user) if query.bot_tag in bot.tags]
        trades = trades.filter(bot__in=tagged)
    return trades.select_related("bot__team", "bot__status", "run").order_by(*order(query.ordering))


def matches(search: str) -> Q:
    if not search:
        return Q()
    within = Q(bot__name__icontains=search) | Q(pair__icontains=search) | Q(enter_tag__icontains=search)
    return within | Q(trade_id=search)


def conditions(query: TradeQuery) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "bot__slug": query.bot,
        "pair__iexact": query.pair,
        "side": query.side,
        "mode": query.mode,
        "currency": query.currency,
        "enter_tag": query.enter_tag,
        "exit_reason": query.exit_reason,
    }
    chosen = {name: value for name, value in wanted.items() if value}
    if query.status == "open":
        chosen |= {"is_open": True, "run__ended_at": None, "bot__retired_at": None}
    elif query.status == "closed":
        chosen["is_open"] = False
    date_field = "open_date" if query.status == "open" else "close_date"
    if query.since:
        chosen[f"{date_field}__gte"] = query.since
    if query.until:
        chosen[f"{date_field}__lte"] = query.until
    return chosen


def order(ordering: str) -> list[Any]:
    if not ordering:
        return [F("close_date").desc(nulls_first=True), F("open_date").desc(), "-id"]
    name = {"bot": "bot__name"}.get(ordering.lstrip("-"), ordering.lstrip("-"))
    by = F(name).desc(nulls_last=True) if ordering.startswith("-") else F(name).asc(nulls_last=True)
    return [by, "-id"]


@dataclass(frozen=True)
class OpenRow:
    """An open trade with what moves: unrealized profit in the trade's currency, as of `age_seconds` ago."""

    trade: Trade
    current_rate: Decimal | None
    profit_abs: Decimal | None
    profit_ratio: Decimal | None
    stop_rate: Decimal | None
    missing: tuple[tuple[str, str], ...]  # (figure, reason)
    age_seconds: float | None
    late: bool
    stale: bool


def open_trade_rows(trades: Iterable[Trade], now: datetime) -> list[OpenRow]:
    """One row a trade; the status rows of their bots are read in one query."""
    listed = list(trades)
    bots = Bot.objects.select_related("status").in_bulk({trade.bot_id for trade in listed})
    return [open_row(trade, bots[trade.bot_id], now) for trade in listed]


def open_row(trade: Trade, bot: Bot, now: datetime) -> OpenRow:
    figures = bot.status.moving.get(trade.trade_id, {})
    if figures.get("open_ms") != trade.open_ms:
        figures = {}
    fresh = freshness_of(bot, bot.status, now)
    return OpenRow(
        trade=trade,
        current_rate=figure(figures, "current_rate"),
        profit_abs=figure(figures, "profit_abs"),
        profit_ratio=figure(figures, "profit_ratio"),
        stop_rate=figure(figures, "stop_rate"),
        missing=tuple((gap["figure"], gap["reason"]) for gap in figures.get("missing", ())),
        age_seconds=fresh.age_seconds,
        late=fresh.late,
        stale=fresh.stale,
    )


def figure(figures: Mapping[str, Any], name: str) -> Decimal | None:
    value = figures.get(name)
    return None if value is None else exact(value)
