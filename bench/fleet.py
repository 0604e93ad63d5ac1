"""A simulated fleet in a process of its own, so that its CPU time is not the portal's."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

MOST_OF_A_PROCESS = 5000  # bots: each has three files open, and a process may have but so many


@contextmanager
def simulated(bots: int, *, open_trades: int = 5, history: int = 0) -> Iterator[list[dict[str, Any]]]:
    """Processes of their own, as many as so many bots need."""
    with ExitStack() as stack:
        cards: list[dict[str, Any]] = []
        while len(cards) < bots:
            some = min(bots - len(cards), MOST_OF_A_PROCESS)
            found = stack.enter_context(process_of(some, open_trades, history))
            cards += [{**card, "name": f"bot-{len(cards) + number:05d}"} for number, card in enumerate(found, 1)]
        yield cards


@contextmanager
def process_of(bots: int, open_trades: int, history: int) -> Iterator[list[dict[str, Any]]]:
    command = [sys.executable, "-m", "bots.simulator", "--bots", str(bots)]
    command += ["--open-trades", str(open_trades), "--history", str(history)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["bots"]
    finally:
        process.terminate()
        process.wait(10)
