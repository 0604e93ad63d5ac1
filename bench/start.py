"""How soon `make demo` shows its first page, fresh and the second time, and what it keeps in memory (goal 8).

The packages are installed. Memory is that of the portal's process; the simulated bots are told beside it.
"""

import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.report import Row, finish
from bench.stand import free_port, inherited, megabytes

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0
SETTLING = float(os.environ.get("BENCH_SECONDS", "15"))


def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        fresh, _, _ = started(data, settling=1)
        again, portal, others = started(data, settling=SETTLING)
    rows = [
        Row.at_most("8", "make demo, fresh data: first page", fresh, 4, "s"),
        Row.at_most("8", "make demo, second start: first page", again, 2, "s"),
        Row.at_most("8", f"memory of the portal {SETTLING:g} s later", portal, 200, "MiB"),
        Row.told("memory of the simulated bots beside it", others, "MiB"),
    ]
    finish(rows, ("django", "uvicorn", "celery"))


def started(data: str, *, settling: float) -> tuple[float, float, float]:
    """(seconds to the first page, MiB of the portal, MiB of its children)"""
    port = free_port()
    began = time.monotonic()
    make = subprocess.Popen(
        ["make", "--no-print-directory", "demo"], cwd=ROOT, start_new_session=True, stdin=subprocess.DEVNULL,
        env={**inherited(), "PORTAL_DATA_DIR": data, "PORT": str(port)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not answers(port):
            if time.monotonic() - began > PATIENCE:
                raise SystemExit(f"no page within {PATIENCE:g} s")
            time.sleep(0.02)
        seconds = time.monotonic() - began
        time.sleep(settling)
        portal = children(make.pid)
        bots = [pid for parent in portal for pid in children(parent)]
        return seconds, sum(map(megabytes, portal)), sum(map(megabytes, bots))
    finally:
        os.killpg(make.pid, signal.SIGTERM)
        make.wait(30)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            return bool(page.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def children(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in told.split()]


if __name__ == "__main__":
    main()
