"""Makers of people, teams, bots and trades, as plain functions. They save rows directly: no announcements, no audit."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count as counting

from django.utils import timezone

from accounts.access import Role
from accounts.models import Membership, Team, User
from bots.domain import rollups
from bots.domain.close_days import close_days_anew
from bots.models import Bot, BotReading, BotRun, BotStatus, PollTurn, Trade

QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes half a second on purpose
PASSWORD = "correct-horse-7"


def person(username: str, *, password: str = PASSWORD, **values: object) -> User:
    user = User(username=username, **{"email": f"{username}@example.org", **values})
    user.set_password(password)
    user.save()
    return user


def team(name: str, **values: object) -> Team:
    return Team.objects.create(name=name, **{"slug": name.lower(), **values})


def member(user: User, of: Team, role: str = Role.VIEWER) -> Membership:
    return Membership.objects.create(user=user, team=of, role=role)


numbers = counting(1)


def a_bot(team: Team, name: str = "btc-trend-01", *, status: dict[str, object] | None = None, **values: object) -> Bot:
    """A connected bot that was seen just now. `status`: what its BotStatus says otherwise."""
    url = {"url": "http://10.8.0.12:8080", "username": "freqtrader"}
    bot = Bot(team=team, name=name, system="freqtrade", **{"connection": url, **values})
    bot.slug = bot.free_slug()
    bot.save()
    PollTurn.objects.create(bot=bot)
    a_status(bot, **(status or {}))
    return bot


def a_status(bot: Bot, **values: object) -> BotStatus:
    """A running live bot in USDT without an open trade, unless told otherwise."""
    now = timezone.now()
    given = {
        "state": "running",
        "mode": "live",
        "version": "2026.9",
        "stake_currency": "USDT",
        "stake_currency_decimals": 3,
        "strategy": "TrendRider",
        "exchange": "binance",
        "trading_mode": "spot",
        "timeframe": "1h",
        "open_count": 0,
        "slots": 5,
        "unrealized": Decimal(0),
        "balance": Decimal("1000"),
        "seen_at": now,
        "answered_at": values.get("seen_at", now),
        "history_at": now if values.get("stake_currency", "USDT") else None,
        "tried_at": now,
        "latency_ms": 182,
        "polls": 1,
        "requests": 5,
    }
    return BotStatus.objects.create(bot=bot, **{**given, **values})


def a_run(bot: Bot) -> BotRun:
    """The bot's current run."""
    facts = {"mode": bot.status.mode, "currency": bot.status.stake_currency}
    return BotRun.objects.get_or_create(bot=bot, ended_at=None, defaults={"number": 1, **facts})[0]


def moved_to(zone: str, team: Team) -> None:
    """The team's days begin there, and its trades are put on them."""
    Team.objects.filter(pk=team.pk).update(time_zone=zone)
    close_days_anew(team.pk)


def a_trade(bot: Bot, profit: str | None = None, *, ratio: str | None = None, **values: object) -> Trade:
    """Closed just now with this profit in the stake currency; without one, still open since two hours."""
    closed = profit is not None
    close_date: datetime | None = values.pop("close_date", just_now() if closed else None)  # type: ignore[assignment]
    open_date = (close_date or just_now()) - timedelta(hours=2)
    run = values.pop("run", None) or a_run(bot)
    given = {
        "trade_id": str(next(numbers)),
        "mode": bot.status.mode,
        "currency": bot.status.stake_currency,
        "pair": "BTC/USDT",
        "side": "long",
        "is_open": not closed,
        "leverage": Decimal(1),
        "amount": Decimal("0.01"),
        "stake_amount": Decimal("1000"),
        "open_rate": Decimal("100000"),
        "close_rate": Decimal("101000") if closed else None,
        "open_date": open_date,
        "close_date": close_date,
        "close_day": close_date.date() if close_date else None,
        "profit_abs": Decimal(profit) if profit is not None else None,
        "profit_ratio": Decimal(ratio) if ratio is not None else None,
        "enter_tag": "ema_pull",
        "exit_reason": "roi" if closed else None,
        "seen_at": timezone.now(),
        "changed_at": timezone.now(),
    }
    given |= values
    given.setdefault("open_ms", int(given["open_date"].timestamp() * 1000))  # type: ignore[attr-defined]
    trade = Trade.objects.create(bot=bot, run=run, **given)
    count(bot, trade)
    return trade


def just_now() -> datetime:
    """In whole milliseconds, as bots tell moments."""
    now = timezone.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def count(bot: Bot, *trades: Trade) -> None:
    """Bring the bot's rollups in step with trades that were written directly."""
    rollups.recount({bot: {rollups.day_of(trade.close_day) for trade in trades}})


def moving(trade: Trade, *, profit: str | None, ratio: str | None, rate: str = "100500", stop: str = "95000") -> None:
    """What moves of an open trade, as its bot's status holds it."""
    status = trade.bot.status
    figures = {"current_rate": rate, "profit_abs": profit, "profit_ratio": ratio, "stop_rate": stop}
    status.moving = {**status.moving, trade.trade_id: {"open_ms": trade.open_ms, **figures}}
    status.save(update_fields=["moving"])


def a_reading(bot: Bot, kind: str, data: dict[str, object], **values: object) -> BotReading:
    return BotReading.objects.create(bot=bot, kind=kind, data=data, **{"read_at": timezone.now(), **values})
