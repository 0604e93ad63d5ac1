"""The strategy that the genuine bots run: trades all the time, on purpose. Not a trading idea.

Copied into each bot's folder; interface version 3 (2022.4 and newer).
"""

from freqtrade.strategy import IStrategy


class Restless(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    startup_candle_count = 10
    can_short = False
    process_only_new_candles = True
    use_exit_signal = True
    position_adjustment_enable = True
    minimal_roi = {"0": 0.01}
    stoploss = -0.02
    order_types = {
        "entry": "limit",
        "exit": "limit",
        "emergency_exit": "market",
        "force_entry": "limit",
        "force_exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }

    def populate_indicators(self, dataframe, metadata):
        dataframe["mean"] = dataframe["close"].rolling(5).mean()
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        if metadata["pair"] == "VET/USDT":  # kept free for entries by hand
            dataframe["enter_long"] = 0
            return dataframe
        above = dataframe["close"] > dataframe["mean"]
        dataframe.loc[above, ["enter_long", "enter_tag"]] = (1, "above_mean")
        dataframe.loc[~above, ["enter_long", "enter_tag"]] = (1, "below_mean")
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        """Every trade lives 15 to 75 seconds, some of them until roi or stop loss."""
        if trade.id % 10 and age_seconds(trade, current_time) > 15 + trade.id * 7 % 60:
            return f"after_a_while_{trade.id % 3}"
        return None

    def adjust_trade_position(self, trade, current_time, current_rate, current_profit, min_stake, max_stake, **kwargs):
        """Every fourth trade sells half on the way: partial exits are the harder half of a mirror."""
        fresh = trade.nr_of_successful_exits == 0 and age_seconds(trade, current_time) > 8
        return -trade.stake_amount / 2 if trade.id % 4 == 0 and fresh else None


def age_seconds(trade, current_time):
    return (current_time - trade.open_date_utc).total_seconds()
