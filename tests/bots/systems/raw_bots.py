"""Servers on loopback that say exactly what a test tells them to, byte by byte."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

Talk = Callable[["Caller"], Awaitable[None]]


class Caller:
    """One connection as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: "Server") -> None:
        self.reader, self.writer, self.requests, self.bodies = reader, writer, server.requests, server.bodies

    async def request(self) -> bytes:
        """The next request's head; its body goes into `bodies`."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.bodies.append(await self.reader.readexactly(length))
        return head

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


def http(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Server:
    def __init__(self, host: str, port: int, scheme: str) -> None:
        self.port = port
        self.url = f"{scheme}://{host}:{port}"
        self.connections = 0
        self.requests: list[bytes] = []  # heads
        self.bodies: list[bytes] = []


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"):
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            await talk(Caller(reader, writer, server))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except RuntimeError as gone:  # as uvloop calls a connection that the caller closed
            if "closed" not in str(gone):
                raise
        finally:
            writer.close()

    listener = await asyncio.start_server(meet, host, 0, ssl=tls)
    server = Server(host, listener.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield server
    finally:
        listener.close()


def answering(*answers: bytes) -> Talk:
    """Every request gets the next answer, the last one for ever; the connection is kept alive."""

    async def talk(caller: Caller) -> None:
        while True:
            await caller.request()
            at = min(len(caller.requests), len(answers)) - 1
            await caller.say(answers[at])

    return talk


async def silent(caller: Caller) -> None:
    await caller.request()
    await asyncio.sleep(30)
