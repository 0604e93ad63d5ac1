"""Whether what was read out of an answer really stands in it: a second reader, that shares nothing with the first."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import msgspec

EXACT = Context(prec=1000)
STEP = Decimal("1e-18")
LONGEST_TEXT = 4000
OURS = {"missing", "capabilities", "settings"}  # not the bot's figures; settings are compared as a whole

# Where a field is called otherwise in the bot's answer: (type, field) or field -> the keys it may come from.
KEYS: dict[Any, tuple[str, ...]] = {
    ("Trade", "profit_abs"): ("close_profit_abs",),
    ("Trade", "profit_ratio"): ("close_profit",),
    ("DayProfit", "profit_abs"): ("abs_profit",),
    ("DayProfit", "trades"): ("trade_count",),
    ("Moving", "profit_abs"): ("profit_abs", "current_profit_abs"),
    ("Moving", "profit_ratio"): ("profit_ratio", "current_profit"),
    ("PairPerformance", "trades"): ("count",),
    ("Balance", "bot_total"): ("total_bot",),
    ("CurrencyBalance", "total"): ("balance",),
    ("CurrencyBalance", "value"): ("est_stake",),
    ("CurrencyBalance", "bot_value"): ("est_stake_bot",),
    ("Order", "rate"): ("safe_price",),
    "open_ms": ("open_timestamp", "open_date"),
    "close_ms": ("close_timestamp", "close_date"),
    "placed_ms": ("order_timestamp",),
    "filled_ms": ("order_filled_timestamp",),
    "stop_rate": ("stop_loss_abs", "stop_loss"),
    "max_open_trades": ("max_open_trades", "max"),
    "fee_open_ratio": ("fee_open",),
    "fee_close_ratio": ("fee_close",),
    "closed_abs": ("profit_closed_coin",),
    "closed_ratio": ("profit_closed_ratio",),
    "all_abs": ("profit_all_coin",),
    "closed_count": ("closed_trade_count",),
    "winning": ("winning_trades",),
    "losing": ("losing_trades",),
    "max_drawdown_ratio": ("max_drawdown",),
    "current_drawdown_ratio": ("current_drawdown",),
    "first_trade_ms": ("first_trade_timestamp",),
    "latest_trade_ms": ("latest_trade_timestamp",),
    "from_ms": ("lock_timestamp",),
    "until_ms": ("lock_end_timestamp",),
    "last_process_ms": ("last_process_ts",),
    "started_ms": ("bot_startup_ts",),
    "first_started_ms": ("bot_start_ts",),
    "next_offset": (),
    "total": ("total", "total_trades"),
}
REMAINING = re.compile(r"rem=([\d.]+)")  # "(limit buy rem=66.65800000)": old releases tell of an open order in words
# Early releases give the ratio in percent, under another name.
PERCENT = {("PairPerformance", "profit_ratio"): "profit", ("Moving", "profit_ratio"): "current_profit"}
DATES = {"open_date", "close_date"}  # of the oldest the only moments, to the second; UTC
OF_SECONDS = {"last_process_ms", "started_ms", "first_started_ms"}
DERIVED = {"average_duration_seconds", "at_ms", "next_offset"}  # of a text, of a list's second entry, of our own page
ASSUMED = {"leverage": Decimal(1)}  # what a bot that says nothing has


class Given:
    """Every figure of some answers by the key it stands under."""

    def __init__(self, *bodies: bytes) -> None:
        self.figures: dict[str, set[Decimal]] = {}
        self.readable = True
        for body in bodies:
            self.read(body)

    def read(self, body: bytes) -> None:
        text = body.decode("utf-8-sig", "replace").replace("-NaN", "NaN")  # some writers' sign of no number
        try:
            document = json.loads(
                text, strict=False, parse_int=Decimal, parse_float=figure, object_pairs_hook=self.note_all,
                parse_constant=lambda word: None,
            )  # fmt: skip
        except (ValueError, RecursionError):
            self.readable = False
        else:
            self.note_days(document)

    def note_days(self, document: Any) -> None:
        """The oldest tell a day's profit in words: ["2020-01-31", "-1.89125212 USDT", "0.000 USD", "12 trades"]."""
        for row in document if isinstance(document, list) else ():
            if isinstance(row, list) and len(row) == 4:  # what stands third is read by nobody
                for key, words in (("abs_profit", row[1]), ("trade_count", row[3])):
                    self.note(key, figure(str(words).partition(" ")[0]))

    def note_all(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for key, value in pairs:
            if key == "open_order" and isinstance(value, str) and (left := REMAINING.search(value)):
                self.figures.setdefault("remaining", set()).add(rounded(Decimal(left[1])))
            read = moment if key in DATES else figure
            self.note(key, value if isinstance(value, Decimal) else read(value) if isinstance(value, str) else None)
        return dict(pairs)

    def note(self, key: str, number: Decimal | None) -> None:
        if number is not None and number.is_finite():
            self.figures.setdefault(key, set()).add(rounded(number))

    def has(self, keys: tuple[str, ...], number: Decimal) -> bool:
        return any(number in self.figures.get(key, ()) for key in keys)


def figure(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except (InvalidOperation, ValueError):
        return None


def moment(text: str) -> Decimal | None:
    """Epoch milliseconds."""
    try:
        return Decimal(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())) * 1000
    except (ValueError, OverflowError):
        return None


def rounded(number: Decimal) -> Decimal:
    if number.adjusted() > 40:  # never stored, and long to write out
        return number
    return number.quantize(STEP, context=EXACT) if number.adjusted() > -400 else Decimal(0)


def wrongs(value: msgspec.Struct, given: Given) -> list[str]:
    """What is wrong with a value read out of these answers; an empty list when nothing is."""
    return [problem for kind, name, each in walked(value) for problem in wrong(kind, name, each, given)]


def walked(value: Any, kind: str = "", name: str = "") -> Iterator[tuple[str, str, Any]]:
    """(type, field, scalar) of everything in a value object."""
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            if field not in OURS:
                yield from walked(getattr(value, field), type(value).__name__, field)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from walked(each, kind, name)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from walked(str(key), kind, name)
            yield from walked(each, kind, name)
    else:
        yield kind, name, value


def wrong(kind: str, name: str, value: Any, given: Given) -> list[str]:
    if isinstance(value, str):
        return [f"{kind}.{name}: {problem}" for problem in text_problems(value)]
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, float):
        return [] if math.isfinite(value) else [f"{kind}.{name} is {value}"]
    return [] if name in DERIVED else figure_problems(kind, name, Decimal(value), given)


