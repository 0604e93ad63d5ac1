"""A simulated fleet in a process of its own, so that its CPU time is not the portal's."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def simulated(bots: int, *, open_trades: int = 5, history: int = 0) -> Iterator[list[dict[str, Any]]]:
    command = [sys.executable, "-m", "bots.simulator", "--bots", str(bots)]
    command += ["--open-trades", str(open_trades), "--history", str(history)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["bots"]
    finally:
        process.terminate()
        process.wait(10)
