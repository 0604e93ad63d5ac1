"""Installs and starts genuine Freqtrade bots: dry-run, offline, on an invented market, one child process each."""

import fcntl
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

from tests.direct import DirectBot
from tests.engines import free_port
from tests.real.releases import RELEASES, Release
from tests.real.settings import RENAMED, config_of

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("REAL_CACHE") or Path.home() / ".cache" / "bot-portal" / "freqtrade")
READY_SECONDS = 600  # patient: several bots start at once on a small machine that may be busy
ENDING_SECONDS = 30
AGAIN = 0.2  # seconds between two tries
MOST_CRASHES = 3  # of one supervised bot; after them it stays down
USERNAME, PASSWORD, WS_TOKEN = "freqtrader", "a genuine password", "a-genuine-ws-token"
# 2026.9 breaks its lines at 80 columns.
TAKEN_UP = re.compile(rb"Changing state\s+(?:from\s+\w+\s+)?to:\s+(\w+)")

# Bots that ended by themselves since the test began, and how.
CRASHES: list[str] = []


def installed(release: Release) -> Path:
    """The python of the release's own virtualenv, made on first use, once. Raises CalledProcessError."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{release.version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return made(release, CACHE / release.version)


def made(release: Release, home: Path) -> Path:
    python = home / "bin" / "python"
    stamp = home / "complete"
    wanted = "\n".join((*release.bare, *release.beside))
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if release.bare:
        subprocess.run([*pip, "--no-deps", *release.bare], check=True)
    subprocess.run([*pip, *release.beside], check=True)
    stamp.write_text(wanted)
    return python


class GenuineBot(DirectBot):
    """One bot with its folder and its port; it may be killed, started again, stopped, wiped, and asked directly.

    `supervised`: when it ends by itself (a crash in its own libraries) it is started again, as by any supervisor.
    """

    def __init__(
        self, version: str, folder: Path, *, seed: int = 1, history: int = 0, slots: int = 20, supervised: bool = False
    ) -> None:
        self.release = RELEASES[version]
        self.folder = folder
        self.name = f"genuine-{version}"
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}", USERNAME, PASSWORD)
        self.process: subprocess.Popen[bytes] | None = None
        self.supervised, self.crashes = supervised, 0
        self._turn = threading.Lock()  # who starts or ends the process
        self._life: dict[str, object] = {
            "seed": seed,
            "history": history,
            "exchange": "binance",
            "stake_currency": "USDT",
        }
        self._write_folder(slots)

    def _write_folder(self, slots: int) -> None:
        (self.folder / "strategies").mkdir(parents=True, exist_ok=True)
        strategy = "strategy.py" if self.release.number >= RENAMED else "strategy_of_2021.py"
        shutil.copy(HERE / strategy, self.folder / "strategies" / "restless.py")
        (self.folder / "config.json").write_text(json.dumps(self.config(slots), indent=1))
        self._write_life()

    def _write_life(self) -> None:
        (self.folder / "life.json").write_text(json.dumps({**self._life, "db_url": self.db_url}))

    @property
    def seed(self) -> int:
        return int(str(self._life["seed"]))

    @property
    def database(self) -> Path:
        return self.folder / "trades.sqlite"

    @property
    def db_url(self) -> str:
        return f"sqlite:///{self.database}"

    def config(self, slots: int) -> dict[str, object]:
        place = {"db_url": self.db_url, "user_data_dir": str(self.folder)}
        api_server = {
            "enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": self.port, "verbosity": "error",
            "enable_openapi": False, "jwt_secret_key": "a-genuine-jwt-secret-of-decent-length", "CORS_origins": [],
            "username": USERNAME, "password": PASSWORD, "ws_token": WS_TOKEN,
        }  # fmt: skip
        return config_of(self.release, self.name, slots, place, api_server)

    def start(self) -> None:
        """Returns when the bot answers. Raises RuntimeError with the end of its log when it ends or stays silent."""
        with self._turn:
            process = self._begin()
        if self.supervised:
            threading.Thread(target=self._supervise, args=(process,), daemon=True).start()
        self._wait_until_ready()

    def _begin(self) -> subprocess.Popen[bytes]:
        python = installed(self.release)
        clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        clean.update(PYTHONWARNINGS="ignore", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTHONUNBUFFERED="1")
        clean["PYTHONFAULTHANDLER"] = "1"  # a crash says where
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [str(python), str(HERE / "inside.py"), str(self.folder)],
                cwd=self.folder, env=clean, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        return self.process

    def _supervise(self, process: subprocess.Popen[bytes]) -> None:
        while True:
            process.wait()
            with self._turn:
                if self.process is not process:  # it was ended by us
                    return
                self._crashed(process)
                if self.crashes > MOST_CRASHES:
                    return
                process = self._begin()

    def _crashed(self, process: subprocess.Popen[bytes]) -> None:
        self.crashes += 1
        CRASHES.append(f"{self.name} ended by itself with {process.returncode}:\n{self.last_words()}")

    @property
    def _is_gone(self) -> bool:
        """For good: nobody starts it again."""
        with self._turn:
            gone = self.process is None or self.process.poll() is not None
            return gone and not (self.supervised and self.process is not None and self.crashes <= MOST_CRASHES)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and not self._is_gone:
            try:
                if super()._ask("GET", "ping") == {"status": "pong"}:
                    return
            except OSError:
                time.sleep(AGAIN)
        raise RuntimeError(f"{self.name} did not come up:\n{self.last_words()}")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> object:
        """A supervised bot is asked again until it is back: what never reached it, and what only reads."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                return super()._ask(method, path, body)
            except OSError as failure:
                unheard = isinstance(getattr(failure, "reason", failure), ConnectionRefusedError)
                may_ask_again = self.supervised and (unheard or method == "GET")
                if not may_ask_again or self._is_gone or time.monotonic() > deadline:
                    raise
            time.sleep(AGAIN)

    def last_words(self, lines: int = 25) -> str:
        return "\n".join((self.folder / "log.txt").read_text(errors="replace").splitlines()[-lines:])

    @property
    def taken_up(self) -> str:
        """The state that its trading loop was told last and has taken up: then the turn before it is over."""
        found = TAKEN_UP.findall((self.folder / "log.txt").read_bytes())
        return found[-1].decode().lower() if found else ""

    def kill(self) -> None:
        """SIGKILL: no good-bye, as when the machine runs out of memory."""
        self._end(signal.SIGKILL)

    def end(self) -> None:
        """The ordinary end; SIGKILL when it takes long (an interrupted commit leaves 2022.9 hanging)."""
        self._end(signal.SIGINT)

    def _end(self, sent: signal.Signals) -> None:
        with self._turn:
            process, self.process = self.process, None
            if process is None:
                return
            if process.poll() is not None:
                self._crashed(process)
            process.send_signal(sent)
        try:
            process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wipe_database(self) -> None:
        """Only while the process is down: the next start begins again at trade 1, without a past."""
        for path in self.folder.glob("trades.sqlite*"):
            path.unlink()
        self._life["history"] = 0
        self._write_life()

    def delete_from_database(self, trade_id: object) -> None:
        """Only while the process is down: as a person with an SQL shell does."""
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute("DELETE FROM trades WHERE id = ?", (trade_id,))

    def lose_exchange(self) -> None:
        """From now on no price is given. Prices that the bot holds in memory live on until it is started anew."""
        self._exchange_down.touch()

    def regain_exchange(self) -> None:
        self._exchange_down.unlink(missing_ok=True)

    @property
    def _exchange_down(self) -> Path:
        return self.folder / "exchange_down"
