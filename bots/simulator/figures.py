"""What follows from the closed trades: sums, means, drawdown, statistics. Plain numbers, no shapes.

Ratios are ratios; sums are in stake currency; durations in seconds.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .trades import Trade


def profit_of(trade: Trade) -> float:
    return trade.close_profit_abs or 0.0


def ratio_of(trade: Trade) -> float:
    return trade.close_profit or 0.0


def seconds_of(trade: Trade) -> float:
    return ((trade.close_ms or trade.open_ms) - trade.open_ms) / 1000


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


@dataclass(frozen=True)
class Drawdown:
    """From the highest cumulative profit down; `ratio` of the account at the high."""

    ratio: float = 0.0
    abs: float = 0.0
    high: float = 0.0
    start_ms: int = 0
    end_ms: int = 0


@dataclass(frozen=True)
class Closed:
    """The closed trades of a bot in figures."""

    count: int
    coin: float
    ratio_mean: float
    ratio_sum: float
    wins: int
    losses: int
    profit_factor: float  # NaN without a losing trade, as the bots' infinity arrives
    expectancy: float
    expectancy_ratio: float
    seconds_mean: float
    volume: float
    worst: Drawdown
    current: Drawdown
    returns: tuple[float, ...]


def closed_figures(by_time: list[Trade], capital: float) -> Closed:
    """`by_time`: oldest close first; `capital`: the wallet at the start."""
    profits = [profit_of(trade) for trade in by_time]
    ratios = [ratio_of(trade) for trade in by_time]
    won, lost = sum(p for p in profits if p > 0), -sum(p for p in profits if p < 0)
    wins, losses = sum(1 for p in profits if p > 0), sum(1 for p in profits if p < 0)
    worst, current = drawdowns(by_time, capital)
    return Closed(
        count=len(by_time),
        coin=round(sum(profits, 0.0), 8),
        ratio_mean=mean(ratios),
        ratio_sum=sum(ratios, 0.0),
        wins=wins,
        losses=losses,
        profit_factor=won / lost if lost else math.nan,
        expectancy=mean(profits),
        expectancy_ratio=expectancy_ratio(won, lost, wins, losses, len(profits)),
        seconds_mean=mean([seconds_of(trade) for trade in by_time]),
        volume=volume_of(by_time),
        worst=worst,
        current=current,
        returns=tuple(ratios),
    )


def expectancy_ratio(won: float, lost: float, wins: int, losses: int, count: int) -> float:
    if not wins or not losses:
        return 100.0 if wins else 0.0
    return (1 + (won / wins) / (lost / losses)) * (wins / count) - 1


def volume_of(trades: Iterable[Trade]) -> float:
    """Stake currency moved by filled orders, both directions."""
    return sum((order.cost for trade in trades for order in trade.orders if order.status == "closed"), 0.0)


def drawdowns(by_time: list[Trade], capital: float) -> tuple[Drawdown, Drawdown]:
    """The deepest one ever and the one we are in."""
    worst = current = Drawdown()
    total, high, high_ms = 0.0, 0.0, by_time[0].close_ms or 0 if by_time else 0
    for trade in by_time:
        total += profit_of(trade)
        if total > high:
            high, high_ms = total, trade.close_ms or 0
        fall = high - total
        current = Drawdown(fall / (capital + high), fall, high, high_ms, trade.close_ms or 0)
        worst = current if current.abs > worst.abs else worst
    return worst, current


def risk_figures(returns: tuple[float, ...], days: float) -> dict[str, float]:
    """Sharpe, Sortino and SQN of per-trade returns; enough to look like a bot's, not to be one's."""
    if len(returns) < 2:
        return {"sharpe": -100.0, "sortino": -100.0, "sqn": -100.0}
    average, spread = statistics.fmean(returns), statistics.pstdev(returns)
    below = math.sqrt(statistics.fmean([min(0.0, value) ** 2 for value in returns]))
    a_year = math.sqrt(len(returns) / max(days, 1.0) * 365)
    return {
        "sharpe": average / spread * a_year if spread else -100.0,
        "sortino": average / below * a_year if below else -100.0,
        "sqn": round(average / spread * math.sqrt(len(returns)), 4) if spread else -100.0,
    }


@dataclass(frozen=True)
class Group:
    name: str
    count: int
    profit_abs: float
    ratio_sum: float
    stake_weighted: float


def grouped(trades: Iterable[Trade], name_of: Callable[[Trade], str]) -> list[Group]:
    """Best profit first."""
    heaps: dict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        heaps[name_of(trade)].append(trade)
    groups = [group_of(name, heap) for name, heap in heaps.items()]
    return sorted(groups, key=lambda group: -group.profit_abs)


def group_of(name: str, trades: list[Trade]) -> Group:
    profit, stake = sum(map(profit_of, trades)), sum(trade.max_stake_amount for trade in trades)
    return Group(name, len(trades), profit, sum(map(ratio_of, trades)), profit / stake if stake else 0.0)
