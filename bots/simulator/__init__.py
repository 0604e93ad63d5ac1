"""A fleet of invented Freqtrade bots in one process: the demo, the tests and the benchmarks speak with it.

Imports nothing of the portal. `python -m bots.simulator --demo` runs it on its own.
"""

from .bot import SimBot
from .fleet import Fleet, running_fleet
from .spec import BotSpec

__all__ = ["BotSpec", "Fleet", "SimBot", "running_fleet"]
