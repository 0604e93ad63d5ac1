"""What hostile bots cost the worker that asks them: memory, time, and the freshness of the others."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.hard.faults import ON_THE_WIRE
from tests.hard.hostile_fleet import WELL_FORMED
from tests.process import ROOT

pytestmark = [pytest.mark.hard, pytest.mark.alone]

MIB = 1024  # KiB
MOST_MEMORY = 32 * MIB
MOST_TOGETHER = 128 * MIB  # some fifty of them in the same moment
DEADLINE = 2.0
SPARE = 10.0  # seconds: the machine may be busy
LATE = 15.0  # seconds: three intervals of 5
# A fifth of the fleet, the costliest of each sort.
A_FIFTH = [
    *("hang", "drip", "1 GiB", "gzip bomb", "100k headers", "reset", "429", "refusal of 5 MiB"),
    *("many trades", "endless history", "NaN in half a MiB", "8 MiB of digits"),
]


@contextmanager
def fleet(healthy, faults):
    command = [sys.executable, "-m", "tests.hard.hostile_fleet", str(healthy), *faults]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.wait(10)


def worked(folder, part, line, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    given = {**kept, **environment, "PORTAL_DATA_DIR": str(folder), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.hard.hostile_worker", part], cwd=ROOT, env=given, input=line,
        capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_no_hostile_bot_costs_more_than_32_mib_or_its_deadline(tmp_path, show):
    faults = [*ON_THE_WIRE, *WELL_FORMED]
    with fleet(5, faults) as line:
        told = worked(tmp_path, "memory", line, PORTAL_POLL_DEADLINE_SECONDS=str(DEADLINE))
    rows = [f"{f:28}{cost['kib'] / MIB:8.1f}{cost['seconds']:9.2f}  {cost['code']}" for f, cost in told.items()]
    show("\n".join([f"{'hostile bot':28}{'MiB':>8}{'seconds':>9}  outcome", *rows]))
    each = {fault: cost for fault, cost in told.items() if fault in faults}
    assert {fault: cost["kib"] for fault, cost in each.items() if cost["kib"] > MOST_MEMORY} == {}
    # A poll of a bot that gives its state is several questions: its bound is the poll's.
    slow = {fault: cost["seconds"] for fault, cost in each.items() if cost["seconds"] > DEADLINE + SPARE}
    assert {fault for fault in slow if fault not in WELL_FORMED} == set()
    assert all(seconds <= 3 * DEADLINE + SPARE for seconds in slow.values()), slow
    assert told["all at once"]["kib"] < MOST_TOGETHER


def test_no_healthy_bot_is_late_with_a_fifth_of_the_fleet_hostile(tmp_path, show):
    with fleet(4 * len(A_FIFTH), A_FIFTH) as line:
        told = worked(tmp_path, "ages", line, PORTAL_POLL_PACE="0.5")
    show(f"{4 * len(A_FIFTH)} healthy bots asked every 5 s, {len(A_FIFTH)} hostile ones")
    for name, ages in told.items():
        words = ", ".join(f"{key} {value:.2f} s" for key, value in ages.items() if key != "samples")
        show(f"{name:20} age of the healthy bots' figures: {words} ({ages['samples']} samples)")
        ratio = ages["p95"] / told["alone"]["p95"]
        show(f"{'':20} p95 against alone: {ratio:.2f} (goal: at most 1.10)")
    # A ratio of times is told, not asserted: other work on the machine moves it. What must hold is that no healthy bot
    # is shown as late, which it would be after three of its intervals.
    assert told["among hostile bots"]["worst"] < max(LATE, 3 * told["alone"]["worst"])
