"""What a poll makes of a bot's status row: its state, its figures with their moments, or why it gives none."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from bots.domain.log_lines import about
from bots.domain.polling.asking import PollResult
from bots.models import BotStatus
from bots.models.money import exact
from bots.systems.contract import Balance, BotState, Health, Kind, OpenTrade, OpenTrades, Profit
from bots.systems.errors import NeedsAPerson, WrongPassword

log = logging.getLogger(__name__)

# One lost request is no news; two in a row are.
FAILURES_UNTIL_OFFLINE = 2
MOST_SLOTS = 100_000  # a number beyond is no number of slots: as good as unlimited
MONEY = (
    "total_stake",
    "unrealized",
    "unrealized_ratio",
    "balance",
    "closed_profit",
    "max_drawdown_ratio",
)
DESCRIPTION = (
    "state",
    "mode",
    "version",
    "stake_currency",
    "stake_currency_decimals",
    "strategy",
    "exchange",
    "trading_mode",
    "timeframe",
)

WORDS = attrgetter(*DESCRIPTION, "bot_name")


def failed(status: BotStatus, result: PollResult, now: datetime) -> set[str]:
    """The bot gave nothing: its figures stay, with their age; the row says why. Returns what changed."""
    error = result.error
    assert error is not None
    before = (status.state, status.error_code, status.last_error)
    status.tried_at = now
    status.failures += 1
    status.polls += 1
    status.polls_failed += 1
    status.requests += result.requests
    status.failing_since = status.failing_since or now
    status.error_code, status.last_error = error.code, str(error)[:500]
    status.auth_failures = status.auth_failures + 1 if isinstance(error, WrongPassword) else 0
    if isinstance(error, NeedsAPerson) or status.failures >= FAILURES_UNTIL_OFFLINE:
        status.state = error.state
    if before[0] != status.state or before[1] != status.error_code:
        slug, run = result.order.bot.slug, result.order.run
        log.warning("%s: %s (%s)", slug, status.last_error, error.code, extra=about(slug, run))
    return {"state"} if before != (status.state, status.error_code, status.last_error) else set()


def succeeded(status: BotStatus, result: PollResult, now: datetime) -> set[str]:
    """The bot answered: take over what it said. Returns what changed, in the words of the announcement."""
    if status.failing_since is not None:
        slug, run = result.order.bot.slug, result.order.run
        log.warning("%s: answers again after %s", slug, now - status.failing_since, extra=about(slug, run))
    before = figures_of(status)
    what = describe(status, result, now)
    for kind, value in result.values.items():
        take = TAKEN.get(kind)
        if take is not None:
            take(status, value, now)
        elif kind is not Kind.CONFIG:
            what.add(str(kind))
    if figures_of(status) != before:
        what.add("figures")
    return what


def describe(status: BotStatus, result: PollResult, now: datetime) -> set[str]:
    state = result.state
    assert state is not None
    note_health(status, result, now)
    note_slots(status, state)
    if says_the_same(status, result):
        return set()
    words = {name: value_for(status, name, getattr(state, name)) for name in DESCRIPTION}
    words |= {"bot_name": state.bot_name[:200], "capabilities": list(state.capabilities)}
    words |= trouble_of(result)
    changed = {name for name, value in words.items() if getattr(status, name) != value}
    if status.stake_currency and changed & {"mode", "stake_currency"}:
        forget_figures(status)
    for name in changed:
        setattr(status, name, words[name])
    return {"state"} if changed else set()


def says_the_same(status: BotStatus, result: PollResult) -> bool:
    """Nearly always: every word of the state stands in the row already, and nothing failed."""
    state = result.state
    return (
        state is not None
        and not (result.failed or result.cut_short or status.error_code or status.last_error)
        and WORDS(status) == WORDS(state)
        and status.capabilities == list(state.capabilities)
    )


def forget_figures(status: BotStatus) -> None:
    """What was read of another mode or currency must not stand under this one; what this poll brings comes after."""
    for name in (*MONEY, "open_count", "seen_at", "balance_at", "profit_at", "history_at"):
        setattr(status, name, None)
    status.moving, status.missing = {}, []


def value_for(status: BotStatus, name: str, value: Any) -> Any:
    longest = status._meta.get_field(name).max_length  # type: ignore[union-attr]
    return value[:longest] if isinstance(value, str) and longest else value


def trouble_of(result: PollResult) -> dict[str, str]:
    """The first reading that failed though the bot speaks: said on its row, the rest stands."""
    for kind, error in result.failed.items():
        if error.code != "not_running":
            return {"error_code": error.code, "last_error": f"{kind.replace('_', ' ')}: {error}"[:500]}
    if result.cut_short is not None:
        return {"error_code": "slow", "last_error": str(result.cut_short)[:500]}
    return {"error_code": "", "last_error": ""}


def note_health(status: BotStatus, result: PollResult, now: datetime) -> None:
    status.answered_at = status.tried_at = now
    status.failing_since, status.failures, status.auth_failures = None, 0, 0
    status.polls += 1
    status.requests += result.requests
    status.latency_ms = result.latency_ms
    status.good_poll_ms += round(result.seconds * 1000)


def note_slots(status: BotStatus, state: BotState) -> None:
    slots = state.max_open_trades
    status.slots = slots if slots is not None and 0 < slots <= MOST_SLOTS else None


def take_open_trades(status: BotStatus, value: OpenTrades, now: datetime) -> None:
    status.seen_at = now
    status.open_count = len(value.trades)
    status.moving = {each.trade.trade_id: moving_of(each) for each in value.trades}
    gains = [each.moving.profit_abs for each in value.trades]
    stakes = [each.trade.stake_amount for each in value.trades]
    status.unrealized = whole_sum(gains)
    staked = whole_sum(stakes)
    status.total_stake = staked
    status.unrealized_ratio = exact(status.unrealized / staked) if staked and status.unrealized is not None else None
    status.missing = [
        {"figure": f"{each.trade.pair} {gap.figure}", "reason": gap.reason}
        for each in value.trades
        for gap in each.moving.missing
    ]


def whole_sum(figures: list[Decimal | None]) -> Decimal | None:
    """The sum, or None when a figure is missing: a part is not the whole."""
    given = [figure for figure in figures if figure is not None]
    return sum(given, Decimal(0)) if len(given) == len(figures) else None


def moving_of(each: OpenTrade) -> dict[str, Any]:
    """As the row gives it back: a tuple would differ from its list at every poll."""
    moving: dict[str, Any] = msgspec.to_builtins(each.moving)
    moving["open_ms"], moving["missing"] = each.trade.open_ms, list(moving["missing"])
    return moving


def take_profit(status: BotStatus, value: Profit, now: datetime) -> None:
    status.profit_at = now
    status.closed_profit, status.max_drawdown_ratio = value.closed_abs, value.max_drawdown_ratio


def take_balance(status: BotStatus, value: Balance, now: datetime) -> None:
    status.balance_at = now
    status.balance = value.bot_total if value.bot_total is not None else value.total


def take_health(status: BotStatus, value: Health, now: datetime) -> None:
    if value.last_process_ms:
        status.last_process_at = datetime.fromtimestamp(value.last_process_ms / 1000, UTC)


TAKEN: dict[Kind, Any] = {
    Kind.OPEN_TRADES: take_open_trades,
    Kind.PROFIT: take_profit,
    Kind.BALANCE: take_balance,
    Kind.HEALTH: take_health,
}
figures_of = attrgetter("open_count", "slots", "unrealized", "balance", "closed_profit", "max_drawdown_ratio", "moving")
