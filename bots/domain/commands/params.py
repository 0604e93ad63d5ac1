"""What a person or a program typed as `params`, into typed and canonical words; and those into an instruction.

Canonical means: JSON, money as plain decimal strings, moments as ISO 8601 in UTC. The same wish has one spelling, which
is what is stored, audited and compared.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from bots.domain.commands.refusing import WrongParams
from bots.models.money import exact
from bots.systems.instructions import CARRIES, NEEDS, Instruction

Params = dict[str, Any]

ON_A_TRADE = frozenset(action for action, needs in NEEDS.items() if ("trade_id",) in needs)
EXPECTED = ("pair", "side", "amount", "open_date", "mode")
MOST_PAIRS = 50
LONGEST_NUMBER = 60
LONGEST = {"trade_id": 40, "lock_id": 40, "pair": 60, "enter_tag": 255, "note": 255}
# What the API calls by another name than the instruction.
TYPED_AS = {"until_ms": "until"}


def parsed(action: str, params: object) -> Params:
    """Raises WrongParams, naming every field that is wrong."""
    if action not in NEEDS:
        raise WrongParams({"action": f"There is no action {str(action)[:40]!r} at any bot"})
    if not isinstance(params, Mapping):
        raise WrongParams({"params": "Must be an object of named values"})
    given = {name: value for name, value in params.items() if value is not None and value != ""}
    wrong = {printable(name): "Unknown here" for name in given if name not in known_names(action)}
    found: Params = {}
    for name in known_names(action) & given.keys():
        try:
            found[name] = PARSERS[name](name, given[name])
        except ValueError as problem:
            wrong[name] = str(problem)
    if not wrong:
        wrong = missing(action, found) or contradictions(action, found)
    if wrong:
        raise WrongParams(wrong)
    return found


def printable(name: object) -> str:
    """A name somebody made up, as it can be answered: half a surrogate pair cannot be written."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(name)[:40])


def known_names(action: str) -> set[str]:
    needed = {typed_as(name) for either in NEEDS[action] for name in either}
    return needed | set(CARRIES.get(action, ())) | {"expected"}


def typed_as(name: str) -> str:
    return TYPED_AS.get(name, name)


def missing(action: str, found: Params) -> dict[str, str]:
    wrong = {}
    for either in NEEDS[action]:
        names = [typed_as(name) for name in either]
        count = len([name for name in names if name in found])
        if count == 0:
            wrong[names[0]] = "Required" if len(names) == 1 else f"One of {' and '.join(names)} is required"
        elif count > 1:
            wrong[names[0]] = f"Either {' or '.join(names)}, not both"
    return wrong


def contradictions(action: str, found: Params) -> dict[str, str]:
    if found.get("order_type") == "market" and "price" in found:
        return {"price": "A market order takes no price"}
    if action not in ON_A_TRADE and found.get("expected", {}).keys() - {"mode"}:
        return {"expected": "Only mode: it is about no single trade"}
    if action == "force_enter" and found.get("side") == "*":
        return {"side": "Must be long or short"}
    if action == "force_enter" and "/" not in found["pair"]:
        return {"pair": "Must be a pair like BTC/USDT"}
    return {}


# --- One value --------------------------------------------------------------------------------------------------------


def text(name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and name.endswith("_id"):
        value = str(value)
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        raise ValueError("Must be a text")
    if len(value) > LONGEST[name]:
        raise ValueError(f"At most {LONGEST[name]} characters")
    return value.strip()


def word(name: str, value: object) -> str:
    found = text(name, value)
    if " " in found:
        raise ValueError("Must be one word")
    return found


def amount(name: str, value: object) -> str:
    """A finite positive number with at most 18 places, as plain text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("Must be a number")
    written = value.strip() if isinstance(value, str) else str(value)
    if len(written) > LONGEST_NUMBER:
        raise ValueError(f"At most {LONGEST_NUMBER} characters")
    try:
        number = exact(written)
        same = number == Decimal(written)
    except (ValueError, ArithmeticError):
        raise ValueError("Must be a finite number") from None
    if not same:
        raise ValueError("At most 18 decimal places")
    if number <= 0:
        raise ValueError("Must be above zero")
    return format(number, "f")


def one_of(*words: str) -> Callable[[str, object], str]:
    def chosen(name: str, value: object) -> str:
        if value not in words:
            raise ValueError(f"Must be {' or '.join(words)}")
        return str(value)

    return chosen


def pairs(name: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_PAIRS:
        raise ValueError(f"Must be a list of 1 to {MOST_PAIRS} pairs")
    return list(dict.fromkeys(word("pair", each) for each in value))


def moment(value: object) -> datetime:
    """Raises ValueError for what is no ISO 8601 moment with a zone."""
    try:
        found = parse_datetime(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ValueError("Must be a moment like 2026-11-21T14:00:00Z, with its zone")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError("Must be a moment of this age") from None


def until(name: str, value: object) -> str:
    return moment(value).isoformat()


def require_ahead(params: Mapping[str, Any]) -> None:
    """Asked of what is new: the repetition of an old request is answered as the first. Raises WrongParams."""
    if "until" in params and datetime.fromisoformat(params["until"]) <= timezone.now():
        raise WrongParams({"until": "Lies in the past"})


def expected(name: str, value: object) -> Params:
    """What the person saw: {pair, side, amount, open_date, mode}, each of them optional."""
    if not isinstance(value, Mapping):
        raise ValueError("Must be an object")
    strange = [printable(key) for key in value if key not in EXPECTED]
    if strange:
        raise ValueError(f"Unknown: {', '.join(strange)}; known are {', '.join(EXPECTED)}")
    given = {key: item for key, item in value.items() if item is not None and item != ""}
    return {key: EXPECTED_PARSERS[key](key, given[key]) for key in EXPECTED if key in given}


def held_amount(name: str, value: object) -> str:
    """As `amount`, but an entry that is not filled holds nothing."""
    try:
        if Decimal(str(value)) == 0:
            return "0"
    except ArithmeticError:
        pass
    return amount(name, value)


def open_moment(name: str, value: object) -> str:
    return moment(value).isoformat()


EXPECTED_PARSERS: Mapping[str, Callable[[str, Any], str]] = {
    "pair": word,
    "side": one_of("long", "short"),
    "amount": held_amount,
    "open_date": open_moment,
    "mode": one_of("live", "dry"),
}
PARSERS: Mapping[str, Callable[[str, Any], Any]] = {
    "trade_id": word,
    "lock_id": word,
    "amount": amount,
    "price": amount,
    "stake_amount": amount,
    "leverage": amount,
    "order_type": one_of("limit", "market"),
    "side": one_of("long", "short", "*"),
    "pair": word,
    "pairs": pairs,
    "enter_tag": text,
    "note": text,
    "until": until,
    "expected": expected,
}

# --- Into an instruction ----------------------------------------------------------------------------------------------

DECIMALS = ("amount", "price", "stake_amount", "leverage")


def instruction(action: str, params: Mapping[str, Any], open_ms: int | None = None) -> Instruction:
    """Of stored params; `open_ms` of the trade that was confirmed."""
    words: dict[str, Any] = {name: value for name, value in params.items() if name not in ("expected", "until")}
    for name in DECIMALS:
        if name in words:
            words[name] = Decimal(words[name])
    if "pairs" in words:
        words["pairs"] = tuple(words["pairs"])
    if "until" in params:
        words["until_ms"] = int(datetime.fromisoformat(params["until"]).timestamp() * 1000)
    return Instruction(action=action, open_ms=open_ms, **words)
