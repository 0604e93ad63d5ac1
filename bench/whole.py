"""What people see of live bots, measured at the whole portal: real processes, real sockets, simulated bots.

Goal 7: requests at the bots for 0, 1 and many open pages. From a bot's sending to the browser's frame, and to the page
that the frame asks for; in the all-in-one process and with PostgreSQL, Redis and a relay and web process of their own.
And what the others see while one bot says more than anybody can listen to.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.crowd import Crowd, crowd
from bench.report import Row

BOTS = 5
SECONDS = float(os.environ.get("BENCH_LIVE_SECONDS", "20"))  # of each look
VIEWERS = int(os.environ.get("BENCH_LIVE_VIEWERS", "100"))
FLOOD = int(os.environ.get("BENCH_LIVE_FLOOD", "5000"))  # messages a second
FILLS = 2.0  # a second, of all bots together
SAME = 1.1  # the polls' own jitter is a tenth
FURNISH = """
import json, os
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from accounts.models import Membership, Team, User
from bots.models import Bot, BotStatus, PollTurn
team, alice = Team.objects.create(name="Alpha", slug="alpha"), User.objects.create(username="alice")
Membership.objects.create(user=alice, team=team, role="viewer")
for card in json.loads(os.environ["BENCH_FLEET"]):
    connection = {"url": card["url"], "username": card["username"]}
    bot = Bot(team=team, name=card["name"], slug=card["name"], system="freqtrade", connection=connection)
    bot.set_secret("password", card["password"])
    bot.set_secret("ws_token", card["ws_token"])
    bot.save()
    BotStatus.objects.create(bot=bot)
    PollTurn.objects.create(bot=bot)
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(alice.pk), alice.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session.create()
print(session.session_key)
"""
Place = tuple[str, str]  # address, cookie


@contextmanager
def embedded(fleet: list[dict[str, Any]], folder: Path) -> Iterator[Place]:
    from tests.process import PortalProcess

    portal = PortalProcess(folder)
    portal.manage("migrate", "-v0")
    session = portal.manage("shell", "-v0", "-c", FURNISH, BENCH_FLEET=json.dumps(fleet)).split()[-1]
    portal.start()
    try:
        yield portal.address, f"session={session}"
    finally:
        portal.stop()


@contextmanager
def team(fleet: list[dict[str, Any]], folder: Path) -> Iterator[Place]:
    from tests.hard.team import team_installation

    with team_installation(folder) as installation:
        installation.environment["BENCH_FLEET"] = json.dumps(fleet)
        session = installation.manage("shell", "-v0", "-c", FURNISH).split()[-1]
        installation.parts["relay"] = installation.part("relay", [sys.executable, "manage.py", "relay"])
        installation.parts["relay"].start()
        yield installation.address("web-1"), f"session={session}"


def rows() -> list[Row]:
    return [*in_one_process(), *in_a_team()]


def in_one_process() -> list[Row]:
    name = "embedded"
    with watched(embedded) as (bots, browsers):
        return [*ways(name, bots, browsers), *beside_a_flood(bots, browsers), *requests(bots, browsers)]


def in_a_team() -> list[Row]:
    with watched(team) as (bots, browsers):
        return ways("PostgreSQL, Redis, own relay", bots, browsers)


@contextmanager
def watched(portal: Any) -> Iterator[tuple[Crowd, Crowd]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bots = stack.enter_context(crowd("bots", str(BOTS)))
        place = stack.enter_context(portal(bots.hear()["bots"], folder))
        browsers = stack.enter_context(crowd("browsers", *place))
        settle(bots, browsers)
        yield bots, browsers


def settle(bots: Crowd, browsers: Crowd) -> None:
    """Until a page hears of what bots do: they were read and are listened to."""
    ends = time.monotonic() + 90
    while time.monotonic() < ends:
        if len({bot for bot, _ in looked(bots, browsers, 5)[0]["frames"]}) == BOTS:
            return
    raise SystemExit("the portal hears not all bots")


def looked(bots: Crowd, browsers: Crowd, seconds: float) -> tuple[Any, Any]:
    """What a viewer saw, and what the bots had sent."""
    browsers.ask(viewers=1, seconds=seconds + 2)
    sent = bots.ask(fills=FILLS, bots=BOTS, flood=0, seconds=seconds)["sent"]
    return browsers.hear(), sent


def ways(name: str, bots: Crowd, browsers: Crowd) -> list[Row]:
    seen, sent = looked(bots, browsers, SECONDS)
    frames, pages = delays(seen, sent)
    return [
        *spread(f"bot's message to frame, {name}", frames),
        *spread(f"bot's message to page, {name}", pages),
        Row.told(f"page's own time, {name}, p50", part([b - a for a, b in seen["pages"]], 0.5) * 1000, "ms"),
        Row.told(f"messages that came as a frame, {name}", len(frames) / len(sent), "of all"),
    ]


def delays(seen: dict[str, Any], sent: list[tuple[str, float]]) -> tuple[list[float], list[float]]:
    """Seconds to the first frame about the bot, and to the end of the first reading that began after it."""
    frames, pages = [], []
    for bot, at in sent:
        frame = next((when for name, when in seen["frames"] if name == bot and when >= at), None)
        if frame is not None:
            frames.append(frame - at)
            pages += [end - at for began, end in seen["pages"] if began >= frame][:1]
    return frames, pages


def beside_a_flood(bots: Crowd, browsers: Crowd) -> list[Row]:
    with_flood = SECONDS / 2
    browsers.ask(viewers=1, seconds=with_flood + 4)
    outcome = bots.ask(fills=FILLS, bots=BOTS - 1, flood=FLOOD, seconds=with_flood)
    seen = browsers.hear()
    frames, _ = delays(seen, outcome["sent"])
    return [
        Row.told("one bot floods: messages a second it got rid of", outcome["said"] / with_flood, "messages/s"),
        *spread("others' messages to frame beside a flood", frames),
        Row.told("others' messages that came as a frame", len(frames) / len(outcome["sent"]), "of all"),
    ]


def requests(bots: Crowd, browsers: Crowd) -> list[Row]:
    """There and back again: what is read rarely is read in some looks and not in others."""
    counted: dict[int, float] = dict.fromkeys((0, 1, VIEWERS), 0.0)
    for viewers in [*counted, *reversed(counted)]:
        browsers.ask(viewers=viewers, seconds=SECONDS)
        before = bots.ask()["asked"]
        read = browsers.hear()["read"]
        counted[viewers] += (bots.ask()["asked"] - before) / BOTS * 60 / SECONDS / 2
        print(f"   {viewers} viewers read {read} pages")
    return [
        Row.told("requests a bot and minute, nobody looks", counted[0], "requests"),
        Row.at_most("7", "requests at a bot, 1 viewer to none", counted[1] / counted[0], SAME, "x"),
        Row.at_most("7", f"requests at a bot, {VIEWERS} viewers to none", counted[VIEWERS] / counted[0], SAME, "x"),
    ]


def spread(name: str, seconds: list[float]) -> list[Row]:
    return [Row.told(f"{name}, p50", part(seconds, 0.5) * 1000, "ms"),
            Row.told(f"{name}, p99", part(seconds, 0.99) * 1000, "ms")]  # fmt: skip


def part(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
