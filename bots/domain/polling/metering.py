"""What a poll costs the threads all bots share, and how long its bot rests for it.

An answer may be well-formed and still cost a second to decode or to write. No bot has more than its share of the loop
and of the writer: the costlier its polls, the rarer they are. An ordinary poll costs milliseconds, and none of this.
"""

import time
from collections.abc import Coroutine, Generator
from typing import Any

RESTS = 25.0  # times as long as it kept a shared thread busy: at most 4 % of it
RESTS_READING_ON = 5.0  # between two parts of a long history


class Metered:
    """`await Metered(coroutine)` is `await coroutine`; `seconds` is then its CPU time, waiting left out."""

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.coroutine = coroutine
        self.seconds = 0.0

    def __await__(self) -> Generator[Any, Any, None]:
        step, given = self.coroutine.send, None
        while True:
            began = time.thread_time()
            try:
                waited_for = step(given)
            except StopIteration:
                return
            finally:
                self.seconds += time.thread_time() - began
            step, given = self.coroutine.send, None
            try:
                given = yield waited_for
            except BaseException as thrown:  # noqa: BLE001  a cancellation, too, is the coroutine's to answer
                step, given = self.coroutine.throw, thrown
