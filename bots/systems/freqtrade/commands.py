"""An instruction in the words of a bot's release: method, path and body; and what the bot's answer to it says.

An older release passes over what it does not know in silence: a forced exit with an `amount` sells everything before
2022.8. So what a release does not know is refused here, before anything is sent.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, NoReturn
from urllib.parse import urlencode

import msgspec

from bots.systems.decoding import SMALLEST, prose
from bots.systems.errors import NotOffered, Refused
from bots.systems.freqtrade import outcomes, releases
from bots.systems.freqtrade.releases import Release
from bots.systems.instructions import CARRIES, NEEDS, Accepted, Instruction

TOO_LARGE = Decimal("1e20")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
IDENTIFYING = frozenset({"action", "open_ms"})  # of every instruction; the bot is not told
SIDES = {"force_enter": ("long", "short"), "lock_pair": ("long", "short", "*")}

Body = Mapping[str, object] | list[Mapping[str, object]] | None
Reader = Callable[[bytes, Instruction, Release], Accepted]


class Call(NamedTuple):
    """`endpoint`: the path without ids and query, for sentences. `accepted` reads the answer to a 200."""

    method: str
    path: str
    accepted: Reader
    body: Body = None
    endpoint: str = ""

    def encoded(self) -> bytes | None:
        return None if self.body is None else msgspec.json.encode(self.body)


def call(instruction: Instruction, release: Release) -> Call:
    """Raises NotOffered, or Refused for what no bot could be asked: in both cases the bot has not been asked."""
    _check(instruction, release)
    made = _CALLS[instruction.action](instruction, release)
    return made._replace(endpoint=made.endpoint or made.path)


def depends_on_release(instruction: Instruction) -> bool:
    """Whether the release as last seen is not good enough: a bot put back to an older one would pass over a wish."""
    return any(name not in _needed(instruction.action) for name in _said(instruction))


def came_later(instruction: Instruction, release: Release) -> bool:
    """Whether a later release has it, or under another name: the bot may have become one since it was last asked."""
    if instruction.action == "reload_config":
        return release < releases.RELOAD_CONFIG
    known = instruction.action in _CALLS and instruction.action != "pause"
    return known and not releases.offers(release, instruction.action)


def stops_entries(instruction: Instruction, release: Release) -> bool:
    """Whether this is the `pause` of before 2025.4, which a stopped bot answers with yes and forgets."""
    return instruction.action == "pause" and release < releases.PAUSE


# --- what may be asked


def _check(instruction: Instruction, release: Release) -> None:
    action = instruction.action
    if action not in _CALLS:
        raise NotOffered(f"Freqtrade knows no {_words(action)}")
    if action != "pause":
        _must_offer(release, action)
    said = set(_said(instruction))
    for one_of in NEEDS[action]:
        if not said & set(one_of):
            _refuse(f"{_words(action)} needs {' or '.join(map(_words, one_of))}")
    for name in said - _needed(action):
        _check_carried(instruction, name, release)
    _check_side(instruction)


def _check_carried(instruction: Instruction, name: str, release: Release) -> None:
    carried = CARRIES.get(instruction.action, {})
    if name not in carried:
        _refuse(f"{_words(instruction.action)} takes no {_words(name)}")
    if name == "side" and instruction.side == "long":
        return  # what every release does where it is not told otherwise
    if carried[name]:
        _must_offer(release, carried[name])


def _check_side(instruction: Instruction) -> None:
    if instruction.side and instruction.side not in SIDES[instruction.action]:
        _refuse("Freqtrade knows no such side")


def _must_offer(release: Release, ability: str) -> None:
    if not releases.offers(release, ability):
        raise NotOffered(
            f"Freqtrade {releases.spelled(release)} has no {_words(ability)}; it came with {releases.since(ability)}"
        )


def _refuse(sentence: str) -> NoReturn:
    raise Refused(f"Not sent: {sentence}")


def _said(instruction: Instruction) -> Iterator[str]:
    """The fields that say something."""
    for name in instruction.__struct_fields__:
        if name not in IDENTIFYING and getattr(instruction, name) not in ("", None, ()):
            yield name


def _needed(action: str) -> frozenset[str]:
    return frozenset(name for one_of in NEEDS.get(action, ()) for name in one_of)


def _words(name: str) -> str:
    return name.replace("_", " ")


# --- values as the bots take them


def _number(trade_id: str) -> str:
    """A trade's or a lock's, spelled as one: "all" would be every trade."""
    if not (trade_id.isascii() and trade_id.isdigit() and len(trade_id) < 20):
        _refuse("Freqtrade's trades and locks are numbered")
    return str(int(trade_id))


def _figure(value: Decimal) -> msgspec.Raw:
    """Every digit, without an exponent. Zero would mean "all of it" to a bot."""
    if not (value.is_finite() and SMALLEST <= value < TOO_LARGE):
        _refuse("a figure must be above 0 and below 1e20")
    return msgspec.Raw(format(value, "f").encode())


def _text(value: str) -> str:
    if not value.isprintable():
        _refuse("a name holds signs that cannot be printed")
    return value


def _order_type(instruction: Instruction, release: Release) -> str:
    """Whoever names a price means a limit order; a market order would pass over the price."""
    given = instruction.order_type
    if given not in ("", "limit", "market"):
        _refuse("an order is limit or market")
    if instruction.price is None or not releases.offers(release, "force_exit_order_type"):
        return given
    if given == "market":
        _refuse("a market order has no price")
    return "limit"


def _with(**fields: object) -> dict[str, object]:
    """Without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in ("", None)}


