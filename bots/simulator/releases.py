"""What each Freqtrade release knows: API numbers, fields and habits, as tables.

A builder writes the union of all releases; `Release.shape` takes away what the release does not have.
A new release is a few lines here.
"""

import re
from functools import cache

Versions = tuple[int, ...]

# First release -> `api_version` in show_config (a JSON float: 2.20 arrives as 2.2).
API_VERSIONS = [
    ("2021.11", 1.1),
    ("2021.12", 1.12),
    ("2022.1", 1.13),
    ("2022.3", 1.14),
    ("2022.4.1", 2.15),
    ("2022.6", 2.16),
    ("2022.8", 2.17),
    ("2022.9", 2.20),
    ("2022.12", 2.22),
    ("2023.1", 2.23),
    ("2023.2", 2.24),
    ("2023.3", 2.25),
    ("2023.5", 2.28),
    ("2023.6", 2.30),
    ("2023.7", 2.31),
    ("2023.8", 2.32),
    ("2023.9", 2.33),
    ("2023.11", 2.34),
    ("2024.4", 2.35),
    ("2024.10", 2.40),
    ("2024.11", 2.41),
    ("2025.2", 2.42),
    ("2025.7", 2.43),
    ("2025.12", 2.45),
    ("2026.2", 2.47),
    ("2026.4", 2.48),
    ("2026.6", 2.49),
    ("2026.8", 2.50),
]

