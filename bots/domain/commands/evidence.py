"""What reading a bot says of a command: that it was done, that nothing changed, or that it cannot be told."""

from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bots.domain.commands import effects
from bots.domain.commands.checking import entry_filled
from bots.domain.commands.confirming import plain
from bots.domain.commands.params import instruction
from bots.models import Command
from bots.systems.contract import BotState, Kind, Locks, OpenTrades, PairList, Session, Trade
from bots.systems.errors import NoSuchTrade, NotOffered

DONE, PART, UNCHANGED, UNCLEAR = "done", "part", "unchanged", "unclear"
CANNOT_BE_SEEN = "Nothing that can be read at the bot tells whether it happened"
OVER = (effects.CANCELLED, effects.PARTLY)  # an exit order that sells no more
MOST_TRADES = 100  # of an exit-all, no longer open, looked up one by one


@dataclass(frozen=True)
class Found:
    """`words`: for people. `effect`: as in Command.outcome. `more`: further names of the outcome (fill, trades)."""

    verdict: str
    words: str
    effect: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


Look = Callable[[Command, Session], Awaitable[Found]]


async def evidence(command: Command, session: Session) -> Found:
    """Raises BotError when the bot cannot be read."""
    look = LOOKS.get(command.action)
    return await look(command, session) if look else Found(UNCLEAR, CANNOT_BE_SEEN)


# --- the bot's state --------------------------------------------------------------------------------------------------


async def of_state(command: Command, session: Session) -> Found:
    state = await session.read(Kind.STATE)
    assert isinstance(state, BotState)
    words = f"The bot is {state.state}"
    if state.state == "starting":
        return Found(UNCLEAR, words)
    if command.action == "pause" and "pause" not in state.capabilities:
        stopped = state.max_open_trades == 0
        return Found(DONE if stopped else UNCHANGED, f"{words}, with {state.max_open_trades} slots for trades")
    wanted = {"start": "running", "stop": "stopped", "pause": "paused"}[command.action]
    return Found(DONE if state.state == wanted else UNCHANGED, words)


# --- one trade --------------------------------------------------------------------------------------------------------


class Absent(Enum):
    """Why a trade is not told: the bot has none of this id and open time, or tells nothing of closed ones at all."""

    VANISHED, UNTOLD = "vanished", "untold"


async def meant_trade(command: Command, session: Session) -> Trade | Absent:
    """The trade that was confirmed."""
    return await trade_at(session, command.params["trade_id"], command.before["open_ms"])


async def trade_at(session: Session, trade_id: str, open_ms: int) -> Trade | Absent:
    try:
        trade = await session.trade(trade_id)
    except NotOffered:
        return Absent.UNTOLD
    except NoSuchTrade:
        return Absent.VANISHED
    return trade if trade.open_ms == open_ms else Absent.VANISHED


async def of_exit(command: Command, session: Session) -> Found:
    return found_of_exit(command, await meant_trade(command, session))


def found_of_exit(command: Command, trade: Trade | Absent) -> Found:
    known, before = known_of(command), command.before
    if isinstance(trade, Absent):
        return gone(known, trade)
    effect = effects.effect_of_exit(known, command.params.get("amount"), trade)
    if not effect and trade.has_open_orders and not trade.orders:
        return Found(UNCLEAR, "An order is open, and this bot does not tell whether it is the exit's")
    fill = effects.fill_of_exit(command, before, known, trade) if effect in effects.SETTLED else None
    return Found(DONE if effect else UNCHANGED, words_of(trade, effect), effect, {"fill": fill} if fill else {})


def known_of(command: Command) -> Mapping[str, Any]:
    """The trade as it was just before sending."""
    seen: Mapping[str, Any] = command.outcome.get("at_sending", {})
    return seen if "orders" in seen else filled_as_confirmed(command.before)


