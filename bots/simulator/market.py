"""Prices that move: a pure function of (seed, pair, time), so two readers of one moment see one price."""

import math
from functools import cache
from zlib import crc32

# Dollars for one unit, the level around which a price swings.
LEVELS = {
    "USD": 1.0,
    "USDT": 1.0,
    "USDC": 1.0,
    "EUR": 1.09,
    "BTC": 64_200.0,
    "ETH": 3_120.0,
    "BNB": 588.0,
    "SOL": 148.0,
    "XRP": 0.572,
    "ADA": 0.451,
    "DOGE": 0.121,
    "AVAX": 27.4,
    "DOT": 6.12,
    "LINK": 13.8,
    "LTC": 71.5,
    "TRX": 0.134,
    "ATOM": 6.55,
    "UNI": 8.04,
    "ETC": 22.1,
    "XLM": 0.0974,
    "FIL": 4.31,
    "NEAR": 5.21,
    "ALGO": 0.137,
    "VET": 0.0261,
}
STABLE = {"USD", "USDT", "USDC"}
COINS = [name for name in LEVELS if name not in STABLE | {"EUR"}]

# Swings of a coin against the dollar: (period in seconds, amplitude as a ratio).
SWINGS = [(950_400.0, 0.07), (164_000.0, 0.025), (17_900.0, 0.011), (2_230.0, 0.004), (71.0, 0.0009), (13.0, 0.0003)]


class Market:
    """All pairs of one invented exchange. `step` is the time in seconds between two price changes."""

    def __init__(self, seed: int = 1, step: float = 1.0) -> None:
        self.seed = seed
        self.step = step
        self._known_at = -1
        self._known: dict[str, float] = {}  # rates of the step `_known_at`: a thousand bots ask for the same

    def tick(self, at: float) -> int:
        """The number of the price step in which the moment `at` (epoch seconds) lies."""
        return int(at // self.step)

    def rate(self, pair: str, at: float) -> float:
        """Quote currency for one unit of base currency at `at` (epoch seconds)."""
        tick = self.tick(at)
        if tick != self._known_at:
            self._known_at, self._known = tick, {}
        if pair not in self._known:
            self._known[pair] = self._computed(pair, tick * self.step)
        return self._known[pair]

    def _computed(self, pair: str, moment: float) -> float:
        base, _, quote = pair.partition("/")
        value = self._dollars(base, moment) / self._dollars(quote, moment)
        return round(value, digits_of(value))

    def lists(self, pair: str) -> bool:
        base, _, quote = pair.partition("/")
        return base in LEVELS and quote in LEVELS and base != quote

    def _dollars(self, coin: str, moment: float) -> float:
        if coin in STABLE:
            return 1.0
        calm = 0.05 if coin == "EUR" else 1.0
        swing = sum(
            size * math.sin(moment * math.tau / period + phase)
            for (period, size), phase in zip(SWINGS, phases(self.seed, coin), strict=True)
        )
        return LEVELS[coin] * math.exp(swing * calm)


@cache
def phases(seed: int, coin: str) -> tuple[float, ...]:
    return tuple(crc32(f"{seed}/{coin}/{number}".encode()) % 6283 / 1000 for number in range(len(SWINGS)))


def digits_of(rate: float) -> int:
    """Decimals that leave about six significant digits, never more than eight."""
    return min(8, max(1, 5 - math.floor(math.log10(rate)))) if rate > 0 else 8


def amount_digits_of(rate: float) -> int:
    """Decimals of an amount worth trading at this rate."""
    return min(8, max(2, 4 + math.floor(math.log10(rate)))) if rate > 0 else 8
