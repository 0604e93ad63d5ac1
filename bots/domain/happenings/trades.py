"""What a trade that changed tells: its orders placed, filled and cancelled, and its end.

An order's id makes an event what it is, so reading the same trade again tells nothing twice.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from bots.domain.events import Happened, subject_of
from bots.domain.happenings.wording import about_trade, gain, joined, moment_of, order_detail
from bots.models import Bot, Command, Trade

# The websocket's word for it may come so much earlier or later than the poll that sees it.
TOLD_WITHIN = timedelta(minutes=10)
# So long before a trade's end a command may have been sent that explains it: a limit order waits.
EXPLAINED_WITHIN = timedelta(days=1)
CLOCKS_APART = timedelta(seconds=30)  # the bot's, which dates the trade's opening, and ours, which dates the command
MOST_TOLD = 500  # of one bot in one poll

Orders = list[dict[str, Any]]
TradeKey = tuple[str, int]  # trade id, open ms


def events_of(bot: Bot, rows: Iterable[Trade], open_before: Mapping[TradeKey, Orders], now: datetime) -> list[Happened]:
    """`rows`: trades as just written. `open_before`: the orders of those that were known and open."""
    told: list[Happened] = []
    for row in rows:
        told += orders_told(bot, row, open_before.get((row.trade_id, row.open_ms), []), now)
        if not row.is_open:
            told += end_told(bot, row, now)
    return sorted(told, key=lambda each: each.at)[-MOST_TOLD:]


def gone_told(bot: Bot, rows: Iterable[Trade], now: datetime) -> list[Happened]:
    """Trades the bot no longer has: an entry that was waiting was cancelled, any other was deleted there."""
    told: list[Happened] = []
    for row in rows:
        waiting = [order for order in row.orders if order["is_open"] and is_entry(order, row)]
        if waiting:
            told += [order_event(bot, row, "entry_cancelled", order, now) for order in waiting]
        else:
            text = f"no longer has trade {row.trade_id}, {row.pair}"
            told.append(about(bot, row, "warning", "gone", now, text=text, detail="it is out of all totals"))
    return told[:MOST_TOLD]


def orders_told(bot: Bot, row: Trade, before: Orders, now: datetime) -> list[Happened]:
    told = [] if row.orders else unordered(bot, row, now)
    for order in row.orders:
        if order["side"] == "stoploss" and not filled(order):
            continue  # a stop that moves is placed anew every time
        side = "entry" if is_entry(order, row) else "exit"
        if filled(order) or order["is_open"]:
            told.append(order_event(bot, row, f"{side}_placed", order, moment_of(order["placed_ms"], now)))
        if filled(order) and not order["is_open"]:
            told.append(order_event(bot, row, f"{side}_filled", order, moment_of(order["filled_ms"], now)))
    return told + cancelled(bot, row, before, now)


def unordered(bot: Bot, row: Trade, now: datetime) -> list[Happened]:
    """A release that tells no orders: that there is a trade tells of its entry."""
    order = {"order_id": "entry", "amount": row.amount, "rate": row.open_rate, "filled": row.amount}
    return [order_event(bot, row, "entry_filled", order, moment_of(row.open_ms, now))]


def cancelled(bot: Bot, row: Trade, before: Orders, now: datetime) -> list[Happened]:
    """Orders that waited and wait no more, with nothing filled."""
    after = {order["order_id"]: order for order in row.orders}
    told = []
    for order in before:
        still = after.get(order["order_id"])
        gone = still is None or not (still["is_open"] or filled(still))
        if order["is_open"] and gone and order["side"] != "stoploss" and not (still is None and filled(order)):
            kind = "entry_cancelled" if is_entry(order, row) else "exit_cancelled"
            told.append(order_event(bot, row, kind, order, now))
    return told


def is_entry(order: Mapping[str, Any], row: Trade) -> bool:
    return bool(order["side"] == ("sell" if row.side == "short" else "buy"))


def filled(order: Mapping[str, Any]) -> bool:
    return bool(order["filled"]) and Decimal(str(order["filled"])) > 0


def order_event(bot: Bot, row: Trade, kind: str, order: Mapping[str, Any], at: datetime) -> Happened:
    amount = order["filled"] if kind.endswith("_filled") and filled(order) else order["amount"]
    rate, tag = decimal(order["rate"]), tag_of(kind, order, row)
    detail = order_detail(row.pair, decimal(amount), rate, tag)
    data = {"order_id": order["order_id"], "amount": decimal(amount), "rate": rate, "side": row.side, "tag": tag}
    key = f"order {order['order_id']}"
    return about(bot, row, kind, key, at, detail=detail, data=data, told_within=TOLD_WITHIN)


def tag_of(kind: str, order: Mapping[str, Any], row: Trade) -> str:
    return str((order.get("tag") or row.enter_tag or "") if kind.startswith("entry") else (order.get("tag") or ""))


def end_told(bot: Bot, row: Trade, now: datetime) -> list[Happened]:
    profit = gain(row.profit_abs, row.profit_ratio, row.currency)
    data = {**profit, "side": row.side, "amount": row.amount, "rate": row.close_rate, "reason": row.exit_reason}
    at = row.close_date or now
    told = [about(bot, row, "trade_closed", "closed", at, detail=row.exit_reason or "", data=data)]
    if is_forced(bot, row) and not explained(bot, row, at):
        told.append(about(bot, row, "forced_outside", "forced", at, detail=joined(row.exit_reason), data=data))
    return told


def is_forced(bot: Bot, row: Trade) -> bool:
    return (row.exit_reason or "") in bot.system_class.forced_exit_reasons


def explained(bot: Bot, row: Trade, at: datetime) -> bool:
    """Whether somebody asked for it here: a command about this trade, or about all trades there were at this bot.

    One that the bot refused, or whose order was cancelled, closed nothing. A trade of the same id in another life of
    the bot's database is another trade."""
    since = max(at - EXPLAINED_WITHIN, row.open_date - CLOCKS_APART)
    sent = Command.objects.filter(bot=bot, sent_at__gte=since, action__startswith="force_exit")
    by_id = Q(trade=None, params__trade_id=row.trade_id)
    asked = sent.filter(Q(trade=row.pk) | by_id | Q(action="force_exit_all")).exclude(state=Command.REFUSED)
    return any(closed_by(command, row, at) for command in asked)


