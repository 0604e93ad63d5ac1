"""Closed trades of the past, written through the release's own tables, so that a bot has more than one page of them.

Runs inside the bot's installation, and only on an empty database.
"""

import inspect
import random
from datetime import UTC, datetime, timedelta

OPEN_FEE, CLOSE_FEE = 0.001, 0.0015  # unlike, so that a mix-up shows
REASONS = ("roi", "stop_loss", "exit_signal", "force_exit")
DAYS = 60


def write_history(life: dict, market) -> None:
    """`life`: seed, history (a number of trades), db_url, exchange, stake_currency."""
    Trade, Order = opened_tables(life["db_url"])
    session = Trade.session if hasattr(Trade, "session") else Trade.query.session
    if session.query(Trade).count():
        return
    dice = random.Random(life["seed"])
    for number in range(life["history"]):
        trade = past_trade(number, life, market, dice)
        orders = [past_order(number, trade, side) for side in ("buy", "sell")]
        row = Trade(**only(trade, Trade))
        if Order is not None:
            row.orders.extend(Order(**only(order, Order)) for order in orders)
        session.add(row)
    session.flush()
    if not getattr(session, "autocommit", False):
        session.commit()


def opened_tables(db_url: str):
    """Trade, and Order where the release has one (2020.9). Until 2020.9 the way in had another name."""
    from freqtrade import persistence

    open_database = getattr(persistence, "init_db", None) or persistence.init
    wants_to_know = "clean_open_orders" in inspect.signature(open_database).parameters
    open_database(db_url, **({"clean_open_orders": False} if wants_to_know else {}))
    return persistence.Trade, getattr(persistence, "Order", None)


def only(values: dict, table) -> dict:
    """The values for which this release has a column."""
    columns = set(table.__table__.columns.keys())
    return {name: value for name, value in values.items() if name in columns}


def past_trade(number: int, life: dict, market, dice: random.Random) -> dict:
    pair, currency = dice.choice(sorted(market.pairs)), life["stake_currency"]
    gap = timedelta(days=DAYS) / life["history"]
    opened = (
        datetime.now(UTC).replace(microsecond=0, tzinfo=None) - timedelta(hours=3) - gap * (life["history"] - number)
    )
    closed = opened + timedelta(seconds=dice.randint(60, 9000))
    open_rate = market.price(pair, opened.replace(tzinfo=UTC).timestamp())
    close_rate = market.rounded(pair, open_rate * (1 + dice.gauss(0.001, 0.015)))
    amount = round(100 * dice.uniform(0.8, 1.2) / open_rate, 6)
    paid, got = amount * open_rate * (1 + OPEN_FEE), amount * close_rate * (1 - CLOSE_FEE)
    return {
        "exchange": life["exchange"], "pair": pair, "base_currency": pair.partition("/")[0],
        "stake_currency": currency, "is_open": False, "strategy": "Restless", "timeframe": 1,
        "enter_tag": dice.choice(("above_mean", "below_mean", None)), **ended(dice.choice(REASONS)),
        **spot(), "ticker_interval": 1, "open_trade_price": paid, "is_short": False, "leverage": 1.0,
        "interest_rate": 0.0, "contract_size": 1.0, "open_date": opened, "close_date": closed,
        "open_rate": open_rate, "open_rate_requested": open_rate, "close_rate": close_rate,
        "close_rate_requested": close_rate, "amount": amount, "amount_requested": amount,
        "stake_amount": amount * open_rate, "max_stake_amount": amount * open_rate, "open_trade_value": paid,
        "fee_open": OPEN_FEE, "fee_open_cost": amount * open_rate * OPEN_FEE, "fee_open_currency": currency,
        "fee_close": CLOSE_FEE, "fee_close_cost": amount * close_rate * CLOSE_FEE, "fee_close_currency": currency,
        "close_profit": got / paid - 1, "close_profit_abs": got - paid, "realized_profit": got - paid,
        "stop_loss": open_rate * 0.98, "stop_loss_pct": -0.02, "initial_stop_loss": open_rate * 0.98,
        "initial_stop_loss_pct": -0.02, "max_rate": max(open_rate, close_rate), "min_rate": min(open_rate, close_rate),
    }  # fmt: skip


def ended(reason: str) -> dict:
    """Under the names of both generations."""
    former = {"exit_signal": "sell_signal", "force_exit": "force_sell"}.get(reason, reason)
    status = dict.fromkeys(("exit_order_status", "sell_order_status"), "closed")
    return {"exit_reason": reason, "sell_reason": former, **status}


def spot() -> dict:
    try:
        from freqtrade.enums import TradingMode
    except ImportError:  # there was nothing else before 2021.11
        return {}
    return {"trading_mode": TradingMode.SPOT}


def past_order(number: int, trade: dict, side: str) -> dict:
    rate, at = (trade["open_rate"], trade["open_date"]) if side == "buy" else (trade["close_rate"], trade["close_date"])
    return {
        "ft_order_side": side, "ft_pair": trade["pair"], "ft_is_open": False, "ft_amount": trade["amount"],
        "ft_price": rate, "order_id": f"past_{side}_{number}", "status": "closed", "symbol": trade["pair"],
        "order_type": "limit", "side": side, "price": rate, "average": rate, "amount": trade["amount"],
        "filled": trade["amount"], "remaining": 0.0, "cost": trade["amount"] * rate, "order_date": at,
        "order_filled_date": at, "order_update_date": at,
    }  # fmt: skip
