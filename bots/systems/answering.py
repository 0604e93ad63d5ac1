"""What a bot answers to one question, put together as its bytes come in; bounded before anything is kept.

httptools (llhttp) takes HTTP apart, strictly; what it finds is counted here: decoded bytes against the cap, and bytes
that bring the answer no further (headers, provisional answers, trailers) against a bound of their own.
"""

import zlib
from enum import Enum, auto
from io import BytesIO

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

FRUITLESS_MOST = 300 * 1024  # bytes: headers of any sort
FRAME = 2  # bytes by which one that begins with zlib's frame is known
ENCODINGS_MOST = 5  # one within the other
ZLIB_OR_GZIP = 47  # zlib's window bits: by the first bytes


class End(Enum):
    """How a question ended."""

    ANSWERED = auto()
    CLOSED = auto()  # without a byte of an answer
    CUT = auto()  # the connection broke, before or within the answer
    SHORT = auto()  # closed within the answer
    NOT_HTTP = auto()
    BROKEN = auto()  # HTTP, but not proper
    TOO_LARGE = auto()
    TOO_MANY_HEADERS = auto()
    LATE = auto()


class Answering:
    """Of one connection, for one question after another: `begin`, then `take` and `ended` until `end` is set."""

    __slots__ = (
        "_fruitless", "_in_body", "_max_bytes", "_more", "_one", "_parser", "_says_its_length", "_size", "_unfolding",
        "_whole", "end", "first", "headers", "heard", "kept_alive", "status",
    )  # fmt: skip

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.begin(0)

    def begin(self, max_bytes: int) -> None:
        """Of the decoded body."""
        self.end: End | None = None
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.heard = 0  # bytes
        self.first = b""  # of what is no HTTP: what it began with
        self.kept_alive = False  # the connection may carry the next question
        self._max_bytes = max_bytes
        self._size = 0  # of the body, decoded or not, whichever is more
        self._fruitless = 0
        self._one = b""  # the body, which mostly comes in one piece ...
        self._more: BytesIO | None = None  # ... else all of it
        self._unfolding: tuple[Unfolding, ...] = ()
        self._in_body = self._says_its_length = self._whole = False

    def take_body(self) -> bytes:
        """Once: an idle connection does not hold the largest answer it ever brought."""
        body = self._one if self._more is None else self._more.getvalue()  # no copy
        self._forget_body()
        return body

    @property
    def was_not_begun(self) -> bool:
        """The connection was gone before a byte of it came."""
        return not self.heard and self.end in (End.CLOSED, End.CUT)

    def take(self, data: bytes) -> None:
        self.heard += len(data)
        size = self._size
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._stray(data)
        if size == self._size and not self._whole:
            self._fruitless += len(data)
            if self._fruitless > FRUITLESS_MOST:
                self.stop(End.TOO_MANY_HEADERS)

    def ended(self, *, cut: bool) -> None:
        """The connection is over."""
        if not self.heard:
            self.stop(End.CUT if cut else End.CLOSED)
        elif cut or not self._in_body or self._says_its_length:
            self.stop(End.CUT if cut else End.SHORT)
        else:
            self._finish()

    def unasked(self, data: bytes) -> None:
        """Said before the question was sent: whatever it is, it answers nothing."""
        self.take(data)
        if self.end is not End.NOT_HTTP:
            self.end = None
            self.stop(End.BROKEN)

    def stop(self, end: End) -> None:
        """The first reason counts."""
        if self.end is None:
            self.end = end
            self.kept_alive = False
            self._forget_body()

    def _stray(self, data: bytes) -> None:
        """After a whole answer it spoils the connection, not the answer."""
        self.kept_alive = False
        if self._whole:
            return
        if not self._parser.get_status_code():
            self.first = data[:2]
            self.stop(End.NOT_HTTP)
        self.stop(End.BROKEN)

    def _finish(self) -> None:
        self._whole = True
        if self._unfolding and not all(each.is_whole for each in self._unfolding):
            self.stop(End.SHORT)
        if self.end is None:
            self.end = End.ANSWERED

    # --- called by the parser

    def on_message_begin(self) -> None:
        if self._whole:  # an answer to no question
            self.kept_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._whole:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:  # provisional: the answer comes after it
            self.headers.clear()
            return
        self._in_body = True
        self.kept_alive = self._parser.should_keep_alive()
        for name, value in self.headers:
            match name.lower():
                case b"content-length" | b"transfer-encoding":
                    self._says_its_length = True
                case b"content-encoding":
                    self._unfold(value)

    def on_body(self, piece: bytes) -> None:
        if self.end is not None or self._whole:
            return
        raw = len(piece)
        try:
            for each in self._unfolding:
                piece = each.unfolded(piece, self._max_bytes - self._size)
        except zlib.error:
            self.stop(End.BROKEN)
            return
        self._size += max(raw, len(piece))
        if self._size > self._max_bytes:
            self.stop(End.TOO_LARGE)
        else:
            self._add(piece)

    def _add(self, piece: bytes) -> None:
        if self._more is not None:
            self._more.write(piece)
        elif not self._one:
            self._one = piece
        else:
            self._more = BytesIO()
            self._more.write(self._one)
            self._more.write(piece)

    def _forget_body(self) -> None:
        self._one, self._more = b"", None

    def on_message_complete(self) -> None:
        if self._in_body and not self._whole:
            self._finish()

    def _unfold(self, encodings: bytes) -> None:
        """Encoded in this order, so decoded in the other."""
        names = [name.strip().lower() for name in encodings.split(b",")]
        folded = [name for name in names if name not in (b"", b"identity")]
        if len(folded) > ENCODINGS_MOST or not set(folded) <= {b"gzip", b"x-gzip", b"deflate"}:
            self.stop(End.BROKEN)
            return
        self._unfolding = tuple(Unfolding(bare=name == b"deflate") for name in reversed(folded)) + self._unfolding


class Unfolding:
    """One encoding of a body. `bare`: deflate, which some servers send without the frame that belongs around it."""

    def __init__(self, *, bare: bool) -> None:
        self._folded = None if bare else zlib.decompressobj(ZLIB_OR_GZIP)
        self._held = b""  # of what may be bare: too little to know
        self._begun = False

    @property
    def is_whole(self) -> bool:
        """Also a body of no bytes, whatever it is said to be."""
        return not self._begun or (self._folded is not None and self._folded.eof)

    def unfolded(self, piece: bytes, most: int) -> bytes:
        """At most one byte more than `most`. Raises zlib.error."""
        self._begun = self._begun or bool(piece)
        if self._folded is None:
            self._held += piece
            if len(self._held) < FRAME:
                return b""
            piece = self._held
            self._folded = zlib.decompressobj(ZLIB_OR_GZIP if is_framed(piece[:FRAME]) else -zlib.MAX_WBITS)
        return self._folded.decompress(piece, most + 1)


def is_framed(begin: bytes) -> bool:
    """RFC 1950: the method is 8, and the two bytes together are divisible by 31."""
    return begin[0] & 15 == zlib.DEFLATED and int.from_bytes(begin) % 31 == 0
