"""Closed trades of the past, the same for the same seed."""

import random
from collections.abc import Iterator

from .market import Market, amount_digits_of, digits_of
from .spec import BotSpec
from .trades import Order, Trade

TAGS = ["trend_up", "pullback", "breakout", "mean_lo"]
WON = [("roi", 6), ("exit_signal", 3), ("trailing_stop_loss", 3), ("force_exit", 1)]
LOST = [("stop_loss", 4), ("exit_signal", 4), ("trailing_stop_loss", 1), ("force_exit", 1)]


def past_trades(spec: BotSpec, market: Market, now_ms: int) -> Iterator[Trade]:
    """`spec.history` closed trades over the `spec.history_days` before `now_ms`, ascending by id and open time."""
    chance = random.Random(f"{spec.seed}/{spec.name}")
    span_ms = spec.history_days * 86_400_000
    ages = sorted((chance.random() for _ in range(spec.history)), reverse=True)
    for number, age in enumerate(ages, start=1):
        lasted_ms = min(int(chance.lognormvariate(7.6, 0.9) * 1000), int(age * span_ms * 0.9) + 1000)
        opened_ms = now_ms - int(age * span_ms) - 1000
        yield past_trade(spec, market, number, opened_ms, lasted_ms, chance)


def past_trade(
    spec: BotSpec, market: Market, number: int, opened_ms: int, lasted_ms: int, chance: random.Random
) -> Trade:
    pair = chance.choice(spec.whitelist)
    rate = market.rate(pair, opened_ms / 1000)
    trade = entered(spec, number, pair, rate, opened_ms, chance.choice(TAGS), chance.uniform(0.8, 1.2))
    won = chance.random() < spec.skill
    move = abs(chance.gauss(0.011, 0.006)) + 0.0025 if won else -abs(chance.gauss(0.009, 0.006)) + 0.0015
    reason = picked(chance, WON if won else LOST)
    leave(trade, opened_ms + lasted_ms, round(rate * (1 + move), digits_of(rate)), reason)
    return trade


def entered(
    spec: BotSpec, number: int, pair: str, rate: float, at_ms: int, tag: str | None, size: float = 1.0
) -> Trade:
    """A trade whose entry filled at once."""
    trade = asked(spec, number, pair, rate, at_ms, tag, spec.stake * size, "limit")
    trade.enter(trade.orders[0], at_ms)
    return trade


def asked(
    spec: BotSpec, number: int, pair: str, rate: float, at_ms: int, tag: str | None, stake: float, order_type: str
) -> Trade:
    """A trade whose entry order is placed and unfilled: it holds nothing yet. `stake` in stake currency."""
    amount = round(stake / rate, amount_digits_of(rate))
    order = Order(f"dry_run_buy_{pair}_{at_ms}", "buy", order_type, amount, rate, at_ms, tag)
    return Trade(
        trade_id=number,
        pair=pair,
        amount=0.0,
        stake_amount=round(stake, 8),
        max_stake_amount=round(stake, 8),
        open_rate=rate,
        open_ms=at_ms,
        strategy=spec.strategy,
        enter_tag=tag,
        amount_requested=amount,
        orders=[order],
    )


def leave(trade: Trade, at_ms: int, rate: float, reason: str) -> None:
    """All that is held is sold at `rate`."""
    order = Order(f"dry_run_sell_{trade.pair}_{at_ms}", "sell", "limit", trade.amount, rate, at_ms, reason)
    trade.orders.append(order)
    trade.exit_reason, trade.close_rate_requested = reason, rate
    trade.watch(rate)
    trade.sell(order, at_ms)


def picked(chance: random.Random, weighted: list[tuple[str, int]]) -> str:
    words, weights = zip(*weighted, strict=True)
    return chance.choices(words, weights)[0]
