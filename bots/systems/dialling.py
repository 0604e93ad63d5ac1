"""A connection to a bot, made only where the addresses of its name are allowed: for HTTP and for websockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bots.systems.addresses import AddressPolicy
from bots.systems.failures import refused_address

Made = TypeVar("Made")


async def dialled(
    url: str,
    addresses: Sequence[str],
    port: int,
    policy: AddressPolicy,
    connect: Callable[[str, int], Awaitable[Made]],
) -> Made:
    """What `connect` makes of the first address that takes a connection. They are checked when the connection is made,
    so a name that changes its mind (DNS rebinding) is caught too; one that is refused refuses them all.

    Raises AddressNotAllowed, OSError."""
    for address in addresses:
        if reason := policy.refuses(address, port):
            raise refused_address(url, address, reason)
    for address in addresses[:-1]:
        try:
            return await connect(address, port)
        except OSError:
            continue
    return await connect(addresses[-1], port)


async def connected_socket(address: str, port: int) -> socket.socket:
    """Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made
