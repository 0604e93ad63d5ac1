"""Runs the tests on the engines they are named for, and says at the end what passed where.

    python -m tests.run embedded postgresql [-- pytest arguments]

`embedded`: SQLite, broker and channels in the process. `postgresql`: PostgreSQL and Redis, with the settings of a team
installation; what touches neither SQL nor a broker is not run a second time. `hard` and `real`: the tests with that
mark, embedded. Ends with 1 when a part failed or could not run.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

from portal import keys
from tests import engines

# Of pytest, where TEST_WORKERS names no other number: on two cores a third one works while others wait for something.
WORKERS = {"embedded": 3, "postgresql": 3, "hard": 2, "real": 2}
ORDINARY = "not hard and not real"
# A file is one worker's: what its tests share is made once.
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
# One after another: beside what measures time and memory nothing else may run.
MARKS = {
    "embedded": (ORDINARY,),
    "postgresql": (ORDINARY,),
    "hard": ("hard and not alone", "hard and alone"),
    "real": ("real",),
}
# The adapters and the simulator know no database and no broker; who may what, and which address is none of a bot, is
# decided by the same code on any engine.
ONCE = (
    *("tests/bots/systems", "tests/bots/simulator", "tests/bots/templatetags"),
    *("tests/test_architecture.py", "tests/test_sizes.py", "tests/test_documents.py", "tests/test_deploy.py"),
    # They choose their engine themselves.
    *("tests/portal/test_process.py", "tests/portal/test_process_kinds.py", "tests/portal/test_logs_of_processes.py"),
    *("tests/matrix", "tests/bots/api/test_doors.py", "tests/bots/pages/test_who_may_look.py"),
    *("tests/hard/test_ssrf.py", "tests/hard/test_hostile_contents.py"),
)
NOTHING_COLLECTED = 5  # pytest's exit code
# The last: without what Python compiled, each process that a test starts compiles it anew.
NOT_INHERITED = (
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "EMAIL_URL"),
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass
class Part:
    name: str
    ok: bool
    words: str
    seconds: float


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names, _, extra = partitioned(arguments)
    parts = [run(name, extra) for name in names]
    print("\n" + "\n".join(f"{part.name}: {part.words} [{part.seconds:.0f} s]" for part in parts), flush=True)
    return 0 if all(part.ok for part in parts) else 1


def partitioned(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], "--", arguments[at + 1 :]


def run(name: str, extra: list[str]) -> Part:
    print(f"\n=== {name} ===", flush=True)
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            environment = surroundings(name, stack)
            given = [*left_out(name, extra), *extra]
            ran = [pytest(environment, mark, given, workers_of(name)) for mark in MARKS[name]]
            ok, words = passed([code for code, _ in ran], extra), " | ".join(words for _, words in ran)
    except engines.EngineMissing as missing:
        ok, words = False, f"NOT RUN: {missing}"
    return Part(name, ok, words, time.monotonic() - began)


def workers_of(name: str) -> int:
    return int(os.environ.get("TEST_WORKERS") or WORKERS[name])


def passed(codes: list[int], extra: list[str]) -> bool:
    """By pytest's exit codes. Who chooses tests may choose none of one mark; that nothing was run at all is no pass."""
    fine = {0, NOTHING_COLLECTED} if extra else {0}
    return set(codes) <= fine and 0 in codes


def left_out(name: str, extra: list[str]) -> list[str]:
    """Who names files gets them."""
    if name != "postgresql" or any(argument.startswith("tests") for argument in extra):
        return []
    return [f"--ignore={place}" for place in ONCE]


def surroundings(name: str, stack: ExitStack) -> dict[str, str]:
    """The environment of one part; what the part needs is started and ends with the stack. Raises EngineMissing."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
    clean = {key: value for key, value in inherited.items() if key not in NOT_INHERITED}
    clean["PYTHONUNBUFFERED"] = "1"
    if name in ("hard", "real"):
        engines.installed_or_installable("chromium")
    if name == "postgresql":
        engines.installed_or_installable("pg_ctl", "redis-server")
        clean.update(team_installation(stack))
        subprocess.run([sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"], check=True, env=clean)
    return clean


def team_installation(stack: ExitStack) -> dict[str, str]:
    """The variables that a team installation must set, with keys of this run only."""
    private = keys.new_private_key()
    redis_urls = [stack.enter_context(engines.redis()) for _ in range(max(workers_of("postgresql"), 1))]
    return {
        "DATABASE_URL": stack.enter_context(engines.postgresql()),
        "REDIS_URL": redis_urls[0],
        "TEST_REDIS_URLS": ",".join(redis_urls),
        "SECRET_KEY": keys.new_private_key() + keys.new_private_key(),
        "PORTAL_SECRETS_KEY": private,
        "PORTAL_SEAL_KEY": keys.public_key_of(private),
        "PORTAL_URL": "http://127.0.0.1:8000",
        "PORTAL_ALLOWED_NETWORKS": "public,127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
        "EMAIL_URL": "console://",
    }


def pytest(environment: dict[str, str], mark: str, extra: list[str], workers: int) -> tuple[int, str]:
    """Its exit code and its own last words."""
    many = workers > 1 and mark != "hard and alone"
    spread = ["-n", str(workers), *(() if mark == ORDINARY else BY_FILE)] if many else []
    command = [sys.executable, "-m", "pytest", "-m", mark, *spread, *extra]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    last = "nothing was said"
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        last = line.strip() or last
    return process.wait(), re.sub(r"^=+ | =+$", "", last)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
