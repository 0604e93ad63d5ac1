"""The portal as a team member starts it: the all-in-one process on a data folder of its own."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.direct import DirectBot

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 600  # patient: the machine may be busy with many bots
A_TEAM = "from accounts.models import Team; Team.objects.create(name='Alpha', slug='alpha')"
ADDRESS = re.compile(rb"The portal is at (http://\S+)/")


class PortalProcess:
    """`manage.py portal` as a child process. Its database is read from outside, and never written."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PORTAL_") and name not in ("DATABASE_URL", "REDIS_URL")
        }
        self.environment = {**kept, **environment, "PORTAL_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def manage(self, *arguments: str, **environment: str) -> str:
        """What the management command printed. Raises AssertionError with its words when it failed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env={**self.environment, **environment},
            check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=READY_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"manage.py {arguments[0]}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
        return done.stdout

    def furnish(self) -> None:
        """The tables, and a team Alpha."""
        self.manage("migrate", "-v0")
        self.manage("shell", "-v0", "-c", A_TEAM)

    def add_bot(self, name: str, bot: DirectBot) -> None:
        secret = self.folder / "password"
        secret.write_text(bot.password)
        words = {"team": "alpha", "name": name, "system": "freqtrade", "url": bot.url, "username": bot.username}
        options = [f"--{option}={value}" for option, value in words.items()]
        self.manage("add_bot", *options, f"--password-file={secret}")
        secret.unlink()

    def start(self, *options: str) -> None:
        """Returns when it answers. Raises RuntimeError with the end of its log when it does not come up."""
        log = self.folder / "portal.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "portal", "--port", "0", *options], cwd=ROOT, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            found = ADDRESS.findall(log.read_bytes())
            if found:
                self.address = found[-1].decode()
                return
            time.sleep(0.1)
        raise RuntimeError(f"the portal did not come up:\n{log.read_text()[-3000:]}")

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(sent)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def rows(self, query: str, *values: object) -> list[dict[str, object]]:
        """Rows of the portal's database, opened for reading only."""
        database = sqlite3.connect(f"file:{self.folder / 'portal.sqlite3'}?mode=ro", uri=True, timeout=20)
        database.create_collation("exact_decimal", lambda a, b: (a > b) - (a < b))
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(query, values)]
        finally:
            database.close()
