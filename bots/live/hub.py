"""The hub: one subscription per web process; each change rendered once and handed to the sockets that may see it."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError

from bots.domain import events
from bots.domain.events import ALARM, GROUP, Changed, layer_failures
from bots.live.browser import DEAF, LOGGED_OUT, ROLE_CHANGED, SLOW, Browser, rendered
from bots.live.together import Together
from bots.live.visitors import Number, Visitor, seqs_of, visitors_of

log = logging.getLogger(__name__)

GAP_SECONDS = 0.25  # between two messages about one bot
RECHECK_SECONDS = 3.0  # between two looks at every session
STALL_SECONDS = 10.0
SELF_TEST_SECONDS = 20.0  # between two self-tests; each joins again, since membership of a group lapses
LAYER_SECONDS = 3.0
DATABASE_SECONDS = 4.0
LATEST_LOOK_FAILURES = 2
LOST_AFTER_SECONDS = 0.5  # an announcement follows its row; what is later than that got lost
LOST = ("missed", ALARM)  # what a lost announcement was about nobody knows
COMPLAINT_SECONDS = 30.0  # between two log lines about browsers that were turned away

# Looks at sessions go through one thread of their own: neither pages nor a storm of sockets wait for each other.
reader = ThreadPoolExecutor(1, thread_name_prefix="live")
look_up = database_sync_to_async(visitors_of, thread_sensitive=False, executor=reader)
look_up_seqs = database_sync_to_async(seqs_of, thread_sensitive=False, executor=reader)


class Pace:
    """When a bot was last told about, and what has come since."""

    __slots__ = ("last", "waiting")

    def __init__(self, last: float) -> None:
        self.last = last
        self.waiting: Changed | None = None


class Hub:
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.browsers: set[Browser] = set()
        self.by_team: dict[int, set[Browser]] = defaultdict(set)
        self.paces: dict[int, Pace] = {}
        self.visitors: Together[str, Visitor] = Together(look_up, DATABASE_SECONDS)
        self.seqs: Together[int, dict[str, Number]] = Together(look_up_seqs, DATABASE_SECONDS)
        self.latest: dict[int, int] = {}  # bot -> the highest number that browsers here know of
        self.hearing = asyncio.Event()
        self.test_heard = asyncio.Event()
        self.test_token = ""
        self.deaf_since: float | None = None  # loop time
        self.failed_looks = 0
        self.complained_at = -COMPLAINT_SECONDS  # loop time
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        if not self.tasks:
            events.use_loop(self.loop)
            self.tasks = [asyncio.create_task(self.listen()), asyncio.create_task(self.watch())]

    async def heard(self) -> bool:
        """The hub hears what is announced; waits a moment for that."""
        self.start()
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                return await self.hearing.wait()
        except TimeoutError:
            return False

    def join(self, browser: Browser) -> None:
        self.browsers.add(browser)
        for team_id in browser.visitor.teams:
            self.by_team[team_id].add(browser)

    def leave(self, browser: Browser) -> None:
        self.browsers.discard(browser)
        for team_id in browser.visitor.teams:
            self.by_team[team_id].discard(browser)

    async def seqs_seen_by(self, visitor: Visitor) -> dict[str, int]:
        """Slug -> latest sequence number, of every bot the person may see. Raises DatabaseError, TimeoutError."""
        found = await asyncio.gather(*(self.seqs.ask(team_id) for team_id in visitor.teams))
        numbers = {slug: number for seqs in found if seqs for slug, number in seqs.items()}
        for bot_id, seq in numbers.values():
            self.latest.setdefault(bot_id, seq)
        return {slug: number.seq for slug, number in numbers.items()}

    def complain(self, failure: BaseException) -> None:
        """A browser was turned away; said once for all who come meanwhile."""
        if self.loop.time() - self.complained_at >= COMPLAINT_SECONDS:
            self.complained_at = self.loop.time()
            log.warning("browsers are turned away, the database does not answer: %s", str(failure) or "time-out")

    # --- telling ---

    def told(self, changes: Iterable[Changed]) -> None:
        """At once; or, for a bot told about within the gap, when that is over, together with what comes till then."""
        now = self.loop.time()
        for change in changes:
            self.latest[change.bot_id] = max(change.seq, self.latest.get(change.bot_id, 0))
            pace = self.paces.get(change.bot_id)
            if pace is None:
                self.paces[change.bot_id] = Pace(now)
                self.tell(change)
            elif pace.waiting is not None:
                pace.waiting = pace.waiting.and_then(change)
            elif now - pace.last >= GAP_SECONDS:
                pace.last = now
                self.tell(change)
            else:
                pace.waiting = change
                self.loop.call_at(pace.last + GAP_SECONDS, self.tell_waiting, pace)

    def tell_waiting(self, pace: Pace) -> None:
        change, pace.waiting, pace.last = pace.waiting, None, self.loop.time()
        if change is not None:
            self.tell(change)

    def tell(self, change: Changed) -> None:
        browsers = self.by_team.get(change.team_id)
        if browsers:
            text = rendered(change)
            for browser in browsers:
                browser.offer(change, text)

    # --- hearing ---

    async def listen(self) -> None:
        """Joins the group and hears; joins anew whenever it turns out deaf. Runs as long as the process."""
        while True:
            try:
                await self.hear_until_deaf()
            except layer_failures() as failure:
                if self.deaf_since is None:
                    log.warning("no changes arrive (%s): open pages refresh late", failure or type(failure).__name__)
            self.deaf_since = self.deaf_since or self.loop.time()
            self.hearing.clear()
            self.end_all(DEAF)
            await asyncio.sleep(1)

    async def hear_until_deaf(self) -> None:
        layer = get_channel_layer()
        async with asyncio.timeout(LAYER_SECONDS):
            channel = await layer.new_channel()
        # receive() is never cancelled while its channel is in use: one time-out would unsubscribe it for ever.
        receiving = asyncio.create_task(self.receive(layer, channel))
        try:
            while await self.passes_test(layer, channel):
                self.note_hearing()
                await asyncio.sleep(SELF_TEST_SECONDS)
        finally:
            receiving.cancel()

    def note_hearing(self) -> None:
        self.hearing.set()
        if self.deaf_since is not None:
            log.info("changes arrive again after %.0f s", self.loop.time() - self.deaf_since)
            self.deaf_since = None

    async def receive(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            if message["type"] == "changed":
                self.told(Changed.unpacked(packed) for packed in message["changes"])
            elif message["type"] == "self_test" and message["token"] == self.test_token:
                self.test_heard.set()

    async def passes_test(self, layer: Any, channel: str) -> bool:
        """A message of ours to the group comes back in time. Raises what the layer fails with."""
        self.test_heard.clear()
        self.test_token = secrets.token_hex(8)
        async with asyncio.timeout(LAYER_SECONDS):
            await layer.group_add(GROUP, channel)
            await layer.group_send(GROUP, {"type": "self_test", "token": self.test_token})
            return await self.test_heard.wait()

    # --- watching ---

    async def watch(self) -> None:
        """Who logged out, was shut out, changed role or reads no more is gone within 5 seconds."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            now = self.loop.time()
            for browser in [browser for browser in self.browsers if browser.stalled(now, STALL_SECONDS)]:
                browser.end(SLOW)
            try:
                if self.browsers:
                    await self.look_at_sessions()
                    await self.look_for_lost()
            except Exception:  # whoever stops looking leaves in those who were shut out
                log.exception("sessions cannot be looked at")
                self.end_all(DEAF)

    async def look_at_sessions(self) -> None:
        looked_at = list(self.browsers)
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                visitors = await look_up({browser.visitor.session_key for browser in looked_at})
        except (DatabaseError, TimeoutError) as failure:
            self.failed_looks += 1
            if self.failed_looks == 1:
                log.warning("sessions cannot be looked at: %s", failure or type(failure).__name__)
            if self.failed_looks >= LATEST_LOOK_FAILURES:
                self.end_all(DEAF)
            return
        self.failed_looks = 0
        for browser in looked_at:
            if reason := reason_to_leave(browser, visitors.get(browser.visitor.session_key)):
                browser.end(reason)

    async def look_for_lost(self) -> None:
        """What the database knows and nobody announced here, not even a little later."""
        teams = {team_id for team_id, browsers in self.by_team.items() if browsers}
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                found = await look_up_seqs(teams)
        except (DatabaseError, TimeoutError):  # looking at the sessions says so
            return
        behind = [
            Changed(bot_id, slug, team_id, LOST, seq)
            for team_id, numbers in found.items()
            for slug, (bot_id, seq) in numbers.items()
            if seq > self.latest.setdefault(bot_id, seq)
        ]
        if behind:
            await asyncio.sleep(LOST_AFTER_SECONDS)
            self.told(change for change in behind if change.seq > self.latest[change.bot_id])

    def end_all(self, reason: str) -> None:
        for browser in list(self.browsers):
            browser.end(reason)


def reason_to_leave(browser: Browser, visitor: Any) -> str:
    if visitor is None or visitor.user_id != browser.visitor.user_id:
        return LOGGED_OUT
    return ROLE_CHANGED if visitor.roles != browser.visitor.roles else ""


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub_here() -> Hub:
    """The hub of the running event loop, that is, of this web process."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def sockets() -> int:
    """Browsers connected to this process."""
    return sum(len(hub.browsers) for hub in list(_hubs.values()))
