"""The bot's websocket towards one client. Frames by `websockets`, rules by Freqtrade."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol

from . import messages
from .answers import pairs
from .auth import Refused
from .wire import Request

if TYPE_CHECKING:
    from .connection import Connection

REFUSED = b"HTTP/1.1 403 Forbidden\r\nserver: uvicorn\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
WRONG_MODE = b"HTTP/1.1 502 Bad Gateway\r\nserver: uvicorn\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Channel:
    def __init__(self, connection: Connection, request: Request, head: bytes) -> None:
        self.connection = connection
        self.bot = connection.bot
        self.topics: set[str] = set()
        self.protocol = ServerProtocol()
        if self._turned_away(request):
            return
        self.bot.listener.channels.add(self)
        self.hear(head + b"\r\n\r\n")

    def _turned_away(self, request: Request) -> bool:
        known = self.bot.release.since("2022.9")
        if known and not self.bot.faults.webserver_mode and self._is_welcome(request.last("token")):
            return False
        self.connection.transport.write(WRONG_MODE if self.bot.faults.webserver_mode else REFUSED)
        self.connection.transport.close()
        return True

    def _is_welcome(self, token: str) -> bool:
        """The configured token, or a valid access token; nothing else, and only in the query."""
        if self.bot.faults.wrong_password:
            return False
        if token == self.bot.spec.ws_token:
            return True
        try:
            self.bot.doorkeeper.check(token, "access")
        except Refused:
            return False
        return True

    # --- in

    def hear(self, data: bytes) -> None:
        if self.bot.faults.half_open:
            return
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Handshake):
                self.protocol.send_response(self.protocol.accept(event))
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._obey(bytes(event.data))
        self._flush()

    def _obey(self, text: bytes) -> None:
        try:
            asked = json.loads(text)
        except ValueError:
            if self.bot.release.since("2022.12"):
                self.protocol.send_close(1000)
            return
        if not isinstance(asked, dict):
            return
        kind, data = asked.get("type"), asked.get("data")
        if kind == "subscribe":
            self._subscribe(data)
        elif kind == "whitelist":
            self._say(messages.whitelist(self.bot))
        elif kind == "analyzed_df":
            self._say_candles(data if isinstance(data, dict) else {})
        elif self.bot.release.since("2023.3"):
            self._say({"type": "exception", "data": f"Invalid request type: {kind}"})

    def _subscribe(self, topics: Any) -> None:
        """Replaces what was subscribed. One unknown topic, an empty list or a bare word: ignored, without a word."""
        if isinstance(topics, list) and topics and all(messages.knows(self.bot, topic) for topic in topics):
            self.topics = set(topics)

    def _say_candles(self, wanted: dict[str, Any]) -> None:
        chosen = [wanted["pair"]] if wanted.get("pair") in self.bot.spec.whitelist else self.bot.spec.whitelist
        for pair in chosen:
            table = pairs.pair_candles(self.bot, pair, self.bot.spec.timeframe, min(int(wanted.get("limit") or 5), 500))
            frame = {"columns": table["columns"], "data": table["data"]}
            value = {"__type__": "dataframe", "__value__": orjson.dumps(frame).decode()}
            data = {"key": [pair, self.bot.spec.timeframe, "spot"], "df": value, "la": table["last_analyzed"]}
            self._say({"type": "analyzed_df", "data": data})

    # --- out

    def send(self, kind: str, text: bytes) -> None:
        if self.bot.faults.half_open:
            return
        if kind in self.topics and self.protocol.state is State.OPEN:
            self.protocol.send_text(text)
            self._flush()

    def close(self, code: int) -> None:
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(code)
            self._flush()

    def _say(self, message: dict[str, Any]) -> None:
        self.protocol.send_text(orjson.dumps(message))

    def _flush(self) -> None:
        transport = self.connection.transport
        for data in self.protocol.data_to_send():
            if data:
                transport.write(data)
            else:
                transport.close()
        if self.protocol.close_expected():
            transport.close()
