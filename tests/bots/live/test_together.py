import asyncio

import pytest
from django.db import DatabaseError

from bots.live.together import Together


class Table:
    """A slow table that counts how often it is looked at."""

    def __init__(self, broken=False):
        self.looks, self.broken, self.held = [], broken, asyncio.Event()

    async def look_up(self, keys):
        self.looks.append(keys)
        await self.held.wait()
        if self.broken:
            raise DatabaseError("gone")
        return {key: key.upper() for key in keys if key != "nobody"}


async def asked(together, *keys):
    tasks = [asyncio.create_task(together.ask(key)) for key in keys]
    await asyncio.sleep(0.01)
    return tasks


async def test_who_comes_while_a_look_is_under_way_is_answered_by_the_next():
    table = Table()
    together = Together(table.look_up, 1)
    first = await asked(together, "a")
    later = await asked(together, *"abcb", "nobody")
    table.held.set()
    assert await asyncio.gather(*first, *later) == ["A", "A", "B", "C", "B", None]
    assert table.looks == [{"a"}, {"a", "b", "c", "nobody"}]


async def test_who_gives_up_takes_the_answer_from_nobody():
    table = Table()
    patient, hasty = Together(table.look_up, 1), await asked(Together(table.look_up, 0.02), "a")
    with pytest.raises(TimeoutError):
        await hasty[0]
    both = await asked(patient, "a", "a")
    both[0].cancel()
    table.held.set()
    assert await both[1] == "A"


async def test_a_database_that_fails_is_told_to_everybody_and_asked_again_by_the_next():
    table = Table(broken=True)
    together = Together(table.look_up, 1)
    table.held.set()
    for task in await asked(together, "a", "b"):
        with pytest.raises(DatabaseError):
            await task
    table.broken = False
    assert await together.ask("a") == "A"
