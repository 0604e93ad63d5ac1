"""What moves with every price in an answer that else says the same as an earlier one: taken out of its bytes, without
decoding the rest."""

import re
from typing import NamedTuple

# Names by which the figures begin that move, read or not; no field begins so that lasts and is read. Written otherwise
# than genuine bots do it, nothing is found, and every answer is decoded.
_MOVES = rb"(?:profit|current_|total_profit|m(?:in|ax)_rate|(?:initial_)?stop)[a-z_]*+"
_FIGURE = rb'(?:[-+.\deE]++|null|"[-+: \d]*+")'  # or a moment in words
# No possessive repeat of a group (`)*+`): before 3.11.5 Python keeps what a round took that then failed.
_RUN = re.compile(rb',"(%(key)b":%(figure)b(?:,"%(key)b":%(figure)b)*)' % {b"key": _MOVES, b"figure": _FIGURE})
# Nothing that JSON is built of. Keys are compared without their e: what is read afterwards has its own keys in it.
_OF_NUMBERS = b"0123456789.+-eE"
_LANDMARK = 16  # bytes
# Ended or not, with line breaks as no JSON has them: else a text that was repaired would be scanned from each quote.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[][{}]")
OF_AN_OBJECT = 2  # brackets open: the list's and its own


class Stretch(NamedTuple):
    """What lasts, up to the quote that opens the first key of a run of moving figures."""

    lasting: bytes
    keys: bytes  # of the run after it
    goes_on: bytes  # how it goes on after the run
    before: bytes  # what stands before the run among the moving figures alone


class Unmoved:
    """An answer, a list of objects, as stretches that last, and runs of moving figures between them of which only the
    keys count. What lies within the objects lasts, whatever it is called: else it would be taken for theirs."""

    def __init__(self, body: bytes) -> None:
        self._stretches: list[Stretch] = []
        layout, ended = _Layout(body), 0
        for run in _RUN.finditer(body):
            if not layout.is_in_an_object(run.start()):
                continue
            lasting, goes_on = body[ended : run.start(1)], body[run.end() : run.end() + _LANDMARK]
            self._stretches.append(Stretch(lasting, run[1].translate(None, _OF_NUMBERS), goes_on, layout.before_run()))
            ended = run.end()
        self._rest = body[ended:]
        self._end = layout.end()

    def moving_in(self, body: bytes) -> bytes | None:
        """Of each object of the list what moves, and nothing else; None where anything that lasts is different.

        A stretch ends with the quote that opens a key, and begins with what ends a figure: none is cut in two."""
        at, moving = 0, list[bytes]()
        for lasting, keys, goes_on, before in self._stretches:
            if not body.startswith(lasting, at):
                return None
            begins = at + len(lasting)
            at = body.find(goes_on, begins)
            if at < 0 or (run := body[begins:at]).translate(None, _OF_NUMBERS) != keys:
                return None
            moving += before, run
        return b"".join([*moving, self._end]) if body[at:] == self._rest else None


class _Layout:
    """Puts a list of objects together anew, of their runs alone."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = self._depth = 0
        self._objects = 0  # of the list, begun so far
        self._last = 0  # the last one that has a run

    def is_in_an_object(self, at: int) -> bool:
        """Of the list, and no deeper."""
        for bracket in _BRACKET.findall(_TEXT.sub(b"", self._body[self._at : at])):
            self._depth += 1 if bracket in b"[{" else -1
            self._objects += bracket == b"{" and self._depth == OF_AN_OBJECT
        self._at = at
        return self._depth == OF_AN_OBJECT

    def before_run(self) -> bytes:
        return b',"' if self._last == self._objects else self._up_to(self._objects) + b'{"'

    def end(self) -> bytes:
        self.is_in_an_object(len(self._body))
        return self._up_to(self._objects + 1)[: -1 if self._objects else None] + b"]"

    def _up_to(self, number: int) -> bytes:
        """From the last run of one object to the first of another."""
        begun, self._last = self._last, number
        return (b"}," if begun else b"[") + b"{}," * (number - begun - 1)
