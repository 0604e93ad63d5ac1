"""The configuration file of a genuine bot, in the names of its generation."""

from tests.real.market import LEVELS
from tests.real.releases import Release

Settings = dict[str, object]
RENAMED = (2022, 4)


def config_of(release: Release, name: str, slots: int, place: Settings, api_server: Settings) -> Settings:
    """`place`: db_url and user_data_dir; `api_server`: where it listens and for whom."""
    own = renamed() if release.number >= RENAMED else former(release)
    return {
        "bot_name": name, "dry_run": True, "dry_run_wallet": 10000, "stake_currency": "USDT",
        "stake_amount": 100, "max_open_trades": slots, "initial_state": "running", **place,
        "cancel_open_orders_on_exit": False, "internals": {"process_throttle_secs": 2},
        "exchange": exchange(release), "pairlists": [{"method": "StaticPairList"}], **own,
        "api_server": api_server_of(release, api_server),
    }  # fmt: skip


def exchange(release: Release) -> Settings:
    calm = {"enableRateLimit": False}
    pairs = [f"{base}/USDT" for base in LEVELS]
    settings: Settings = {
        "name": "binance", "key": "", "secret": "", "pair_whitelist": pairs, "pair_blacklist": [],
        "ccxt_config": calm, "ccxt_async_config": calm,
    }  # fmt: skip
    return {**settings, "enable_ws": False} if release.number >= RENAMED else settings


def renamed() -> Settings:
    """From 2022.4 on."""
    price = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "trading_mode": "spot", "force_entry_enable": True,
        "unfilledtimeout": {"entry": 240, "exit": 10, "exit_timeout_count": 0, "unit": "seconds"},
        "entry_pricing": {**price, "price_last_balance": 0.0}, "exit_pricing": price,
    }  # fmt: skip


def former(release: Release) -> Settings:
    """Until 2022.3. Time-outs in minutes; which side of the book a price is taken from, since 2020.7."""
    depth = {"enabled": False, "bids_to_ask_delta": 1}
    bid = {"ask_last_balance": 0.0, "use_order_book": False, "order_book_top": 1, "check_depth_of_market": depth}
    ask = {
        "use_order_book": False, "order_book_min": 1, "order_book_max": 1, "use_sell_signal": True,
        "sell_profit_only": False, "ignore_roi_if_buy_signal": False,
    }  # fmt: skip
    sides = release.number >= (2020, 7)
    return {
        "forcebuy_enable": True, "unfilledtimeout": {"buy": 4, "sell": 1},
        "timeframe" if sides else "ticker_interval": "1m",
        "bid_strategy": {**bid, "price_side": "ask"} if sides else bid,
        "ask_strategy": {**ask, "order_book_top": 1, "price_side": "bid"} if sides else ask,
    }  # fmt: skip


def api_server_of(release: Release, settings: Settings) -> Settings:
    """Without what the release does not know yet: its schema may be strict."""
    since = {"ws_token": (2022, 9), "enable_openapi": (2021, 1), "verbosity": (2020, 10)}
    return {name: value for name, value in settings.items() if release.number >= since.get(name, ())}