# kind -> field -> (first release with it, first release without it).
FIELDS: dict[str, dict[str, tuple[str, str | None]]] = {
    "trade": {
        "open_date_hum": ("2020.1", "2021.4"),
        "close_date_hum": ("2020.1", "2021.4"),
        "profit_fiat": ("2021.4", None),
        "sell_order_status": ("2020.6", "2022.4.1"),
        "orders": ("2022.3", None),
        **dict.fromkeys(
            (
                "base_currency",
                "quote_currency",
                "is_short",
                "enter_tag",
                "exit_reason",
                "exit_order_status",
                "leverage",
                "interest_rate",
                "liquidation_price",
                "funding_fees",
                "trading_mode",
            ),
            ("2022.4.1", None),
        ),
        "max_stake_amount": ("2022.12", None),
        "open_fill_date": ("2024.2", None),
        "open_fill_timestamp": ("2024.2", None),
        "realized_profit": ("2023.3", None),
        "realized_profit_ratio": ("2023.3", None),
        "nr_of_successful_entries": ("2025.11", None),
        "nr_of_successful_exits": ("2025.11", None),
        "has_open_orders": ("2023.9", None),
        "amount_precision": ("2023.3", None),
        "price_precision": ("2023.3", None),
        "precision_mode": ("2023.3", None),
        "total_profit_abs": ("2023.3", None),
        "total_profit_fiat": ("2023.3", None),
        "total_profit_ratio": ("2023.3", None),
        "buy_tag": ("2021.8", "2022.12"),
        "sell_reason": ("2020.1", "2022.12"),
        "stoploss_order_id": ("2020.1", "2024.2"),
        "open_order_id": ("2020.1", "2023.9"),
        "open_order": ("2020.1", "2023.9"),
        "current_profit": ("2020.1", "2023.3"),
        "current_profit_abs": ("2020.1", "2023.3"),
        "current_profit_pct": ("2020.1", "2023.3"),
    },
    # /trades is not passed through the response model: other fields appear, and earlier.
    "listed_trade": {
        "realized_profit": ("2022.8", None),
        "contract_size": ("2023.3", None),
        "precision_mode_price": ("2025.2", None),
    },
    "order": {"ft_fee_base": ("2023.7", None), "ft_order_tag": ("2024.2", None)},
    "listed_order": {"funding_fee": ("2023.7", None)},
    "show_config": {
        "ticker_interval": ("2020.1", "2020.12"),
        "max_open_trades": ("2020.5", None),
        "state": ("2020.5", None),
        "forcebuy_enabled": ("2020.5", "2022.4.1"),
        "timeframe": ("2020.6", None),
        "ask_strategy": ("2020.6", "2022.4.1"),
        "bid_strategy": ("2020.6", "2022.4.1"),
        "timeframe_ms": ("2020.7", None),
        "timeframe_min": ("2020.7", None),
        "runmode": ("2020.12", None),
        "bot_name": ("2021.1", None),
        "use_custom_stoploss": ("2021.2", None),
        "available_capital": ("2021.7", None),
        "stake_currency_decimals": ("2021.7", None),
        "version": ("2021.11", None),
        "api_version": ("2021.11", None),
        "order_types": ("2021.11", None),
        "unfilledtimeout": ("2021.11", None),
        "strategy_version": ("2021.12", None),
        "position_adjustment_enable": ("2022.1", None),
        "max_entry_position_adjustment": ("2022.1", None),
        "entry_pricing": ("2022.4.1", None),
        "exit_pricing": ("2022.4.1", None),
        "force_entry_enable": ("2022.4.1", None),
        "trading_mode": ("2022.4.1", None),
        "short_allowed": ("2022.4.1", None),
        "margin_mode": ("2025.9", None),
        "stoploss_on_exchange": ("2023.2", None),
        "demo_trading": ("2026.4", None),
    },
    "order_types": {"stoploss_on_exchange_interval": ("2021.11", "2025.1")},
    "profit": {
        **dict.fromkeys(("first_trade_timestamp", "latest_trade_timestamp"), ("2020.5", None)),
        **dict.fromkeys(
            [
                f"profit_{which}_{what}"
                for which in ("closed", "all")
                for what in ("percent_mean", "ratio_mean", "percent_sum", "ratio_sum")
            ],
            ("2020.6", None),
        ),
        "closed_trade_count": ("2020.6", None),
        "winning_trades": ("2020.7", None),
        "losing_trades": ("2020.7", None),
        "profit_closed_ratio": ("2021.7", None),
        "profit_all_ratio": ("2021.7", None),
        "best_pair_profit_ratio": ("2021.11", None),
        "max_drawdown": ("2022.6", None),
        "max_drawdown_abs": ("2022.6", None),
        "profit_factor": ("2022.6", None),
        "trading_volume": ("2022.6", None),
        "first_trade_humanized": ("2023.5", None),
        "latest_trade_humanized": ("2023.5", None),
        "best_pair_profit_abs": ("2025.1", None),
        "winrate": ("2023.7", None),
        "expectancy": ("2023.7", None),
        "expectancy_ratio": ("2023.7", None),
        "sharpe": ("2026.1", None),
        "sortino": ("2026.1", None),
        "sqn": ("2026.1", None),
        "calmar": ("2026.1", None),
        "cagr": ("2026.1", None),
        "max_drawdown_start": ("2023.9", None),
        "max_drawdown_start_timestamp": ("2023.9", None),
        "max_drawdown_end": ("2023.9", None),
        "max_drawdown_end_timestamp": ("2023.9", None),
        "current_drawdown": ("2025.7", None),
        "current_drawdown_abs": ("2025.7", None),
        "current_drawdown_high": ("2025.7", None),
        "current_drawdown_start": ("2025.7", None),
        "current_drawdown_start_timestamp": ("2025.7", None),
        "bot_start_timestamp": ("2023.4", None),
        "bot_start_date": ("2023.4", None),
    },
    "period": {"rel_profit": ("2022.6", None), "starting_balance": ("2022.6", None)},
    "performance": {
        "profit_abs": ("2021.5", None),
        "profit_ratio": ("2021.11", None),
        "profit_pct": ("2021.11", None),
    },
    "locks": {"id": ("2021.3", None), "side": ("2022.5", None)},
    "blacklist": {"errors": ("2020.5", None), "blacklist_expanded": ("2020.10", None)},
    "trades": {"total_trades": ("2021.4", None), "offset": ("2022.6", None)},
    "balance": {
        **dict.fromkeys(
            (
                "starting_capital",
                "starting_capital_ratio",
                "starting_capital_pct",
                "starting_capital_fiat",
                "starting_capital_fiat_ratio",
                "starting_capital_fiat_pct",
            ),
            ("2021.9", None),
        ),
        "total_bot": ("2023.5", None),
        "value_bot": ("2023.5", None),
    },
    "currency": {
        "side": ("2022.4.1", None),
        "is_position": ("2022.4.1", None),
        "position": ("2022.4.1", None),
        "bot_owned": ("2023.5", None),
        "est_stake_bot": ("2023.5", None),
        "is_bot_managed": ("2023.5", None),
        "leverage": ("2022.4.1", "2024.8"),
    },
    "health": {
        "bot_start": ("2024.3", None),
        "bot_start_ts": ("2024.3", None),
        "bot_startup": ("2024.3", None),
        "bot_startup_ts": ("2024.3", None),
    },
    "pair_candles": {
        "enter_long_signals": ("2022.4.1", None),
        "exit_long_signals": ("2022.4.1", None),
        "enter_short_signals": ("2022.4.1", None),
        "exit_short_signals": ("2022.4.1", None),
        "all_columns": ("2024.4", None),
        "annotations": ("2025.5", None),
    },
    "sysinfo": {
        "cpu_load": ("2026.3", None),
        "cpu_load_avg": ("2026.3", None),
        "cpu_count": ("2026.3", None),
        "cpu_avg": ("2026.3", None),
    },
    "strategy": {"timeframe": ("2023.12", None), "params": ("2026.2", None)},
    "exit_message": {
        "quote_currency": ("2023.5", None),
        "sell_reason": ("2022.4.1", "2022.12"),
        "final_profit_ratio": ("2023.3", None),
        "is_final_exit": ("2023.3", None),
    },
    # The order's rate appears in entry and cancel messages later than in exit messages.
    "entry_message": {"order_rate": ("2024.4", None), "quote_currency": ("2023.5", None)},
    "entry_cancel_message": {"open_rate": ("2023.2", None)},
    "exit_cancel_message": {"order_rate": ("2024.4", None)},
}

