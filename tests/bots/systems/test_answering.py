"""An answer put together from its bytes, however they are cut, and never more of it than is wanted."""

import gzip
import zlib

import pytest

from bots.systems.answering import FRUITLESS_MOST, Answering, End

BODY = b'{"profit": 1.5}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nContent-Type: application/json\r\n\r\n" + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n"
    + BODY[:8]
    + b"\r\n7\r\n"
    + BODY[8:]
    + b"\r\n0\r\n\r\n"
)
UNTIL_THE_END = b"HTTP/1.0 200 OK\r\n\r\n" + BODY
PROVISIONAL = b"HTTP/1.1 100 Continue\r\nContent-Encoding: br\r\n\r\n"


def begun(max_bytes: int = 1000) -> Answering:
    answering = Answering()
    answering.begin(max_bytes)
    return answering


def read(data: bytes, piece: int = 10_000, max_bytes: int = 1000) -> Answering:
    answering = begun(max_bytes)
    for start in range(0, len(data), piece):
        answering.take(data[start : start + piece])
    return answering


def said(answer: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(answer), *headers, b"", b""]
    return b"\r\n".join(lines) + answer


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize("data", [PLAIN, CHUNKED, PROVISIONAL + PLAIN, PROVISIONAL * 3 + CHUNKED])
def test_an_answer_is_the_same_however_it_is_cut(data, piece):
    answering = read(data, piece)
    assert (answering.end, answering.status, answering.take_body()) == (End.ANSWERED, 200, BODY)
    assert answering.kept_alive


@pytest.mark.parametrize("piece", [1, 10_000])
def test_an_answer_without_a_length_lasts_as_long_as_its_connection(piece):
    answering = read(UNTIL_THE_END, piece)
    assert answering.end is None
    answering.ended(cut=False)
    assert (answering.end, answering.take_body(), answering.kept_alive) == (End.ANSWERED, BODY, False)


@pytest.mark.parametrize("data", [PLAIN, CHUNKED])
def test_an_answer_that_names_its_length_and_stops_before_it_is_none(data):
    for cut in range(1, len(data)):
        answering = read(data[:cut])
        assert answering.end is None
        answering.ended(cut=False)
        assert (answering.end, answering.take_body()) == (End.SHORT, b"")


def test_a_connection_that_ends_without_a_byte_was_closed_or_cut():
    closed, cut = begun(), begun()
    closed.ended(cut=False)
    cut.ended(cut=True)
    assert (closed.end, cut.end) == (End.CLOSED, End.CUT)
    assert (closed.was_not_begun, cut.was_not_begun) == (True, True)
    begun_and_cut = read(PLAIN[:30])
    begun_and_cut.ended(cut=True)
    assert (begun_and_cut.end, begun_and_cut.was_not_begun) == (End.CUT, False)


def test_an_answer_of_the_cap_is_taken_and_of_one_byte_more_is_not():
    assert read(PLAIN, max_bytes=15).end is End.ANSWERED
    assert read(PLAIN, max_bytes=14).end is End.TOO_LARGE
    assert read(CHUNKED, max_bytes=14).end is End.TOO_LARGE


@pytest.mark.parametrize(
    ("folded", "encoding"),
    [
        (gzip.compress(BODY, mtime=0), b"gzip"),
        (zlib.compress(BODY), b"deflate"),
        (zlib.compress(BODY)[2:-4], b"deflate"),
        (gzip.compress(gzip.compress(BODY, mtime=0), mtime=0), b"gzip, gzip"),
        (zlib.compress(gzip.compress(BODY, mtime=0)), b"gzip, deflate"),
        (BODY, b"identity"),
    ],
)
@pytest.mark.parametrize("piece", [1, 10_000])
def test_a_folded_body_is_unfolded(folded, encoding, piece):
    answering = read(said(folded, b"content-encoding: " + encoding), piece)
    assert (answering.end, answering.take_body()) == (End.ANSWERED, BODY)


@pytest.mark.parametrize(
    ("folded", "encoding", "end"),
    [
        (BODY, b"gzip", End.BROKEN),
        (BODY, b"br", End.BROKEN),
        (BODY, b"gzip, gzip, gzip, gzip, gzip, gzip", End.BROKEN),
        (gzip.compress(BODY, mtime=0)[:-9], b"gzip", End.SHORT),
        (gzip.compress(b"0" * 100_000, mtime=0), b"gzip", End.TOO_LARGE),
        (gzip.compress(gzip.compress(b"0" * 10_000_000, mtime=0), mtime=0), b"gzip, gzip", End.TOO_LARGE),
    ],
)
def test_a_body_that_cannot_be_unfolded_is_none(folded, encoding, end):
    answering = read(said(folded, b"content-encoding: " + encoding))
    assert (answering.end, answering.take_body(), answering.kept_alive) == (end, b"", False)


@pytest.mark.parametrize("flood", [b"X-Many: y\r\n", b"y", PROVISIONAL.removeprefix(b"HTTP/1.1 ")])
def test_headers_without_end_are_read_no_further_than_a_bound(flood):
    answering = begun()
    answering.take(b"HTTP/1.1 200 OK\r\nX-Long: ")
    taken = 0
    while answering.end is None:
        answering.take(flood * 1000)
        taken += len(flood) * 1000
    assert answering.end in (End.TOO_MANY_HEADERS, End.BROKEN)
    assert taken <= FRUITLESS_MOST + len(flood) * 1000


def test_trailers_without_end_are_bounded_too():
    answering = read(CHUNKED.removesuffix(b"\r\n"))
    while answering.end is None:
        answering.take(b"X-More: y\r\n" * 1000)
    assert answering.end is End.TOO_MANY_HEADERS


@pytest.mark.parametrize("stray", [b"x", PLAIN, b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_follows_an_answer_spoils_the_connection_and_not_the_answer(stray):
    answering = read(PLAIN + stray)
    assert (answering.end, answering.status, answering.take_body()) == (End.ANSWERED, 200, BODY)
    assert not answering.kept_alive


@pytest.mark.parametrize(
    "data", [PLAIN, b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"]
)
def test_what_is_said_before_the_question_answers_nothing(data):
    answering = begun()
    answering.unasked(data)
    assert (answering.end, answering.take_body(), answering.kept_alive) == (End.BROKEN, b"", False)


def test_a_stranger_is_known_by_its_first_bytes():
    answering = read(b"\x15\x03\x01\x00\x02\x02\x46")
    assert (answering.end, answering.first) == (End.NOT_HTTP, b"\x15\x03")


def test_a_body_is_given_once_and_then_held_no_more():
    answering = read(PLAIN)
    assert (answering.take_body(), answering.take_body()) == (BODY, b"")


def test_the_next_answer_has_nothing_of_the_last():
    answering = read(said(gzip.compress(BODY, mtime=0), b"Content-Encoding: gzip", b"X-Old: 1"))
    answering.begin(1000)
    answering.take(PLAIN)
    assert (answering.end, answering.take_body(), answering.kept_alive) == (End.ANSWERED, BODY, True)
    assert [name for name, _ in answering.headers] == [b"Content-Length", b"Content-Type"]