def gone(known: Mapping[str, Any], how: Absent) -> Found:
    """A filled trade does not vanish by an exit: somebody deleted it, or this is another database."""
    if not known.get("entry_filled"):
        return Found(DONE, "The entry was not filled: it was cancelled, and the trade is gone", effects.CANCELLED)
    if how is Absent.UNTOLD:
        return Found(DONE, "The bot no longer tells of this trade: its fill is not known", effects.FILLED)
    return Found(UNCLEAR, "The bot has this trade no more: it was deleted, or its database is another one")


def words_of(trade: Trade, effect: str) -> str:
    if not trade.is_open:
        return f"Trade {trade.trade_id} is closed, with exit reason {trade.exit_reason or 'not told'}"
    said = {
        effects.PENDING: "an exit order is open",
        effects.FILLED: "the part was sold",
        effects.PARTLY: "a part was sold, the rest is still held",
        effects.CANCELLED: "the exit order was cancelled without a fill",
    }
    return f"Trade {trade.trade_id} is open; {said.get(effect, 'nothing of an exit is to be seen')}"


async def of_cancel(command: Command, session: Session) -> Found:
    trade = await meant_trade(command, session)
    if isinstance(trade, Absent):
        return gone(known_of(command), trade)
    before = set(known_of(command).get("open_orders", ()))
    filled = {order.order_id for order in trade.orders if effects.is_whole(order)}
    if before and before <= filled:
        return Found(DONE, "Its order was filled before it could be cancelled", effects.NONE)
    if not trade.is_open:
        return Found(DONE, words_of(trade, ""), effects.NONE)
    still = [order.order_id for order in trade.orders if order.is_open and (not before or order.order_id in before)]
    if still:
        return Found(UNCHANGED, f"Its order {still[0]} is still open")
    return Found(DONE, "None of its orders is open any more", effects.CANCELLED)


async def of_delete(command: Command, session: Session) -> Found:
    trade = await meant_trade(command, session)
    return (
        Found(UNCHANGED, "The trade is still there") if isinstance(trade, Trade) else Found(DONE, "The trade is gone")
    )


# --- all trades -------------------------------------------------------------------------------------------------------


async def of_exit_all(command: Command, session: Session) -> Found:
    known = met(command)
    if not known:
        return Found(DONE, "No trade was open", effects.NONE)
    listed = await session.read(Kind.OPEN_TRADES)
    assert isinstance(listed, OpenTrades)
    now_open = {(each.trade.trade_id, each.trade.open_ms): each.trade for each in listed.trades}
    still = [one for one in known if key_of(one) in now_open]
    left = [one for one in known if key_of(one) not in now_open]
    ends = [await end_of_one(command, session, one, now_open) for one in (*still, *left[:MOST_TRADES])]
    return together(ends, {key_of(one)[0] for one in still}, len(left[MOST_TRADES:]))


def key_of(known: Mapping[str, Any]) -> tuple[str, int]:
    return known["trade_id"], known["open_ms"]


def met(command: Command) -> list[Mapping[str, Any]]:
    seen = command.outcome.get("at_sending", {})
    if "trades" in seen:
        found: list[Mapping[str, Any]] = seen["trades"]
        return found
    return [filled_as_confirmed(one) for one in command.before.get("trades", [])]


def filled_as_confirmed(known: Mapping[str, Any]) -> Mapping[str, Any]:
    """The bot could not be read before sending. Nobody then says that an entry was not filled, and its trade gone."""
    return {**known, "entry_filled": True}


async def end_of_one(
    command: Command, session: Session, known: Mapping[str, Any], now_open: Mapping[tuple[str, int], Trade]
) -> dict[str, Any]:
    """{"trade_id", "pair", "effect", "fill"?, "waits"?} of one of the trades. Effect "": nothing is to be seen;
    `waits`: yet, for an order of it is open, on whose end its exit may follow."""
    key = key_of(known)
    trade = now_open.get(key) or await trade_at(session, *key)
    end: dict[str, Any] = {"trade_id": key[0], "pair": known["pair"]}
    if isinstance(trade, Absent):
        return end | {"effect": gone(known, trade).effect or effects.NONE}
    effect = effects.effect_of_exit(known, None, trade)
    before: Mapping[str, Any] = next((one for one in command.before.get("trades", ()) if key_of(one) == key), {})
    fill = effects.fill_of_exit(command, before, known, trade) if effect in effects.SETTLED else None
    waits = {"waits": True} if not effect and trade.has_open_orders else {}
    return end | {"effect": effect} | ({"fill": fill} if fill else {}) | waits


