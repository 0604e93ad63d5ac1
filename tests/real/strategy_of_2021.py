"""The strategy of the genuine bots before 2022.4: trades all the time, on purpose. Not a trading idea.

Copied into each bot's folder; interface version 2. A trade ends in its second minute at the latest.
"""

from freqtrade.strategy.interface import IStrategy


class Restless(IStrategy):
    INTERFACE_VERSION = 2
    timeframe = "1m"
    ticker_interval = "1m"
    startup_candle_count = 10
    process_only_new_candles = False
    use_sell_signal = True
    sell_profit_only = False
    ignore_roi_if_buy_signal = False
    minimal_roi = {"0": 0.004, "1": -1}
    stoploss = -0.02
    trailing_stop = False
    order_types = {
        "buy": "limit",
        "sell": "limit",
        "emergencysell": "market",
        "forcesell": "market",
        "forcebuy": "limit",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }
    order_time_in_force = {"buy": "gtc", "sell": "gtc"}

    def populate_indicators(self, dataframe, metadata):
        dataframe["mean"] = dataframe["close"].rolling(5).mean()
        return dataframe

    def populate_buy_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["volume"] > 0, "buy"] = int(
            metadata["pair"] != "VET/USDT"
        )  # kept free, as in the newer one
        return dataframe

    def populate_sell_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["close"] < dataframe["mean"] * 0.995, "sell"] = 1
        return dataframe
