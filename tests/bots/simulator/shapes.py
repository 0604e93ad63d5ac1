"""The shape of a JSON value: which keys it has and which types stand behind them, without the values."""

import json
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).resolve().parents[2] / "recordings" / "freqtrade"

# Objects whose keys are data (pairs, reasons, minutes), not fields.
MAPS = {"exit_reasons", "minimal_roi", "markets", "errors", "main_plot", "subplots"}

# Fields that may be null in one bot and a value in another, for they depend on what happened to a trade or bot.
MAY_BE_NULL = {
    "amount_precision",
    "price_precision",
    "precision_mode",
    "precision_mode_price",
    "buy_tag",
    "enter_tag",
    "ft_order_tag",
    "sell_reason",
    "exit_reason",
    "exit_order_status",
    "sell_order_status",
    "open_order",
    "open_order_id",
    "order_filled_timestamp",
    "order_filled_date",
    "open_fill_date",
    "open_fill_timestamp",
    "fee_open_cost",
    "fee_close_cost",
    "fee_close_currency",
    "close_profit",
    "close_profit_pct",
    "close_profit_abs",
    "close_date",
    "close_timestamp",
    "close_rate",
    "close_rate_requested",
    "realized_profit_ratio",
    "total_profit_ratio",
    "funding_fee",
    "funding_fees",
    "min_rate",
    "stoploss_last_update",
    "stoploss_last_update_timestamp",
    "draws",
    "final_profit_ratio",
    "order_type",
}

# Zeros that 2020.1 writes without a point, and the simulator with one.
MAY_BE_WHOLE = {"used", "value", "profit_closed_fiat", "profit_all_fiat"}
RECORDED_AT = "http://127.0.0.1:18104"  # where the bot of 2020.1 listened, which its refusals name


def recorded(release: str, name: str) -> Any:
    return json.loads((RECORDINGS / release / f"{name}.json").read_text())


def recorded_lines(release: str, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDINGS / release / f"{name}.jsonl").read_text().splitlines()]


def differences(real: Any, ours: Any, path: str = "") -> list[str]:
    """What `ours` has, lacks or types otherwise than `real`; empty when the shapes agree."""
    return compared(shape_of(real), shape_of(ours), path)


def shape_of(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        fields = {key: shape_of(item, key) for key, item in value.items()}
        return {"*": merged(list(fields.values()))} if name in MAPS else fields
    if isinstance(value, list):
        return ["list", merged([shape_of(item) for item in value])]
    return {type(value).__name__}


def merged(shapes: list[Any]) -> Any:
    """One shape for all elements of a list; None for none."""
    whole: Any = None
    for shape in shapes:
        whole = shape if whole is None else both(whole, shape)
    return whole


def both(one: Any, other: Any) -> Any:
    """The types of `one` and `other` together."""
    if isinstance(one, dict) and isinstance(other, dict):
        shared = {key: both(one[key], other[key]) for key in one.keys() & other.keys()}
        return one | other | shared
    if isinstance(one, set) and isinstance(other, set):
        return one | other
    if isinstance(one, list) and isinstance(other, list):
        return ["list", merged([shape for shape in (one[1], other[1]) if shape is not None])]
    return other if one == {"NoneType"} else one


def compared(real: Any, ours: Any, path: str) -> list[str]:
    if real is None or ours is None:
        return []
    if isinstance(real, dict) and isinstance(ours, dict):
        return compared_objects(real, ours, path)
    if isinstance(real, list) and isinstance(ours, list):
        return compared(real[1], ours[1], f"{path}[]")
    if isinstance(real, set) and isinstance(ours, set):
        changed = f"{path}: {sorted(real)} became {sorted(ours)}"
        return [] if same_types(real, ours, path.rpartition(".")[2]) else [changed]
    return [f"{path}: another kind of value"]


def compared_objects(real: dict[str, Any], ours: dict[str, Any], path: str) -> list[str]:
    lacking = [f"{path}.{key}: lacking" for key in real.keys() - ours.keys()]
    invented = [f"{path}.{key}: invented" for key in ours.keys() - real.keys()]
    shared = real.keys() & ours.keys()
    inner = [found for key in shared for found in compared(real[key], ours[key], f"{path}.{key}")]
    return sorted(lacking + invented + inner)


def same_types(real: set[str], ours: set[str], name: str) -> bool:
    if name in MAY_BE_NULL:
        real, ours = real - {"NoneType"}, ours - {"NoneType"}
        return not real or not ours or real == ours
    if name in MAY_BE_WHOLE and real | ours == {"int", "float"}:
        return True
    return real == ours
