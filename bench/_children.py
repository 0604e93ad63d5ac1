"""Loops in processes of their own, so that none pays for another's memory, which run a cycle whenever they are told to.

Those whose ratio is wanted take turns cycle by cycle: a minute later the machine is not the same.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from bench._loops import LOOPS, Bots

READY = "ready"


class Spent(NamedTuple):
    """By a cycle of a process."""

    cpu: float  # seconds
    wall: float  # seconds


class Contender:
    """One loop in one or more processes, each with its share of the bots."""

    def __init__(self, children: list["subprocess.Popen[str]"], bots: int) -> None:
        self._children = children
        self.bots = bots

    def cycle(self) -> list[Spent]:
        """Of all processes at once. Raises EOFError where one failed."""
        for child in self._children:
            tell(child, "cycle")
        return [Spent(*map(float, heard(child).split())) for child in self._children]

    def rate(self, cycles: int) -> float:
        """Bots per CPU-second, of all processes together."""
        spent = sum(each.cpu for _ in range(cycles) for each in self.cycle())
        return self.bots * cycles / spent


@contextmanager
def contending(loop: str, bots: Bots, processes: int = 1, **environment: str) -> Iterator[Contender]:
    """Ready for its first cycle. Raises SystemExit with what a process said that failed."""
    with ExitStack() as stack:
        shares = [bots[number::processes] for number in range(processes)]
        children = [stack.enter_context(started(loop, environment)) for _ in shares]
        for child, share in zip(children, shares, strict=True):
            tell(child, json.dumps(share))
        for child in children:
            if (said := heard(child)) != READY:
                raise SystemExit(f"{loop} began with {said!r}")
        yield Contender(children, len(bots))


def in_turns(one: Contender, other: Contender, cycles: int) -> tuple[float, float]:
    """Bots per CPU-second of each."""
    spent = {one: 0.0, other: 0.0}
    for _ in range(cycles):
        for each in spent:
            spent[each] += sum(process.cpu for process in each.cycle())
    return one.bots * cycles / spent[one], other.bots * cycles / spent[other]


@contextmanager
def started(loop: str, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryFile("w+") as said:
        given = {**os.environ, "PORTAL_DATA_DIR": data, "BENCH_LOOP": loop, "LOG_LEVEL": "ERROR", **environment}
        command, pipe = [sys.executable, "-m", "bench._children"], subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, env=given, text=True) as child:
            try:
                yield child
            finally:
                child.communicate()  # it ends when there is nothing more to hear
                if child.returncode:
                    said.seek(0)
                    raise SystemExit(said.read()[-2000:])


def tell(child: "subprocess.Popen[str]", line: str) -> None:
    assert child.stdin is not None
    child.stdin.write(line + "\n")
    child.stdin.flush()


def heard(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise EOFError
    return line.strip()


def main() -> None:
    """A child: told its bots, then line by line to run a cycle, until there is nothing more to hear."""
    ready = LOOPS[os.environ["BENCH_LOOP"]](json.loads(sys.stdin.readline()))
    print(READY, flush=True)
    cpu = time.process_time()  # what a loop does between its cycles is part of what it costs
    for _ in sys.stdin:
        before, wall = cpu, time.monotonic()
        ready.cycle()
        cpu = time.process_time()
        print(cpu - before, time.monotonic() - wall, flush=True)
    ready.end()
    os._exit(0)  # engine threads are of no further use


if __name__ == "__main__":
    main()
