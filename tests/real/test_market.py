"""The invented market is the same for everybody who knows the seed, at any time."""

from itertools import pairwise

import pytest

from tests.real.market import Market


def test_a_price_is_a_function_of_seed_pair_and_time():
    assert Market(7).price("BTC/USDT", 1_795_000_000.5) == Market(7).price("BTC/USDT", 1_795_000_000.5)
    assert Market(7).price("BTC/USDT", 1_795_000_000.5) != Market(8).price("BTC/USDT", 1_795_000_000.5)


@pytest.mark.parametrize("pair", ["BTC/USDT", "VET/USDT"])
def test_prices_wander_without_leaving_their_level(pair):
    market = Market(3)
    hours = [market.price(pair, 1_790_000_000 + 3600 * hour) for hour in range(24 * 60)]
    minutes = [market.price(pair, 1_790_000_000 + 60 * minute) for minute in range(600)]
    moves = sorted(abs(after / before - 1) for before, after in pairwise(minutes))
    assert 0.001 < moves[300] < 0.01
    assert market.pairs[pair] / 20 < min(hours) < max(hours) < market.pairs[pair] * 20


def test_one_candle_opens_where_the_one_before_closed():
    candles = Market(3).candles("ETH/USDT", "1m", None, 30)
    assert len(candles) == 30
    assert [candle[0] for candle in candles[1:]] == [candle[0] + 60_000 for candle in candles[:-1]]
    finished = candles[:-1]
    assert [after[1] for after in finished[1:]] == [before[4] for before in finished[:-1]]
    assert all(low <= start <= high and low <= close <= high for _, start, high, low, close, _ in finished)
