"""A bot of any generation that is given a command, and what it was told."""

import pytest

from bots.systems.contract import Accepted, Instruction
from bots.systems.errors import BotError
from bots.systems.freqtrade import System
from bots.systems.freqtrade.client import Session
from bots.systems.http import HttpDoor
from tests.bots.systems.freqtrade.recorded import CONNECTION, CREDENTIALS, playing
from tests.bots.systems.raw_bots import Server, http, serving

GENERATIONS = ("2020.1", "2021.6", "2022.9.1", "2024.3", "2026.9")
UNTIL_MS = 1_798_675_200_123  # 2026-12-31 00:00:00.123 UTC
LOCKED = b'{"locks":[{"id":3,"pair":"BTC/USDT","side":"*","lock_end_timestamp":1798675260000}]}'
ANSWERS = {
    "force_exit": b'{"result":"Created exit order for trade 12."}',
    "force_exit_all": b'{"result":"Created exit orders for all open trades."}',
    "force_enter": b'{"trade_id":13,"pair":"BTC/USDT","open_timestamp":1795243891123}',
    "cancel_order": b'{"trade_id":12,"pair":"BTC/USDT"}',
    "reload_trade": b'{"trade_id":12,"pair":"BTC/USDT"}',
    "delete_trade": b'{"trade_id":12,"result":"success","result_msg":"Deleted trade 12."}',
    "lock_pair": LOCKED,
    "unlock": b'{"locks":[]}',
    "blacklist_add": b'{"blacklist":["BTC/USDT","X/USDT"]}',
    "blacklist_remove": b'{"blacklist":[]}',
}


def session_with(bot: Server, door: HttpDoor, release: str) -> Session:
    return System.open({"url": bot.url, **CONNECTION}, door, release)


async def told(
    door: HttpDoor, release: str, instruction: Instruction, answer: bytes = b"", **instead: bytes
) -> tuple[str, str, Accepted]:
    """(method and path, body) of what a bot of this release was told, and what came back."""
    answer = answer or http(ANSWERS.get(instruction.action, b'{"status":"done"}'))
    async with serving(playing(release, answer, **instead)) as bot:
        accepted = await session_with(bot, door, release).perform(instruction)
    said = [at for at, head in enumerate(bot.requests) if not head.startswith(b"GET ")]
    assert len(said) == 1
    head, body = bot.requests[said[0]], bot.bodies[said[0]]
    assert CREDENTIALS in head
    assert (b"\r\nContent-Type: application/json\r\n" in head) is bool(body)
    method, path, _ = head.decode().split("\r\n")[0].split(" ")
    return f"{method} {path.removeprefix('/api/v1/')}", body.decode(), accepted


async def unsent(door: HttpDoor, release: str, instruction: Instruction, **instead: bytes) -> BotError:
    """The error, after the bot was at most read."""
    async with serving(playing(release, b"", **instead)) as bot:
        with pytest.raises(BotError) as caught:
            await session_with(bot, door, release).perform(instruction)
    assert [head for head in bot.requests if not head.startswith(b"GET ")] == []
    assert caught.value.may_have_happened is False
    return caught.value


async def answered(door: HttpDoor, instruction: Instruction, body: bytes, status: str = "200 OK") -> BotError:
    with pytest.raises(BotError) as caught:
        await told(door, "2026.9", instruction, http(body, status))
    return caught.value
