"""How the history of closed trades is read: in pages, from where the mirror ends, in parts when it is long."""

import json

import pytest

from bots.systems.contract import KnownHistory
from bots.systems.errors import BadAnswer
from bots.systems.freqtrade import System, client
from tests.bots.systems.freqtrade.recorded import CONNECTION, body, playing
from tests.bots.systems.raw_bots import Caller, http, serving


def session_with(bot, door):
    return System.open({"url": bot.url, **CONNECTION}, door, release="2026.9")


def paging(number: int, told_total: int | None = None, cap: int = 10_000):
    """A bot with this many closed trades, ids from 1 on, which gives at most `cap` a page."""
    one = json.loads(body("2026.9", "trade_closed"))

    async def talk(caller: Caller) -> None:
        while True:
            query = dict(
                part.split("=") for part in (await caller.request()).split()[1].decode().partition("?")[2].split("&")
            )
            first = int(query["offset"])
            ids = range(first + 1, min(number, first + min(int(query["limit"]), cap)) + 1)
            trades = [one | {"trade_id": number, "orders": []} for number in ids]
            total = number if told_total is None else told_total
            await caller.say(http(json.dumps({"trades": trades, "total_trades": total}).encode()))

    return talk


async def closed(door, talk, known):
    async with serving(talk) as bot:
        found = await session_with(bot, door).closed_trades(known)
        return (
            [int(trade.trade_id) for trade in found.trades],
            found,
            [head.split()[1].decode() for head in bot.requests],
        )


async def test_a_new_mirror_reads_all_pages(door):
    ids, found, asked = await closed(door, paging(1203), KnownHistory(closed_count=0))
    assert ids == list(range(1, 1204))
    assert (found.total, found.next_offset) == (1203, None)
    assert asked == [f"/api/v1/trades?limit=500&offset={offset}" for offset in (0, 500, 1000)]


async def test_a_mirror_in_step_asks_one_page_for_what_is_new(door):
    ids, found, asked = await closed(door, paging(1203), KnownHistory(closed_count=1201))
    assert (ids, found.total) == ([1202, 1203], 1203)
    assert asked == ["/api/v1/trades?limit=500&offset=1201"]


async def test_a_bot_with_fewer_trades_than_known_tells_its_own_number(door):
    ids, found, _ = await closed(door, paging(3), KnownHistory(closed_count=1201))
    assert (ids, found.total, found.next_offset) == ([], 3, None)


async def test_a_full_reading_begins_at_its_offset_whatever_is_known(door):
    ids, found, _ = await closed(door, paging(30), KnownHistory(closed_count=30, full=True))
    assert (len(ids), found.next_offset) == (30, None)
    ids, _, asked = await closed(door, paging(30), KnownHistory(closed_count=30, full=True, offset=20))
    assert ids == list(range(21, 31))
    assert asked == ["/api/v1/trades?limit=500&offset=20"]


async def test_a_long_history_comes_in_parts(door, monkeypatch):
    monkeypatch.setattr(client, "PAGE", 5)
    parts, offset = [], 0
    while offset is not None:
        ids, found, _ = await closed(door, paging(123), KnownHistory(closed_count=0, full=True, offset=offset))
        parts.append(ids)
        offset = found.next_offset
    assert [len(part) for part in parts] == [50, 50, 23]
    assert [number for part in parts for number in part] == list(range(1, 124))


async def test_a_reading_that_takes_long_pauses_and_says_where_it_goes_on(door, monkeypatch):
    monkeypatch.setattr(client, "PARTS_SECONDS", -1)
    ids, found, _ = await closed(door, paging(1203), KnownHistory(closed_count=0))
    assert (len(ids), found.next_offset) == (500, 500)


async def test_a_bot_that_gives_smaller_pages_than_asked_for_is_read_to_its_end(door):
    ids, found, _ = await closed(door, paging(25, cap=10), KnownHistory(closed_count=0))
    assert (ids, found.next_offset) == (list(range(1, 26)), None)


async def test_a_bot_that_promises_more_trades_than_it_gives_is_not_asked_for_ever(door):
    ids, found, asked = await closed(door, paging(7, told_total=1_000_000), KnownHistory(closed_count=0))
    assert (len(ids), found.total, found.next_offset, len(asked)) == (7, 1_000_000, None, 2)


async def test_a_page_larger_than_asked_for_is_a_bad_answer(door, monkeypatch):
    monkeypatch.setattr(client, "PAGE", 5)
    async with serving(playing("2026.9")) as bot:
        with pytest.raises(BadAnswer, match="12 trades where 5 were asked for"):
            await session_with(bot, door).closed_trades(KnownHistory(closed_count=0))


async def test_one_bad_trade_is_not_left_out_in_silence(door):
    page = json.loads(body("2026.9", "trades"))
    del page["trades"][7]["pair"]
    async with serving(playing("2026.9", trades=http(json.dumps(page).encode()))) as bot:
        with pytest.raises(BadAnswer, match=r"^trades answered .*missing required field `pair`"):
            await session_with(bot, door).closed_trades(KnownHistory(closed_count=0))