def closed_by(command: Command, row: Trade, at: datetime) -> bool:
    """Whether this exit may be what closed the trade at that moment: not when it was cancelled, and not long after it
    had sold only a part."""
    effect = effect_on(command, row)
    if effect == "cancelled":
        return False
    of_a_part = effect == "partly" or (effect == "filled" and command.params.get("amount") is not None)
    return not of_a_part or at <= filled_at(command) + TOLD_WITHIN


def effect_on(command: Command, row: Trade) -> str:
    """As in Command.outcome; of an exit of all trades what it brought at this one. "" while not known."""
    if command.action != "force_exit_all":
        return command.effect
    ends = {end["trade_id"]: end["effect"] for end in command.outcome.get("trades", ())}
    return str(ends.get(row.trade_id, ""))


def filled_at(command: Command) -> datetime:
    """By the bot's clock where the fill is known, else when the portal knew the outcome."""
    assert command.sent_at is not None
    seconds = (command.outcome.get("fill") or {}).get("seconds")
    if seconds is not None:
        return command.sent_at + timedelta(seconds=float(seconds))
    return command.ended_at or command.answered_at or command.sent_at


def about(bot: Bot, row: Trade, kind: str, key: str, at: datetime, *, text: str = "", **more: Any) -> Happened:
    subject = subject_of(row.trade_id, row.open_ms)
    return Happened(
        kind=kind,
        team_id=bot.team_id,
        bot_id=bot.pk,
        at=at,
        key=f"{kind} {subject} {key}",
        text=text or about_trade(kind, row.pair, row.side),
        pair=row.pair,
        trade_pk=row.pk,
        subject=subject,
        **more,
    )


def decimal(figure: object) -> Decimal | None:
    return None if figure is None else Decimal(str(figure))
