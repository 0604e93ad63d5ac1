"""A fleet of invented Freqtrade bots in one process: the demo, the tests and the benchmarks speak with it.

Imports nothing of the portal. `python -m bots.simulator --demo` runs it on its own. In a test:

    with running_fleet([BotSpec(release="2024.3", history=50, open_trades=2)]) as fleet:   # or: async with Fleet([...])
        bot = fleet.bots[0]                              # bot.url, bot.ws_url, bot.spec.username, bot.spec.password
        trade = bot.open_trade("BTC/USDT", rate=50_000.0, stake=500.0)   # filled=False: the entry order waits
        bot.set_price("BTC/USDT", 51_000.0)              # stands still from now on
        bot.close_trade(trade.trade_id, rate=52_000.0)
        bot.cancel_unfilled(id); bot.delete_trade(id); bot.wipe_database()
        bot.stop(); bot.start(); bot.pause(); bot.go_live(); bot.set_version("2026.9"); bot.lock_pair("ETH/USDT")
        bot.shut_down(); bot.come_back()                 # connection refused; the same port again
        bot.faults.hang = 5.0                            # every endpoint; faults.py has the list
        bot.faults.on("/status").status = 500            # one endpoint
        bot.faults.exchange_down = True                  # a condition of the bot itself
        bot.faults.clear()
        bot.faults.on("/forceexit").acts = True          # it acts before the answer is lost; alone it is no fault
        bot.requests.count("/status"); bot.effects       # what it was asked, what took effect
        bot.effects_on(trade, "force_exit")              # of one trade, whose id another may have by now
"""

from .bot import SimBot
from .fleet import Fleet, running_fleet
from .spec import BotSpec

__all__ = ["BotSpec", "Fleet", "SimBot", "running_fleet"]