def together(ends: list[dict[str, Any]], still_open: Container[str] = (), unexamined: int = 0) -> Found:
    """`still_open`: trade ids. `unexamined`: further trades that are open no more, too many to be looked up."""
    kinds = [end["effect"] for end in ends]
    # Without an order, or with one that is over: such a trade is held, whatever was sold of it.
    held = [end for end in ends if not end["effect"] or (end["trade_id"] in still_open and end["effect"] in OVER)]
    left = [f"{end['pair']} #{end['trade_id']}" for end in held]
    vanished = [f"{end['pair']} #{end['trade_id']}" for end in ends if end["effect"] == effects.NONE]
    words = f"{len(ends) - len(left) - len(vanished)} of {len(ends)} trades were exited"
    words += f"; no longer at the bot: {', '.join(vanished[:10])}" if vanished else ""
    words += f"; {unexamined} more are no longer open" if unexamined else ""
    more = {"trades": ends}
    if not any(kinds):
        return Found(UNCHANGED, words, "", more)
    if left:
        waits = effects.PENDING in kinds or any(end.get("waits") for end in ends)
        not_sold = f"{'not yet' if waits else 'not'}: {', '.join(left[:10])}"
        return Found(PART, f"{words}; {not_sold}", effects.PENDING if waits else effects.PARTLY, more)
    if effects.PENDING in kinds:
        return Found(DONE, f"{words}; {kinds.count(effects.PENDING)} orders are still open", effects.PENDING, more)
    whole = all(kind in (effects.FILLED, effects.CANCELLED) for kind in kinds)
    return Found(DONE, words, effects.FILLED if whole else effects.PARTLY, more)


# --- an entry ---------------------------------------------------------------------------------------------------------


async def of_entry(command: Command, session: Session) -> Found:
    """The trade the bot named; one of the pair that was not open before; or one that was, and was added to."""
    seen = command.outcome.get("at_sending", {})
    held = {key_of(one): one for one in seen.get("held", ())}
    named, open_ms = command.outcome.get("trade_id"), command.outcome.get("open_ms")
    if named and open_ms:
        return of_named(held.get((named, open_ms)), named, await trade_at(session, named, open_ms))
    listed = await session.read(Kind.OPEN_TRADES)
    assert isinstance(listed, OpenTrades)
    mine = [each.trade for each in listed.trades if each.trade.pair == command.params["pair"]]
    now_open = {(trade.trade_id, trade.open_ms): trade for trade in mine}
    before = open_before(command)
    fresh = [trade for key, trade in now_open.items() if key not in before]
    if fresh:
        return opened(max(fresh, key=lambda trade: trade.open_ms))
    found = [added(one, now_open.get(key) or await trade_at(session, *key)) for key, one in held.items()]
    told = (one for verdict in (DONE, UNCLEAR) for one in found if one.verdict == verdict)
    return next(told, Found(UNCHANGED, f"No new trade of {command.params['pair']} is open"))


def open_before(command: Command) -> set[tuple[str, int]]:
    """Of an entry: the trades of its pair that were open just before it was sent."""
    return {(trade_id, open_ms) for trade_id, open_ms in command.outcome.get("at_sending", {}).get("open", ())}


