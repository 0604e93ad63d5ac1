"""Switches that make a bot lie, hang, flood or vanish; for one endpoint or for all."""

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass
class Fault:
    """What goes wrong with an answer. All off by default; several may be on."""

    acts: bool = False  # the bot does what it was asked before anything goes wrong; else a lost answer is a lost act
    hang: float = 0.0  # seconds before the act (with `acts`: the answer); inf = for ever. Who left does not end an act
    slow_headers: float = 0.0  # bytes per second, of the head
    drip: float = 0.0  # bytes per second, of the body
    reset: bool = False  # the connection dies without an answer
    cut: bool = False  # the connection closes in the middle of the body
    status: int = 0  # 401, 403, 404, 429, 500, 502, 503 ... instead of the answer
    retry_after: int | None = None  # seconds, with `status`
    proxy_page: bool = False  # with `status`: an HTML page as a reverse proxy sends it
    garbage: bool = False  # bytes that are no JSON
    wrong_types: bool = False  # JSON of another shape: numbers as text, lists as null
    huge: int = 0  # bytes of an endless JSON list, streamed
    gzip_bomb: int = 0  # bytes after unpacking
    redirect: str = ""  # Location of a 302
    not_a_freqtrade: bool = False  # some other web server lives here

    def is_on(self) -> bool:
        """Whether anything goes wrong; that the bot acts before it is nothing wrong."""
        return any(getattr(self, item.name) not in (0, 0.0, None, "") for item in fields(self) if item.name != "acts")

    def clear(self) -> None:
        for item in fields(self):
            setattr(self, item.name, item.default)


class Faults(Fault):
    """The switches of one bot. Set on the object they hold everywhere, set on `faults.on("/status")` only there.

    `exchange_down` and what follows are conditions of the bot itself, not of one answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self._by_path: dict[str, Fault] = {}
        self.clear()

    def on(self, path: str) -> Fault:
        """The switches of one endpoint, `path` without prefix and query: "/status", "/trades"."""
        return self._by_path.setdefault(path, Fault())

    def clear(self) -> None:
        super().clear()
        self._by_path.clear()
        self.exchange_down = False  # figures that need a price become NaN or null, as the release does it
        self.literal_nan = False  # with exchange_down: a bare NaN, as releases before 2022.4 write it
        self.wrong_password = False  # no credentials are right
        self.webserver_mode = False
        self.half_open = False  # websockets stand, but nothing comes or goes: as after a lost route
        self.clock_offset = 0.0  # seconds by which the bot's clock is wrong

    def at(self, path: str) -> Fault | None:
        """The fault to apply to a request for `path`, None when all is well."""
        for fault in self._candidates(path):
            if fault.is_on():
                return fault
        return None

    def _candidates(self, path: str) -> Iterator[Fault]:
        if path in self._by_path:
            yield self._by_path[path]
        yield self
