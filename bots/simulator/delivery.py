"""How a faulty bot delivers its answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import os
from typing import TYPE_CHECKING, Any

from .faults import Fault
from .wire import Answer, Request

if TYPE_CHECKING:
    from .connection import Connection

PROXY_PAGE = (
    b"<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
STRANGER = (
    b"<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head>"
    b"<body><h1>Welcome to nginx!</h1></body></html>\n"
)
FLOOD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
ROW = b'{"trade_id":1,"pair":"BTC/USDT","is_open":true,"amount":0.1},'
CHUNK = ROW * 1000


async def misbehave(to: Connection, fault: Fault, request: Request) -> None:
    """Answer `request` with everything that `fault` says."""
    acted = to.answer_to(request) if fault.acts else None
    if fault.hang:
        await asyncio.sleep(fault.hang if fault.hang != math.inf else 86_400 * 365)
    if fault.reset:
        to.transport.abort()
    elif fault.huge:
        await _flood(to, fault.huge)
    else:
        await _deliver(to, fault, _spoiled(to, fault, request, acted))


def _spoiled(to: Connection, fault: Fault, request: Request, acted: Answer | None) -> Answer:
    if fault.redirect:
        return Answer(302, b"", headers={"location": fault.redirect})
    if fault.not_a_freqtrade:
        return Answer(200, STRANGER, "text/html")
    if fault.status:
        return _error(fault)
    if fault.garbage:
        return Answer(200, b"\xff" + os.urandom(63) + b'{"trade')
    if fault.gzip_bomb:
        return Answer(200, bomb(fault.gzip_bomb), headers={"content-encoding": "gzip"})
    answer = acted or to.answer_to(request)
    return Answer(answer.status, twisted(answer.body), answer.content_type) if fault.wrong_types else answer


def _error(fault: Fault) -> Answer:
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    if fault.proxy_page:
        return Answer(fault.status, PROXY_PAGE % (fault.status, fault.status), "text/html", headers)
    if fault.status == 500:
        return Answer(500, b"Internal Server Error", "text/plain; charset=utf-8", headers)
    said = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
    words = said.get(fault.status, "Bot is not in the correct state.")
    return Answer(fault.status, json.dumps({"detail": words}).encode(), headers=headers)


async def _deliver(to: Connection, fault: Fault, answer: Answer) -> None:
    await _trickle(to, answer.head(), fault.slow_headers)
    if fault.cut:
        to.transport.write(answer.body[: len(answer.body) // 2])
        to.transport.close()
    else:
        await _trickle(to, answer.body, fault.drip)


async def _trickle(to: Connection, data: bytes, speed: float) -> None:
    """`speed` in bytes per second; 0 = at once."""
    if not speed:
        to.transport.write(data)
        return
    for start in range(len(data)):
        if to.transport.is_closing():
            return
        to.transport.write(data[start : start + 1])
        await asyncio.sleep(1 / speed)


async def _flood(to: Connection, size: int) -> None:
    """A JSON list of `size` bytes, chunked, as fast as the reader takes it."""
    to.transport.write(FLOOD + b"1\r\n[\r\n")
    sent = 0
    while sent < size and not to.transport.is_closing():
        if to.transport.get_write_buffer_size() > 1 << 20:
            await asyncio.sleep(0.005)
            continue
        to.transport.write(b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK))
        sent += len(CHUNK)
        await asyncio.sleep(0)
    to.transport.write(b"3\r\n{}]\r\n0\r\n\r\n")


def bomb(size: int) -> bytes:
    """A little gzip that unpacks to `size` bytes of JSON list."""
    return gzip.compress(b"[" + b" " * max(0, size - 2) + b"]", compresslevel=6)


def twisted(body: bytes) -> bytes:
    """The same keys with values of other types."""
    return json.dumps(_twist(json.loads(body))).encode()


def _twist(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _twist(item) for name, item in value.items()}
    if isinstance(value, list):
        return {str(number): _twist(item) for number, item in enumerate(value[:3])}
    if isinstance(value, bool) or value is None:
        return "maybe"
    return [value] if isinstance(value, str) else str(value)
