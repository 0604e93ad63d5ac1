"""A bot asked directly, with nothing of ours in between: what the portal is held against."""

import base64
import json
import urllib.error
import urllib.request
from decimal import Decimal

PATIENCE = 60  # seconds: the machine may be busy
# Loopback never goes through a proxy.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class BotRefused(Exception):
    """The bot answered with a status of 400 or more; `status` and `text` say which and what."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text[:300]}")
        self.status, self.text = status, text


class DirectBot:
    """Freqtrade's API by hand. Answers are JSON, numbers with a point as Decimal from the literal."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url, self.username, self.password = url, username, password

    def get(self, path: str) -> object:
        """Raises BotRefused, OSError."""
        return self._ask("GET", path)

    def post(self, path: str, body: object = None) -> object:
        """Raises BotRefused, OSError."""
        return self._ask("POST", path, json.dumps(body).encode() if body is not None else b"")

    def delete(self, path: str) -> object:
        """Raises BotRefused, OSError."""
        return self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> object:
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data=body, method=method)
        credentials = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
        request.add_header("Content-Type", "application/json")
        try:
            with OPENER.open(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read(), parse_float=Decimal)
        except urllib.error.HTTPError as refusal:
            raise BotRefused(refusal.code, refusal.read().decode(errors="replace")) from None
