"""PostgreSQL and Redis for a test run: in a temporary folder, on free loopback ports, gone at the end.

    python -m tests.engines <command ...>      runs the command with DATABASE_URL and REDIS_URL set

Nothing here is durable (no fsync), and every server dies with the process that started it.
"""

import ctypes
import getpass
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

READY_SECONDS = 60
PORTS = (20_000, 32_768)
DEBIAN_PACKAGES = {"pg_ctl": "postgresql", "redis-server": "redis-server", "chromium": "chromium"}


class EngineMissing(Exception):
    """An engine is not on this machine; the text names it and says what installs it."""


def program(name: str) -> Path:
    """Where the program is. Raises EngineMissing."""
    found = shutil.which(name)
    if found:
        return Path(found)
    beside = [path for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}") if path.exists()]
    if not beside:
        raise EngineMissing(
            f"{name} was not found: install it (Debian: apt-get install {DEBIAN_PACKAGES.get(name, name)})"
        )
    return max(beside, key=lambda path: int(path.parts[-3]))


def installed_or_installable(*names: str) -> None:
    """Installs what is missing where that is ours to do (root on Debian). Raises EngineMissing."""
    missing = []
    for name in names:
        try:
            program(name)
        except EngineMissing:
            missing.append(name)
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = [DEBIAN_PACKAGES[name] for name in missing]
        print("Installing", *packages, flush=True)
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update"], check=False, env=environment, **quiet)
        command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
        subprocess.run(command, check=False, env=environment, **quiet)
    for name in missing:
        program(name)


def unprivileged() -> str:
    """Whose process a server shall be: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def free_port() -> int:
    """Below those that the system gives to outgoing connections: it stays free while its server is down."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def temporary_folder(owner: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="portal-engine-"))
    shutil.chown(folder, owner)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_user(owner: str) -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []}


@contextmanager
def server(command: list[str], owner: str, folder: Path, ending: signal.Signals) -> Iterator[subprocess.Popen[bytes]]:
    """The running process; ends with this block, and with this process whatever happens to it."""

    def die_with_parent() -> None:
        ctypes.CDLL(None).prctl(1, ending) if sys.platform == "linux" else None

    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=die_with_parent, **as_user(owner),  # noqa: PLW1509  no threads here
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(ending)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args} did not come up:\n{(folder / 'log.txt').read_text(errors='replace')}")


@contextmanager
def postgresql() -> Iterator[str]:
    """A DATABASE_URL. Raises EngineMissing."""
    bin_folder = program("pg_ctl").resolve().parent  # initdb and postgres lie beside it
    owner, port = unprivileged(), free_port()
    with temporary_folder(owner) as folder:
        data = folder / "data"
        create = [bin_folder / "initdb", "-D", data, "-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(create, check=True, cwd=folder, stdout=subprocess.DEVNULL, **as_user(owner))
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "max_connections": 200,
            "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "timezone": "UTC",
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(bin_folder / "postgres"), "-D", str(data), *options]
        # SIGQUIT: at once, whoever is still connected; the folder is thrown away.
        with server(command, owner, folder, signal.SIGQUIT) as process:
            wait_for(port, process, folder)
            make = [bin_folder / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "portal", "portal"]
            subprocess.run(make, check=True, cwd=folder, timeout=READY_SECONDS)
            yield f"postgres://portal@127.0.0.1:{port}/portal"


@contextmanager
def redis() -> Iterator[str]:
    """A REDIS_URL. Raises EngineMissing."""
    owner, port = unprivileged(), free_port()
    with temporary_folder(owner) as folder:
        settings = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder}
        options = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        command = [str(program("redis-server")), *options]
        with server(command, owner, folder, signal.SIGTERM) as process:
            wait_for(port, process, folder)
            yield f"redis://127.0.0.1:{port}/0"


def main(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    installed_or_installable("pg_ctl", "redis-server")
    with ExitStack() as stack:
        urls = {"DATABASE_URL": stack.enter_context(postgresql()), "REDIS_URL": stack.enter_context(redis())}
        return subprocess.run(command, check=False, env={**os.environ, **urls}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
