"""Closed trades of the past, the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

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
        opened_ms = now_ms - int(age * span_ms) - 1000
        lasted_ms = min(int(chance.lognormvariate(7.6, 0.9) * 1000), int(age * span_ms * 0.9) + 500)
        pair = chance.choice(spec.whitelist)
        rate = market.rate(pair, opened_ms / 1000)
        entry = Entry(number, pair, rate, spec.stake * chance.uniform(0.8, 1.2), opened_ms, chance.choice(TAGS))
        yield ended(spec, entered(spec, entry), lasted_ms, chance)


def ended(spec: BotSpec, trade: Trade, lasted_ms: int, chance: random.Random) -> Trade:
    """Won or lost as `spec.skill` has it."""
    won = chance.random() < spec.skill
    move = abs(chance.gauss(0.011, 0.006)) + 0.0025 if won else -abs(chance.gauss(0.009, 0.006)) + 0.0015
    rate = trade.open_rate * (1 + move)
    leave(trade, trade.open_ms + lasted_ms, round(rate, digits_of(rate)), picked(chance, WON if won else LOST))
    return trade


@dataclass(frozen=True, slots=True)
class Entry:
    """What a trade begins with. `stake` in stake currency, `at_ms` epoch milliseconds."""

    number: int
    pair: str
    rate: float
    stake: float
    at_ms: int
    tag: str | None
    order_type: str = "limit"


def entered(spec: BotSpec, entry: Entry) -> Trade:
    """A trade whose entry filled at once."""
    trade = asked(spec, entry)
    trade.enter(trade.orders[0], entry.at_ms)
    return trade


def asked(spec: BotSpec, entry: Entry) -> Trade:
    """A trade whose entry order is placed and unfilled: it holds nothing yet."""
    amount = round(entry.stake / entry.rate, amount_digits_of(entry.rate))
    name = order_name(spec.dry_run, "buy", entry.pair, entry.at_ms)
    order = Order(name, "buy", entry.order_type, amount, entry.rate, entry.at_ms, entry.tag)
    return Trade(
        trade_id=entry.number,
        pair=entry.pair,
        amount=0.0,
        stake_amount=round(entry.stake, 8),
        max_stake_amount=round(entry.stake, 8),
        open_rate=entry.rate,
        open_ms=entry.at_ms,
        strategy=spec.strategy,
        enter_tag=entry.tag,
        amount_requested=amount,
        orders=[order],
    )


def order_name(dry_run: bool, side: str, pair: str, at_ms: int) -> str:
    """An exchange's order id is a number."""
    return f"dry_run_{side}_{pair}_{at_ms}" if dry_run else str(at_ms * 10 + (side == "sell"))


def leave(trade: Trade, at_ms: int, rate: float, reason: str) -> None:
    """All that is held is sold at `rate`."""
    dry_run = trade.orders[0].order_id.startswith("dry_run")
    name = order_name(dry_run, "sell", trade.pair, at_ms)
    order = Order(name, "sell", "limit", trade.amount, rate, at_ms, reason)
    trade.orders.append(order)
    trade.exit_reason, trade.close_rate_requested = reason, rate
    trade.watch(rate)
    trade.sell(order, at_ms)


def picked(chance: random.Random, weighted: list[tuple[str, int]]) -> str:
    words, weights = zip(*weighted, strict=True)
    return chance.choices(words, weights)[0]
