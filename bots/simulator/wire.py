"""Requests and answers as plain values, and how they are written."""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import orjson

API = "/api/v1"
REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(slots=True)
class Request:
    method: str
    path: str  # with prefix, without query
    query_text: str
    headers: dict[str, str]  # lower-case names
    body: bytes = b""
    flask: bool = False  # the bot's release names the function that was called, not the path
    _query: dict[str, list[str]] | None = None

    @property
    def endpoint(self) -> str:
        """Without the prefix: "/status"."""
        return self.path.removeprefix(API)

    @property
    def called(self) -> str:
        """As refusals name it."""
        return "_" + self.endpoint.split("/")[1] if self.flask else self.path

    @property
    def query(self) -> dict[str, list[str]]:
        if self._query is None:
            self._query = parse_qs(self.query_text, keep_blank_values=True)
        return self._query

    def last(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]


@dataclass(slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def head(self, keep_alive: bool = True) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}", "server: uvicorn"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"content-length: {len(self.body)}", f"content-type: {self.content_type}"]
        lines += [] if keep_alive else ["connection: close"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def encoded(value: object, literal_nan: bool = False) -> bytes:
    """JSON; a missing figure (NaN) is null, or a bare NaN as old bots write it."""
    return json.dumps(value, separators=(",", ":")).encode() if literal_nan else orjson.dumps(value)


def said(status: int, value: object, **headers: str) -> Answer:
    return Answer(status, encoded(value), headers=headers)


class Refusal(Exception):
    """The bot does not do it; `answer` says so in its own words."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


def refused(request: Request, message: str) -> Refusal:
    """An RPC exception: 502, which is no gateway's error."""
    return Refusal(said(502, {"error": f"Error querying {request.called}: {message}"}))


def detail(status: int, message: str) -> Refusal:
    return Refusal(said(status, {"detail": message}))
