"""Live pages. Browser fan-out: the hub, as the portal runs it, against websockets.broadcast (goal 5), in deliveries per
CPU-second of the sending process; the time from an announcement to the browser's frame; the memory that stalled
browsers cost. Then the whole portal beside simulated bots (bench/whole.py, goal 7).

Three processes: one that sends (the hub under uvicorn, or websockets' own server), this one that measures, and one that
holds the browsers. Sender and browsers share the machine's monotonic clock.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from bench import whole
from bench.report import Row, finish

SOCKETS = (200, 1000)
MESSAGES = {200: 200, 1000: 60}
PER_SECOND = {200: 40, 1000: 10}
STALLED = 20
TEXT = '{"bot":"bot-%d","what":["seen","trades"],"seq":%d}'


# --- senders: each prints its port, then obeys lines on stdin: {"messages", "per_second"} -> {"cpu", "sent", "rss"}


async def obey(send: Any) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        wish = json.loads(line)
        began, sent = time.process_time(), {}
        for seq in range(wish["first"], wish["first"] + wish["messages"]):
            sent[seq] = time.monotonic()
            send(seq)
            await asyncio.sleep(1 / wish["per_second"])
        await asyncio.sleep(1)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"cpu": time.process_time() - began, "sent": sent, "rss": rss}), flush=True)


async def send_by_broadcast() -> None:
    from websockets.asyncio.server import broadcast, serve

    async def stay(connection: Any) -> None:
        await connection.wait_closed()

    async with serve(stay, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(json.dumps({"port": server.sockets[0].getsockname()[1], "cookie": ""}), flush=True)
        await obey(lambda seq: broadcast(server.connections, TEXT % (seq, seq)))


async def send_by_hub() -> None:
    cookie, team = await asyncio.to_thread(furnished)
    import uvicorn

    from bots.domain.events import Changed, announce
    from portal.embedded import bound_socket, web_config

    listener = bound_socket("127.0.0.1", 0)
    server = uvicorn.Server(web_config())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    print(json.dumps({"port": listener.getsockname()[1], "cookie": cookie}), flush=True)
    await obey(lambda seq: announce([Changed(seq, f"bot-{seq}", team, ("seen", "trades"), seq)]))
    server.should_exit = True
    await serving


def furnished() -> tuple[str, int]:
    """A fresh database with one person, logged in: her session's cookie and her team."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from accounts.models import Membership, Team, User

    call_command("migrate", verbosity=0)
    user, team = User.objects.create(username="alice"), Team.objects.create(name="Alpha", slug="alpha")
    Membership.objects.create(user=user, team=team, role="viewer")
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}", team.pk


# --- browsers: reads {"port", "cookie", "sockets", "stalled", "last"} and prints {"received", "delays": when they came}


async def browse() -> None:
    from websockets.asyncio.client import connect

    wish = json.loads(await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline))
    url, origin = f"ws://127.0.0.1:{wish['port']}/ws/fleet/", f"http://127.0.0.1:{wish['port']}"
    headers = {"Cookie": wish["cookie"]} if wish["cookie"] else {}
    came: dict[int, list[float]] = {}

    async def opened() -> Any:
        return await connect(
            url, origin=origin, additional_headers=headers, proxy=None, compression=None, ping_interval=None
        )

    async def read(connection: Any) -> None:
        async for message in connection:
            said = json.loads(message)
            if "seq" in said:
                came.setdefault(said["seq"], []).append(time.monotonic())
                if said["seq"] == wish["last"]:
                    return

    browsers = []
    for start in range(0, wish["sockets"], 50):
        browsers += await asyncio.gather(*(opened() for _ in range(min(50, wish["sockets"] - start))))
    print(json.dumps({"ready": len(browsers)}), flush=True)
    reading = [asyncio.create_task(read(browser)) for browser in browsers[wish["stalled"] :]]
    await asyncio.wait(reading, timeout=wish["seconds"])
    print(json.dumps({"came": came}), flush=True)


ROLES = {"broadcast": send_by_broadcast, "hub": send_by_hub, "browsers": browse}


# --- measuring


@contextmanager
def process(role: str) -> "Iterator[subprocess.Popen[str]]":
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PORTAL_DATA_DIR": folder, "LOG_LEVEL": "ERROR", "BENCH_ROLE": role}
        environment |= {"DJANGO_SETTINGS_MODULE": "portal.settings"}
        child = subprocess.Popen(
            [sys.executable, "-m", "bench.live"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def told(child: "subprocess.Popen[str]", words: dict[str, Any] | None = None) -> dict[str, Any]:
    assert child.stdin is not None and child.stdout is not None
    if words is not None:
        print(json.dumps(words), file=child.stdin, flush=True)
    found: dict[str, Any] = json.loads(child.stdout.readline())
    return found


def measured(role: str, sockets: int, stalled: int = 0) -> dict[str, float]:
    """Deliveries per CPU-second of the sender, median and p99 of the way in ms, its largest memory in MiB."""
    messages, pace = MESSAGES[sockets], PER_SECOND[sockets]
    with process(role) as sender, process("browsers") as browsers:
        place = told(sender)
        seconds = messages / pace + 60
        wish = {**place, "sockets": sockets, "stalled": stalled, "last": messages, "seconds": seconds}
        told(browsers, wish)
        time.sleep(1)
        outcome = told(sender, {"first": 1, "messages": messages, "per_second": pace})
        came = told(browsers)["came"]
    delays = sorted(at - outcome["sent"][seq] for seq, moments in came.items() for at in moments)
    return {
        "rate": len(delays) / outcome["cpu"],
        "share": len(delays) / (messages * (sockets - stalled)),
        "median": delays[len(delays) // 2] * 1000,
        "p99": delays[int(len(delays) * 0.99)] * 1000,
        "rss": outcome["rss"],
    }


def main() -> None:
    rows = []
    for sockets in SOCKETS:
        hub, plain = measured("hub", sockets), measured("broadcast", sockets)
        goal = "5" if sockets == max(SOCKETS) else ""
        ratio = hub["rate"] / plain["rate"]
        name = f"fan-out to {sockets} sockets, hub to websockets.broadcast"
        rows.append(Row.at_least("5", name, ratio, 0.5, "x") if goal else Row.told(name, ratio, "x"))
        rows.append(Row.told(f"hub, {sockets} sockets", hub["rate"], "deliveries/CPU s"))
        rows.append(Row.told(f"websockets.broadcast, {sockets} sockets", plain["rate"], "deliveries/CPU s"))
        rows.append(Row.told(f"announcement to frame, {sockets} sockets, median", hub["median"], "ms"))
        rows.append(Row.told(f"announcement to frame, {sockets} sockets, p99", hub["p99"], "ms"))
        rows.append(Row.told(f"delivered, {sockets} sockets", hub["share"], "of all"))
    free, stalled = measured("hub", 200), measured("hub", 200, STALLED)
    rows.append(Row.told(f"memory for {STALLED} stalled of 200", stalled["rss"] - free["rss"], "MiB more"))
    rows.append(Row.told("delivered to those that read, beside stalled ones", stalled["share"], "of all"))
    rows += whole.rows()
    finish(rows, ("uvicorn", "websockets", "uvloop", "channels"))


if __name__ == "__main__":
    role = os.environ.get("BENCH_ROLE", "")
    if role:
        uvloop.run(ROLES[role]())
    else:
        main()