# --- one by one


def _start(instruction: Instruction, release: Release) -> Call:
    return Call("POST", "start", outcomes.status)


def _stop(instruction: Instruction, release: Release) -> Call:
    return Call("POST", "stop", outcomes.status)


def _pause(instruction: Instruction, release: Release) -> Call:
    path = "stopbuy" if release < releases.STOP_ENTRY else "stopentry" if release < releases.PAUSE else "pause"
    return Call("POST", path, outcomes.status)


def _reload_config(instruction: Instruction, release: Release) -> Call:
    return Call("POST", "reload_conf" if release < releases.RELOAD_CONFIG else "reload_config", outcomes.status)


def _force_exit(instruction: Instruction, release: Release) -> Call:
    """`tradeid` is a text: 2023.8 to 2024.1 take no number."""
    amount, price = instruction.amount, instruction.price
    body = _with(
        tradeid=_number(instruction.trade_id),
        ordertype=_order_type(instruction, release),
        amount=None if amount is None else _figure(amount),
        price=None if price is None else _figure(price),
    )
    return _exit(body, release)


def _force_exit_all(instruction: Instruction, release: Release) -> Call:
    return _exit(_with(tradeid="all", ordertype=_order_type(instruction, release)), release)


def _exit(body: Body, release: Release) -> Call:
    return Call("POST", "forcesell" if release < releases.FORCE_EXIT else "forceexit", outcomes.result, body)


def _force_enter(instruction: Instruction, release: Release) -> Call:
    price, stake, leverage = instruction.price, instruction.stake_amount, instruction.leverage
    body = _with(
        pair=_text(instruction.pair),
        side=instruction.side if releases.offers(release, "force_enter_side") else "",
        price=None if price is None else _figure(price),
        ordertype=_order_type(instruction, release),
        stakeamount=None if stake is None else _figure(stake),
        entry_tag=_text(instruction.enter_tag),
        leverage=None if leverage is None else _figure(leverage),
    )
    return Call("POST", "forcebuy" if release < releases.FORCE_EXIT else "forceenter", outcomes.entered, body)


def _cancel_order(instruction: Instruction, release: Release) -> Call:
    path = f"trades/{_number(instruction.trade_id)}/open-order"
    return Call("DELETE", path, outcomes.of_trade, endpoint="trades/open-order")


def _delete_trade(instruction: Instruction, release: Release) -> Call:
    return Call("DELETE", f"trades/{_number(instruction.trade_id)}", outcomes.deleted, endpoint="trades")


def _reload_trade(instruction: Instruction, release: Release) -> Call:
    path = f"trades/{_number(instruction.trade_id)}/reload"
    return Call("POST", path, outcomes.of_trade, endpoint="trades/reload")


def _lock_pair(instruction: Instruction, release: Release) -> Call:
    """A list, and a moment with a zone."""
    try:
        until = EPOCH + timedelta(milliseconds=instruction.until_ms or 0)
    except OverflowError:
        _refuse("no lock lasts that long")
    note = prose(instruction.note)
    lock = _with(pair=_text(instruction.pair), until=until.isoformat(), side=instruction.side, reason=note)
    return Call("POST", "locks", outcomes.locked, [lock])


def _unlock(instruction: Instruction, release: Release) -> Call:
    if instruction.lock_id:
        return Call("DELETE", f"locks/{_number(instruction.lock_id)}", outcomes.unlocked, endpoint="locks")
    return Call("POST", "locks/delete", outcomes.unlocked, {"pair": _text(instruction.pair)})


def _blacklist_add(instruction: Instruction, release: Release) -> Call:
    return Call("POST", "blacklist", outcomes.blacklisted, {"blacklist": _pairs(instruction)})


def _blacklist_remove(instruction: Instruction, release: Release) -> Call:
    query = urlencode([("pairs_to_delete", pair) for pair in _pairs(instruction)])
    return Call("DELETE", f"blacklist?{query}", outcomes.taken_off, endpoint="blacklist")


def _pairs(instruction: Instruction) -> list[str]:
    return [_text(pair) for pair in dict.fromkeys(instruction.pairs)]


_CALLS: Mapping[str, Callable[[Instruction, Release], Call]] = {
    "start": _start,
    "stop": _stop,
    "pause": _pause,
    "reload_config": _reload_config,
    "force_exit": _force_exit,
    "force_exit_all": _force_exit_all,
    "force_enter": _force_enter,
    "cancel_order": _cancel_order,
    "delete_trade": _delete_trade,
    "reload_trade": _reload_trade,
    "lock_pair": _lock_pair,
    "unlock": _unlock,
    "blacklist_add": _blacklist_add,
    "blacklist_remove": _blacklist_remove,
}
