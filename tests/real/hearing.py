"""A second ear at a genuine bot, with nothing of ours in between: when each of its messages really came."""

import json
import threading
import time
from datetime import UTC, datetime
from urllib.parse import urlencode

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.real.launcher import WS_TOKEN, GenuineBot

TOPICS = ("entry_fill", "exit_fill")
KINDS = {"entry_fill": "entry_filled", "exit_fill": "exit_filled"}
Fill = tuple[str, str, str]  # bot, kind, trade as the portal's events name it


class Ear:
    """Listens until `stop`, and again after every restart of the bot. `came`: fill -> epoch seconds of its messages."""

    def __init__(self, bot: GenuineBot) -> None:
        self.bot = bot
        self.came: dict[Fill, list[float]] = {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        url = f"ws://127.0.0.1:{self.bot.port}/api/v1/message/ws?{urlencode({'token': WS_TOKEN})}"
        while not self.over.is_set():
            try:
                with connect(url, proxy=None, compression=None) as line:
                    line.send(json.dumps({"type": "subscribe", "data": TOPICS}))
                    self.read(line)
            except (OSError, EOFError, WebSocketException):
                self.over.wait(0.2)

    def read(self, line: object) -> None:
        while not self.over.is_set():
            try:
                message = json.loads(line.recv(timeout=0.5))  # type: ignore[attr-defined]
            except TimeoutError:
                continue
            self.came.setdefault(self.fill_in(message), []).append(time.time())

    def fill_in(self, message: dict[str, object]) -> Fill:
        opened = datetime.fromisoformat(str(message["open_date"]))
        zoned = opened if opened.tzinfo else opened.replace(tzinfo=UTC)
        subject = f"{message['trade_id']}@{int(zoned.timestamp() * 1000)}"
        return self.bot.name, KINDS[str(message["type"])], subject

    def stop(self) -> None:
        self.over.set()
        self.thread.join(5)
