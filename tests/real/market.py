"""An invented market: every price is a function of seed, pair and time, and of nothing else.

No state, no network: a bot that was killed finds the same past when it comes back. A price is a level times the
exponential of many slow and fast waves, so that it wanders about 0.4 % in a minute. Times are seconds, candles and
tickers follow ccxt's unified shapes (milliseconds). Runs inside the bots' own installations: standard library only.
"""

import math
import random
import time

LEVELS = {
    "BTC": 60000.0, "ETH": 3000.0, "BNB": 500.0, "SOL": 150.0, "XRP": 0.6, "ADA": 0.45, "DOGE": 0.12, "AVAX": 30.0,
    "DOT": 6.0, "LINK": 14.0, "LTC": 80.0, "TRX": 0.13, "ATOM": 8.0, "UNI": 9.0, "ETC": 25.0, "XLM": 0.11,
    "FIL": 5.0, "NEAR": 5.2, "ALGO": 0.17, "VET": 0.03,
}  # fmt: skip
SPREAD = 0.0002
SIGNIFICANT_DIGITS = 6
SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Market:
    def __init__(self, seed: int, quote: str = "USDT", volatility: float = 0.004) -> None:
        """`volatility`: the typical move within a minute, as a ratio."""
        self.quote = quote
        self.pairs = {f"{base}/{quote}": level for base, level in LEVELS.items() if base != quote}
        self._waves = {pair: self._waves_of(seed, pair, volatility) for pair in self.pairs}
        self._candles: dict[tuple[str, int, int], list[float]] = {}

    @staticmethod
    def _waves_of(seed: int, pair: str, volatility: float) -> list[tuple[float, float, float]]:
        dice = random.Random(f"{seed} {pair}")
        waves = []
        for step in range(21):
            period = 8.0 * 1.85**step * dice.uniform(0.9, 1.1)
            waves.append((volatility / 9 * math.sqrt(period), 2 * math.pi / period, dice.uniform(0, 2 * math.pi)))
        return waves

    def price(self, pair: str, seconds: float) -> float:
        height = sum(size * math.sin(speed * seconds + phase) for size, speed, phase in self._waves[pair])
        return self.rounded(pair, self.pairs[pair] * math.exp(height))

    def digits(self, pair: str) -> int:
        """Places behind the point that the pair's prices have."""
        return max(0, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(self.pairs[pair])))

    def rounded(self, pair: str, rate: float) -> float:
        return round(rate, self.digits(pair))

    def ticker(self, pair: str) -> dict[str, object]:
        now = time.time()
        last, before = self.price(pair, now), self.price(pair, now - 86400)
        return {
            "symbol": pair, "timestamp": int(now * 1000), "datetime": iso(int(now * 1000)),
            "bid": self.rounded(pair, last * (1 - SPREAD)), "bidVolume": 50.0,
            "ask": self.rounded(pair, last * (1 + SPREAD)), "askVolume": 50.0,
            "high": max(last, before), "low": min(last, before), "open": before, "close": last, "last": last,
            "previousClose": before, "change": last - before, "percentage": (last / before - 1) * 100,
            "average": last, "vwap": last, "baseVolume": 1e6 / last, "quoteVolume": 1e6, "info": {},
        }  # fmt: skip

    def book(self, pair: str, depth: int | None) -> dict[str, object]:
        ticker = self.ticker(pair)
        step = 10.0 ** -self.digits(pair)
        size = 50000.0 / self.pairs[pair]
        rows = range(min(depth or 20, 100))
        return {
            "symbol": pair, "timestamp": ticker["timestamp"], "datetime": ticker["datetime"], "nonce": None,
            "bids": [[self.rounded(pair, ticker["bid"] - row * step), size] for row in rows],
            "asks": [[self.rounded(pair, ticker["ask"] + row * step), size] for row in rows],
        }  # fmt: skip

    def candles(self, pair: str, timeframe: str, since_ms: int | None, limit: int | None) -> list[list[float]]:
        """[open time ms, open, high, low, close, volume], oldest first; the running candle is the last one."""
        length = int(timeframe[:-1]) * SECONDS_OF[timeframe[-1]]
        running = int(time.time()) // length * length
        most = min(limit or 500, 1000)
        first = running - (most - 1) * length if since_ms is None else -(-(since_ms // 1000) // length) * length
        last = min(running, first + (most - 1) * length)
        return [self._candle(pair, start, length, running) for start in range(first, last + 1, length)]

    def _candle(self, pair: str, start: int, length: int, running: int) -> list[float]:
        key = (pair, start, length)
        if key in self._candles:
            return list(self._candles[key])
        end = min(start + length, time.time())
        path = [self.price(pair, start + (end - start) * share / 5) for share in range(6)]
        volume = round(30000 / path[0] * (1 + start // length % 13 / 10), 4)
        candle = [start * 1000, path[0], max(path), min(path), path[-1], volume]
        if start < running:
            self._candles[key] = candle
        return list(candle)

    def listing(self, by_tick_size: bool) -> list[dict[str, object]]:
        """ccxt's market descriptions. `by_tick_size`: precision as the smallest step, else as a number of places."""
        return [self._listed(pair, by_tick_size) for pair in sorted(self.pairs)]

    def _listed(self, pair: str, by_tick_size: bool) -> dict[str, object]:
        base = pair.partition("/")[0]
        places = {"price": self.digits(pair), "amount": max(0, 4 + math.floor(math.log10(self.pairs[pair])))}
        precision = {name: 10.0**-n if by_tick_size else n for name, n in places.items()}
        smallest = 10.0 ** -places["amount"]
        return {
            "id": base + self.quote, "lowercaseId": (base + self.quote).lower(), "symbol": pair, "base": base,
            "quote": self.quote, "baseId": base, "quoteId": self.quote, "settle": None, "settleId": None,
            "type": "spot", "spot": True, "margin": False, "swap": False, "future": False, "option": False,
            "contract": False, "contractSize": None, "linear": None, "inverse": None, "expiry": None,
            "expiryDatetime": None, "strike": None, "optionType": None, "active": True,
            "taker": 0.001, "maker": 0.001, "percentage": True, "tierBased": False,
            "precision": {**precision, "base": precision["amount"], "quote": 1e-8 if by_tick_size else 8},
            "limits": {
                "amount": {"min": smallest, "max": 9e9}, "price": {"min": 10.0 ** -places["price"], "max": 9e9},
                "cost": {"min": 5.0, "max": 9e9}, "market": {"min": 0.0, "max": 9e9},
                "leverage": {"min": None, "max": None},
            },
            "created": None, "marginModes": {"isolated": False, "cross": False},
            "info": {"status": "TRADING", "permissions": ["SPOT"]},
        }  # fmt: skip

    def coins(self) -> dict[str, dict[str, object]]:
        free = {"min": None, "max": None}
        return {
            code: {
                "id": code, "code": code, "name": code, "type": "crypto", "active": True, "precision": 8,
                "fee": None, "deposit": True, "withdraw": True, "networks": {}, "info": {},
                "limits": {"amount": free, "withdraw": free},
            }
            for code in (*LEVELS, self.quote)
        }  # fmt: skip


def iso(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000)) + f".{ms % 1000:03d}Z"