# Kinds that share another kind's table.
PARENTS = {
    "listed_trade": "trade",
    "listed_order": "order",
    "entry_cancel_message": "entry_message",
    "exit_cancel_message": "exit_message",
}


def versions_of(text: str) -> Versions:
    """'2022.9.1' -> (2022, 9, 1); 'docker-2024.10-dev' -> (2024, 10). Raises ValueError where no release is named."""
    found = re.search(r"(20\d\d)\.(\d+)(?:\.(\d+))?", text)
    if not found:
        raise ValueError(f"no Freqtrade release in {text!r}")
    return tuple(int(part) for part in found.groups() if part is not None)


class Release:
    """One release: `text` is what /version says."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.versions = versions_of(text)
        self._absent: dict[str, frozenset[str]] = {}

    def since(self, first: str) -> bool:
        return self.versions >= _versions(first)

    @property
    def api_version(self) -> float | None:
        known = [number for first, number in API_VERSIONS if self.since(first)]
        return known[-1] if known else None

    @property
    def flask(self) -> bool:
        """Before 2021.1 another web framework answered: HTML errors, function names in refusals."""
        return not self.since("2021.1")

    def absent(self, kind: str) -> frozenset[str]:
        """The fields of `kind` which this release does not send."""
        if kind not in self._absent:
            table = {**FIELDS.get(PARENTS.get(kind, ""), {}), **FIELDS.get(kind, {})}
            self._absent[kind] = frozenset(name for name, span in table.items() if not self._has(*span))
        return self._absent[kind]

    def shape(self, kind: str, full: dict[str, object]) -> dict[str, object]:
        """`full` without the fields this release does not have."""
        absent = self.absent(kind)
        return {name: value for name, value in full.items() if name not in absent}

    def _has(self, first: str, until: str | None) -> bool:
        return self.since(first) and (until is None or not self.since(until))


@cache
def _versions(text: str) -> Versions:
    return versions_of(text)


@cache
def release(text: str) -> Release:
    return Release(text)
