"""Runs inside a bot's own installation: gives ccxt the invented market, refuses the world, then is Freqtrade.

    <the bot's python> inside.py <folder>        (started by launcher.py, which wrote <folder>/life.json)

Freqtrade itself is not changed. What its exchange library would fetch comes from market.py.
"""

import asyncio
import collections
import collections.abc
import importlib
import json
import os
import signal
import sys
import threading
import time
import types
from pathlib import Path

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def refuse_strangers() -> None:
    """No connection and no name look-up leaves the machine: Python asks audit hooks before either."""

    def hook(event: str, arguments: tuple) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            refuse(arguments[1][0])
        elif event == "socket.getaddrinfo" and arguments[0]:
            refuse(arguments[0])

    def refuse(host: object) -> None:
        text = host.decode() if isinstance(host, bytes) else str(host)
        if text and not text.startswith(LOOPBACK):
            raise OSError(f"the invented world has no {text}")

    sys.addaudithook(hook)


def die_with_parent() -> None:
    """A test that is killed leaves no bot behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def be_an_older_python() -> None:
    """Releases of 2020 and 2021 ask for names that Python 3.10 and 3.11 took away."""
    for name in ("Mapping", "MutableMapping", "Sequence", "Iterable", "Callable", "Set", "MutableSet", "Hashable"):
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(asyncio, "coroutine"):
        asyncio.coroutine = types.coroutine
    asyncio.set_event_loop(asyncio.new_event_loop())


def find_first(values, wanted, compare) -> int:
    """Of the library py_find_1st: the index of the first value below (or above) `wanted`; -1 for none."""
    hits = (values < wanted if compare == 1 else values > wanted).nonzero()[0]
    return int(hits[0]) if len(hits) else -1


def stand_in_for_compiled_libraries() -> None:
    """Old releases import these at start; only strategies and back-testing would use them."""
    for name in ("talib", "talib.abstract", "utils_find_1st"):
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = types.ModuleType(name)
    stub = sys.modules["utils_find_1st"]
    if not hasattr(stub, "find_1st"):
        stub.find_1st, stub.cmp_smaller, stub.cmp_larger = find_first, 1, 2
    talib, abstract = sys.modules["talib"], sys.modules["talib.abstract"]
    if not hasattr(talib, "abstract"):
        talib.abstract = abstract


# What a bot needs to come up; all else is not answered while the exchange is down.
AT_START = ("fetch_markets", "fetch_currencies")


def give_ccxt_the_market(market, exchange: str, down: Path) -> None:
    """While the file `down` exists, the exchange answers nothing but what a bot asks for at its start."""
    import ccxt
    import ccxt.async_support

    def while_up(answer):
        def method(self, *args, **named):
            if down.exists():
                raise ccxt.NetworkError("the invented exchange is down")
            return answer(self, *args, **named)

        return method

    answers = ccxt_answers(market, ccxt)
    answers = {name: answer if name in AT_START else while_up(answer) for name, answer in answers.items()}
    for name, answer in answers.items():
        setattr(getattr(ccxt, exchange), name, answer)
        setattr(getattr(ccxt.async_support, exchange), name, awaited(answer))


def awaited(answer):
    async def method(self, *args, **named):
        return answer(self, *args, **named)

    return method


def ccxt_answers(market, ccxt) -> dict:
    """Method name -> what takes its place, for everything that would go over the network."""

    def known(pair: str) -> str:
        if pair not in market.pairs:
            raise ccxt.BadSymbol(f"no market {pair}")
        return pair

    def markets(self, params=None):
        return market.listing(by_tick_size=getattr(self, "precisionMode", None) == ccxt.TICK_SIZE)

    def tickers(self, symbols=None, params=None):
        return {pair: market.ticker(pair) for pair in symbols or market.pairs if pair in market.pairs}

    def candles(self, symbol, timeframe="1m", since=None, limit=None, params=None):
        return market.candles(known(symbol), timeframe, since, limit)

    def book(self, symbol, limit=None, params=None):
        return market.book(known(symbol), limit)

    def fees(self, params=None):
        return {pair: {"symbol": pair, "maker": 0.001, "taker": 0.001} for pair in market.pairs}

    def refused(self, *args, **named):
        raise ccxt.ExchangeError("this call would have left the machine")

    return {
        "fetch_markets": markets,
        "fetch_currencies": lambda self, params=None: market.coins(),
        "fetch_tickers": tickers,
        "fetch_bids_asks": tickers,
        "fetch_ticker": lambda self, symbol, params=None: market.ticker(known(symbol)),
        "fetch_ohlcv": candles,
        "fetch_order_book": book,
        "fetch_l2_order_book": book,
        "fetch_trades": lambda self, *args, **named: [],
        "fetch_my_trades": lambda self, *args, **named: [],
        "fetch_trading_fees": fees,
        "fetch_time": lambda self, params=None: int(time.time() * 1000),
        "fetch_balance": lambda self, params=None: {"free": {}, "used": {}, "total": {}, "info": {}},
        **dict.fromkeys(("fetch", "fetch2", "request", "create_order", "cancel_order", "fetch_order"), refused),
    }


def main() -> None:
    folder = Path(sys.argv[1])
    life = json.loads((folder / "life.json").read_text())
    die_with_parent()
    refuse_strangers()
    be_an_older_python()
    stand_in_for_compiled_libraries()

    from market import Market

    market = Market(life["seed"], life["stake_currency"])
    give_ccxt_the_market(market, life["exchange"], folder / "exchange_down")
    if life["history"]:
        from history import write_history

        write_history(life, market)
    from freqtrade.main import main as freqtrade

    signal.signal(signal.SIGINT, signal.default_int_handler)
    freqtrade(["trade", "--config", str(folder / "config.json"), "--userdir", str(folder), "--strategy", "Restless"])


if __name__ == "__main__":
    main()
