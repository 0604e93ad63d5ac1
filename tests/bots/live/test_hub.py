"""The hub against a channel layer that forgets, hangs or breaks."""

import asyncio
from types import SimpleNamespace

import pytest
from channels.layers import InMemoryChannelLayer
from django.db import InterfaceError

from bots.domain.events import GROUP, Changed, announcing
from bots.live import hub as hub_module
from bots.live.browser import DEAF, LOGGED_OUT, Browser
from bots.live.hub import Hub
from bots.live.visitors import Number, Visitor

VIEWER_OF_1 = Visitor("key", 1, {1: "viewer"})


class MoodyLayer(InMemoryChannelLayer):
    broken = False

    async def group_send(self, group, message):
        if self.broken:
            raise ConnectionError("gone")
        await super().group_send(group, message)


@pytest.fixture
def layer(monkeypatch):
    layer = MoodyLayer()
    monkeypatch.setattr(hub_module, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(hub_module, "SELF_TEST_SECONDS", 0.05)
    monkeypatch.setattr(hub_module, "LAYER_SECONDS", 0.3)
    return layer


@pytest.fixture
def lookups(monkeypatch):
    """What the database says, in a test's own words: of the sessions, and of how far the bots are."""

    lookups = SimpleNamespace(visitors={"key": VIEWER_OF_1}, seqs=lambda: {}, broken=None)

    async def look_up(keys):
        if lookups.broken:
            raise lookups.broken
        return lookups.visitors

    async def look_up_seqs(team_ids):
        return lookups.seqs()

    monkeypatch.setattr(hub_module, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(hub_module, "look_up", look_up)
    monkeypatch.setattr(hub_module, "look_up_seqs", look_up_seqs)
    return lookups


@pytest.fixture
async def hub(layer, monkeypatch):
    monkeypatch.setattr(announcing, "_mouth", announcing._Mouth())
    hub = Hub()
    assert await hub.heard()
    yield hub
    for task in hub.tasks:
        task.cancel()


def browser_in(hub):
    async def send(message):
        return None

    browser = Browser(VIEWER_OF_1, send)
    hub.join(browser)
    return browser


async def offered(browser, seconds=1.0):
    async with asyncio.timeout(seconds):
        while not browser.waiting:
            await asyncio.sleep(0.01)
    return [change.seq for change, _ in browser.waiting.values()]


async def test_a_membership_that_lapsed_is_taken_up_again(hub, layer):
    browser = browser_in(hub)
    layer.groups.clear()
    await asyncio.sleep(0.2)
    await layer.group_send(GROUP, {"type": "changed", "changes": [[7, "trend", 1, ["state"], 3]]})
    assert await offered(browser) == [3]
    assert not browser.ending.done()


async def test_browsers_are_sent_away_while_nothing_can_be_heard_and_welcome_again_after(hub, layer):
    browser = browser_in(hub)
    layer.broken = True
    async with asyncio.timeout(2):
        assert await browser.ending == DEAF
    assert not await hub.heard()
    layer.broken = False
    async with asyncio.timeout(3):
        while not await hub.heard():
            pass


async def test_changes_are_announced_through_the_loop_of_the_hub(hub, layer, monkeypatch):
    monkeypatch.setattr(announcing, "get_channel_layer", lambda: layer)
    browser = browser_in(hub)
    await asyncio.to_thread(announcing.announce, [Changed(7, "trend", 1, ("trades",), 4)])
    assert await offered(browser) == [4]


async def test_news_for_a_browser_that_is_busy_are_one_a_bot(hub):
    browser = browser_in(hub)
    for seq in range(1, 1001):
        hub.tell(Changed(seq % 3, f"bot-{seq % 3}", 1, ("state",), seq))
    assert sorted(await offered(browser)) == [998, 999, 1000]


async def test_an_announcement_that_is_a_little_late_is_not_taken_for_lost(lookups, hub):
    told, looks = [], []
    hub.tell = lambda change: told.append((change.what, change.seq))
    hub.latest[7] = 7

    def row_before_its_announcement():
        looks.append(True)
        if len(looks) == 1:
            hub.loop.call_later(0.1, hub.told, [Changed(7, "trend", 1, ("trades",), 8)])
        return {1: {"trend": Number(7, 8)}}

    lookups.seqs = row_before_its_announcement
    browser_in(hub)
    async with asyncio.timeout(5):
        while len(looks) < 2:
            await asyncio.sleep(0.01)
    assert told == [(("trades",), 8)]


async def test_a_look_that_fails_in_any_way_sends_all_away_and_the_next_is_taken(lookups, hub):
    lookups.broken = InterfaceError("connection already closed")
    first = browser_in(hub)
    async with asyncio.timeout(5):
        assert await first.ending == DEAF
    hub.leave(first)
    lookups.broken = None
    second = browser_in(hub)
    await asyncio.sleep(0.2)
    assert not second.ending.done()
    lookups.visitors = {}
    async with asyncio.timeout(5):
        assert await second.ending == LOGGED_OUT
