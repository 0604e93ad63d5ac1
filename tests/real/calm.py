"""Genuine bots that do nothing by themselves: what happens to them was commanded."""

from tests.real.launcher import GenuineBot

# Added to the strategy of any generation.
CALM = """

def nothing(self, dataframe, metadata):
    for column in ("enter_long", "exit_long", "buy", "sell"):
        dataframe[column] = 0
    return dataframe


for name in ("entry", "exit", "buy", "sell"):
    setattr(Restless, f"populate_{name}_trend", nothing)
Restless.minimal_roi = {"0": 100}
Restless.stoploss = -0.99
Restless.position_adjustment_enable = False
Restless.custom_exit = lambda self, *args, **named: None
# A limit order at the price of a moment ago may wait for minutes: the market moves.
for name in {"force_entry", "forcebuy"} & set(Restless.order_types):
    Restless.order_types[name] = "market"
"""
LONG = 600


class CalmBot(GenuineBot):
    def _write_folder(self, slots: int) -> None:
        super()._write_folder(slots)
        strategy = self.folder / "strategies" / "restless.py"
        strategy.write_text(strategy.read_text() + CALM)

    def config(self, slots: int) -> dict[str, object]:
        """Orders wait as long as the test likes."""
        config = super().config(slots)
        waits = config["unfilledtimeout"]
        assert isinstance(waits, dict)
        return {**config, "unfilledtimeout": {**waits, **{name: LONG for name in waits if name not in NOT_TIMES}}}


NOT_TIMES = ("unit", "exit_timeout_count")