def figure_problems(kind: str, name: str, number: Decimal, given: Given) -> list[str]:
    if not number.is_finite() or abs(number) >= Decimal("1e20"):
        return [f"{kind}.{name} is {number}"]
    keys = KEYS.get((kind, name)) or KEYS.get(name) or (name,)
    told = number / 1000 if name in OF_SECONDS else number
    if given.has(keys, rounded(told)) or ASSUMED.get(name) == number:
        return []
    if any(rounded(percent / 100) == number for percent in given.figures.get(PERCENT.get((kind, name), ""), ())):
        return []
    if name in ("slots", "max_open_trades") and any(int(limit) == number for limit in limits(keys, given)):
        return []
    return [f"{kind}.{name} is {number}, which the bot gives nowhere as {' or '.join(keys)}"]


def limits(keys: tuple[str, ...], given: Given) -> list[Decimal]:
    """A limit of 5.5 trades is one of 5."""
    return [each for key in keys for each in given.figures.get(key, ()) if each.adjusted() < 30]


def text_problems(text: str) -> list[str]:
    found = []
    if len(text) > LONGEST_TEXT:
        found.append(f"a text of {len(text)} signs")
    if any(sign < " " and sign not in "\n\t" for sign in text):
        found.append("a control sign in a text")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        found.append("half a sign in a text")
    return found
