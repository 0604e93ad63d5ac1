"""Questions to the database that come at once are asked together: a thousand browsers cost a few queries."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from django.db import DatabaseError

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Together(Generic[Key, Answer]):
    """What is asked while a look is under way is answered by the next: no answer is older than its question."""

    def __init__(self, look_up: Callable[[set[Key]], Awaitable[dict[Key, Answer]]], seconds: float) -> None:
        self.look_up = look_up
        self.seconds = seconds
        self.asked: dict[Key, asyncio.Future[Answer | None]] = {}
        self.looking: asyncio.Task[None] | None = None

    async def ask(self, key: Key) -> Answer | None:
        """None when there is nothing under this key. Raises DatabaseError, and TimeoutError after `seconds`."""
        if key not in self.asked:
            self.asked[key] = asyncio.get_running_loop().create_future()
        answer = self.asked[key]
        if self.looking is None or self.looking.done():
            self.looking = asyncio.create_task(self.look())
        # Others wait for the same answer: who gives up must not take it from them.
        return await asyncio.wait_for(asyncio.shield(answer), self.seconds)

    async def look(self) -> None:
        while self.asked:
            asked, self.asked = self.asked, {}
            try:
                answers = await self.look_up(set(asked))
            except DatabaseError as failure:
                for future in asked.values():
                    future.set_exception(failure)
                    future.exception()  # seen, also when everybody has given up meanwhile
            else:
                for key, future in asked.items():
                    future.set_result(answers.get(key))
