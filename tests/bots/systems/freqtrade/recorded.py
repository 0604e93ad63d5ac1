"""What genuine bots answered, and a bot that answers so."""

import json
import re
from functools import cache
from pathlib import Path

from bots.systems.decoding import decode
from bots.systems.freqtrade import answers
from tests.bots.systems.raw_bots import Caller, Talk, http

FOLDER = Path(__file__).parents[3] / "recordings" / "freqtrade"
REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 502: "Bad Gateway", 503: "Service Unavailable"}
CREDENTIALS = b"Authorization: Basic YWxpY2U6czNjcmV0\r\n"  # alice, s3cret
CONNECTION = {"username": "alice", "password": "s3cret"}


@cache
def body(release: str, endpoint: str) -> bytes:
    return (FOLDER / release / f"{endpoint}.json").read_bytes()


@cache
def status(release: str, endpoint: str) -> int:
    index = json.loads((FOLDER / release / "_index.json").read_text())
    return index[endpoint]["status"]


def down(release: str, endpoint: str) -> tuple[bytes, int]:
    """As `release` answered while its exchange failed."""
    name = f"{release}-{endpoint}"
    return body("exchange-down", name), status("exchange-down", name)


_DECODERS = {"show_config": "config", "trade_closed": "trade"}


def read(release: str, endpoint: str):
    """The recorded answer, decoded."""
    return decode(body(release, endpoint), getattr(answers, _DECODERS.get(endpoint, endpoint)), endpoint)


def read_down(release: str, endpoint: str):
    return decode(down(release, endpoint)[0], getattr(answers, endpoint), endpoint)


def playing(release: str, commanded: bytes = b"", **instead: bytes) -> Talk:
    """A bot of this release. `commanded`: its answer to every command; `instead`: whole answers by endpoint, in place
    of the recorded ones."""

    async def talk(caller: Caller) -> None:
        while True:
            head = await caller.request()
            endpoint = _endpoint(head.split()[1].decode())
            if not head.startswith(b"GET "):
                await caller.say(commanded)
            elif endpoint in instead:
                await caller.say(instead[endpoint])
            elif endpoint != "ping" and CREDENTIALS not in head:
                await caller.say(http(b'{"detail":"Unauthorized"}', "401 Unauthorized"))
            else:
                await caller.say(_recorded(release, endpoint))

    return talk


def _endpoint(path: str) -> str:
    name = path.removeprefix("/api/v1/").partition("?")[0]
    if name.startswith("trade/"):
        return {"trade/1": "trade_closed", "trade/999999": "trade_missing"}.get(name, "trade")
    return re.sub(r"\W", "_", name)


def _recorded(release: str, endpoint: str) -> bytes:
    code = status(release, endpoint)
    return http(body(release, endpoint), f"{code} {REASONS[code]}")


def changed(release: str, endpoint: str, **fields: object) -> bytes:
    """The recorded answer (of a list: its first entry) with some fields changed; a field of `...` is taken out."""
    answer = json.loads(body(release, endpoint))
    entry = answer[0] if isinstance(answer, list) else answer
    entry = {key: value for key, value in {**entry, **fields}.items() if value is not ...}
    return http(json.dumps([entry] if isinstance(answer, list) else entry).encode())