def of_named(known: Mapping[str, Any] | None, named: str, trade: Trade | Absent) -> Found:
    """`known`: the named trade as it was before, when it was open already."""
    if known is not None:
        found = added(known, trade)
        if found.verdict == UNCHANGED and isinstance(trade, Trade) and trade.orders:
            return Found(DONE, f"The order that was to add to trade {named} is gone without a fill", effects.CANCELLED)
        return found
    if isinstance(trade, Trade):
        return opened(trade)
    if trade is Absent.UNTOLD:
        return Found(UNCLEAR, f"The bot no longer tells of trade {named}: whether its entry was filled is not known")
    return Found(DONE, f"Trade {named} is gone: its entry was not filled", effects.CANCELLED)


def opened(trade: Trade) -> Found:
    """By a new trade."""
    effect = effects.FILLED if entry_filled(trade) else effects.PENDING
    more: dict[str, Any] = {"trade_id": trade.trade_id, "open_ms": trade.open_ms}
    if effect == effects.FILLED:
        figures = {"open_rate": plain(trade.open_rate), "amount": plain(trade.amount)}
        more["fill"] = figures | {"stake_amount": plain(trade.stake_amount), "currency": trade.currency}
    return Found(DONE, f"Trade {trade.trade_id} of {trade.pair} was opened", effect, more)


def added(known: Mapping[str, Any], trade: Trade | Absent) -> Found:
    """By a further order of a trade that was open before."""
    name = f"trade {known['trade_id']} of {known['pair']}"
    if isinstance(trade, Absent):
        return Found(UNCLEAR, f"It may have added to {name}, and the bot tells of that one no more")
    effect = effects.effect_of_addition(known, trade)
    if effect:
        more: dict[str, Any] = {"trade_id": trade.trade_id, "open_ms": trade.open_ms}
        fill = {"fill": effects.fill_of_addition(known, trade)} if effect == effects.FILLED else {}
        return Found(DONE, f"An order was added to {name}", effect, more | fill)
    if not trade.orders and (not trade.is_open or trade.has_open_orders):
        return Found(UNCLEAR, f"It may have added to {name}: this bot does not list its orders")
    return Found(UNCHANGED, f"Nothing was added to {name}")


# --- lists ------------------------------------------------------------------------------------------------------------


async def of_locks(command: Command, session: Session) -> Found:
    read = await session.read(Kind.LOCKS)
    assert isinstance(read, Locks)
    params, active = command.params, [lock for lock in read.locks if lock.active]
    if command.action == "lock_pair":
        until_ms = until_ms_of(params)
        held = [lock for lock in active if lock.pair == params["pair"] and (lock.until_ms or 0) >= until_ms - 1000]
        return Found(DONE, "The lock is there") if held else Found(UNCHANGED, "There is no such lock")
    name, value = ("lock_id", params["lock_id"]) if "lock_id" in params else ("pair", params["pair"])
    left = [lock for lock in active if getattr(lock, name) == value]
    return Found(UNCHANGED, "The lock is still there") if left else Found(DONE, "There is no such lock any more")


def until_ms_of(params: Mapping[str, Any]) -> int:
    return instruction("lock_pair", params).until_ms or 0


async def of_blacklist(command: Command, session: Session) -> Found:
    read = await session.read(Kind.BLACKLIST)
    assert isinstance(read, PairList)
    wanted, listed = set(command.params["pairs"]), set(read.pairs)
    adding = command.action == "blacklist_add"
    reached = wanted & listed if adding else wanted - listed
    words = f"{len(reached)} of {len(wanted)} pairs are {'on' if adding else 'off'} the blacklist"
    if reached == wanted:
        return Found(DONE, words)
    return Found(PART if reached else UNCHANGED, words)


LOOKS: Mapping[str, Look] = {
    "start": of_state,
    "stop": of_state,
    "pause": of_state,
    "force_exit": of_exit,
    "force_exit_all": of_exit_all,
    "force_enter": of_entry,
    "cancel_order": of_cancel,
    "delete_trade": of_delete,
    "lock_pair": of_locks,
    "unlock": of_locks,
    "blacklist_add": of_blacklist,
    "blacklist_remove": of_blacklist,
}
