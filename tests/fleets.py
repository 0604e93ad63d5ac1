"""Simulated bots made known to the portal, and what each side says of itself, in one form to compare."""

from datetime import UTC, datetime
from decimal import Decimal

from accounts.models import Team
from bots.domain.polling.asking import PollResult
from bots.domain.polling.by_hand import poll_now
from bots.models import Bot, BotRun, BotStatus, PollTurn, Trade
from bots.simulator import SimBot


def known(sim: SimBot, team: Team, **changes: object) -> Bot:
    """The simulated bot as a connection of the team."""
    bot = Bot(team=team, name=sim.name, system="freqtrade", connection={"url": sim.url, "username": sim.spec.username})
    for name, value in changes.items():
        setattr(bot, name, value)
    bot.slug = bot.free_slug()
    bot.set_secret("password", sim.spec.handed_password or sim.spec.password)
    bot.save()
    BotStatus.objects.create(bot=bot)
    PollTurn.objects.create(bot=bot)
    return bot


def polled(bot: Bot) -> PollResult:
    """One whole poll, whatever is due; the bot's rows are fresh afterwards."""
    result = poll_now(bot)
    bot.refresh_from_db()
    return result


def settled(bot: Bot, polls: int = 4) -> None:
    """Polls until the mirror has had its chance to agree."""
    for _ in range(polls):
        polled(bot)


def current_run(bot: Bot) -> BotRun:
    return BotRun.objects.get(bot=bot, ended_at=None)


Row = tuple[str, int, str, bool, Decimal, Decimal, Decimal | None, Decimal | None]


def mirrored(bot: Bot) -> list[Row]:
    """(id, open ms, pair, open, amount, open rate, close rate, realized profit) of the trades in totals, by id."""
    trades = Trade.objects.filter(run=current_run(bot)).counted()
    rows = [
        (t.trade_id, t.open_ms, t.pair, t.is_open, t.amount, t.open_rate, t.close_rate, t.profit_abs) for t in trades
    ]
    return sorted(rows, key=lambda row: (int(row[0]), row[1]))


def at_the_bot(sim: SimBot) -> list[Row]:
    """The same of the simulator's own book."""
    rows = []
    for trade in sim.book.trades.values():
        closed = not trade.is_open
        rows.append(
            (
                str(trade.trade_id),
                known_open_ms(sim, trade.open_ms),
                trade.pair,
                trade.is_open,
                decimal(shown_amount(sim, trade.amount, trade.amount_requested)),
                decimal(trade.open_rate),
                decimal(trade.close_rate) if closed else None,
                decimal(trade.close_profit_abs) if closed and sim.release.since("2020.6") else None,
            )
        )
    return sorted(rows, key=lambda row: (int(row[0]), row[1]))


def known_open_ms(sim: SimBot, open_ms: int) -> int:
    """Until 2020.4 a bot dates its trades to the second."""
    return open_ms if sim.release.since("2020.5") else open_ms // 1000 * 1000


def shown_amount(sim: SimBot, held: float, requested: float) -> float:
    """Releases before 2024.4 show the requested amount while an entry is unfilled."""
    return held if held or sim.release.since("2024.4") else requested


def decimal(figure: float | None) -> Decimal | None:
    """As the bot writes it."""
    return None if figure is None else Decimal(repr(figure))


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
