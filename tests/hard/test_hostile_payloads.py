"""Ten thousand broken answers over a real connection: each is read, or refused for a reason, and nothing is made up."""

import asyncio
import os
import time
from collections import Counter

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, given, settings

from bots.systems.addresses import AddressPolicy
from bots.systems.contract import Kind, KnownHistory
from bots.systems.errors import BotError
from bots.systems.freqtrade import System
from bots.systems.http import HttpDoor
from tests.bots.systems.raw_bots import http, serving
from tests.hard.mutations import Payload, payloads
from tests.hard.recorded_bots import RELEASES, RecordedBot, endpoints_of
from tests.hard.truth import Given, wrongs

pytestmark = pytest.mark.hard

PAYLOADS = int(os.environ.get("HOSTILE_PAYLOADS", "10000"))
LONGEST_SENTENCE = 1000
KIND_OF = {
    "show_config": Kind.STATE, "status": Kind.OPEN_TRADES, "count": Kind.STATE, "profit": Kind.PROFIT,
    "balance": Kind.BALANCE, "health": Kind.HEALTH, "locks": Kind.LOCKS, "logs": Kind.LOGS,
    "performance": Kind.PERFORMANCE, "daily": Kind.DAILY, "whitelist": Kind.WHITELIST, "blacklist": Kind.BLACKLIST,
    "version": Kind.STATE,
}  # fmt: skip


class Campaign:
    """One connection for all payloads, and what became of them."""

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.bodies: set[bytes] = set()
        self.problems: list[str] = []
        self.slowest = 0.0
        self.loop = uvloop.new_event_loop()
        self.bot = RecordedBot()

    def __enter__(self) -> "Campaign":
        self.serving = serving(self.bot.talk)
        self.server = self.loop.run_until_complete(self.serving.__aenter__())
        self.door = self.loop.run_until_complete(self.opened())
        return self

    async def opened(self) -> HttpDoor:
        return HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=5)

    def __exit__(self, *error: object) -> None:
        self.loop.run_until_complete(self.door.aclose())
        self.loop.run_until_complete(self.serving.__aexit__(None, None, None))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))

    def try_one(self, payload: Payload) -> None:
        self.bodies.add(payload.body)
        self.bot.instead = {payload.endpoint: http(payload.body)}
        self.bot.release = payload.release
        for name, asking in self.questions(payload).items():
            self.loop.run_until_complete(self.ask(name, asking, payload))

    def questions(self, payload: Payload):
        """Who reads this endpoint: show_config is read three times, each time for something else."""
        session = System.open({"url": self.server.url, "username": "alice", "password": "s3cret"}, self.door)
        if payload.endpoint == "trades":
            return {"trades": lambda: session.closed_trades(KnownHistory(closed_count=0))}
        if payload.endpoint == "show_config":
            return {
                "show_config": lambda: session.read(Kind.STATE),
                "show_config, as settings": lambda: session.read(Kind.CONFIG),
                "show_config, in a test": session.test,
            }
        return {payload.endpoint: lambda: session.read(KIND_OF[payload.endpoint])}

    async def ask(self, name: str, asking, payload: Payload) -> None:
        began = time.thread_time()
        try:
            value = await asking()
        except BotError as error:
            self.slowest = max(self.slowest, time.thread_time() - began)
            self.outcomes[name, error.code] += 1
            self.problems += [f"{name}: {problem}" for problem in self.bad_words(error)]
        except Exception as bug:  # noqa: BLE001  that is what is looked for
            self.problems.append(f"{name}: {bug!r} on {payload}")
        else:
            self.slowest = max(self.slowest, time.thread_time() - began)
            self.outcomes[name, "read"] += 1
            recorded = RecordedBot(payload.release)
            others = [recorded.recorded(other) for other in ("show_config", "count") if other != payload.endpoint]
            given = Given(payload.body, *others)
            found = wrongs(value, given) if given.readable else ["read out of what is no JSON"]
            self.problems += [f"{name}: {problem} in {payload}" for problem in found]

    @staticmethod
    def bad_words(error: BotError) -> list[str]:
        sentence = str(error)
        if not sentence or len(sentence) > LONGEST_SENTENCE or "\n" in sentence or "\0" in sentence:
            return [f"{error.code} is told as {sentence[:200]!r}"]
        return []

    def table(self) -> str:
        names = list(dict.fromkeys(name for name, _ in sorted(self.outcomes)))
        lines = [f"\n{'endpoint':28}{'asked':>8}{'read':>8}{'refused':>9}  refused as"]
        for name in names:
            codes = {code: count for (of, code), count in self.outcomes.items() if of == name}
            read, asked = codes.pop("read", 0), sum(codes.values())
            words = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
            lines.append(f"{name:28}{asked + read:8}{read:8}{asked:9}  {words}")
        lines.append(f"{len(self.bodies)} different payloads, slowest {self.slowest:.3f} s")
        return "\n".join(lines)


def test_ten_thousand_broken_answers_raise_nothing_unexpected_and_no_figure_is_made_up(show):
    @settings(
        max_examples=PAYLOADS * 3, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(payloads())
    def try_all(payload: Payload) -> None:
        if payload.body not in campaign.bodies and len(campaign.bodies) < PAYLOADS:
            campaign.try_one(payload)

    with Campaign() as campaign:
        try_all()
    show(f"{campaign.table()}\n{len(campaign.problems)} wrong or unhandled")
    print("\n".join(problem[:2000] for problem in campaign.problems[:20]))
    assert campaign.problems[:20] == []
    assert len(campaign.bodies) == PAYLOADS
    assert campaign.slowest < 1


@pytest.mark.parametrize(
    ("release", "endpoint"), [(release, endpoint) for release in RELEASES for endpoint in endpoints_of(release)]
)
def test_the_second_reader_finds_every_recorded_figure(release, endpoint):
    """The campaign could not fail if the second reader were blind."""
    whole = Payload(release, endpoint, RecordedBot(release).recorded(endpoint))
    with Campaign() as campaign:
        campaign.try_one(whole)
    assert campaign.problems == []
    assert {code for _, code in campaign.outcomes} == {"read"}


@pytest.mark.parametrize(
    ("field", "wrong"), [("open_rate", "-1"), ("profit_abs", "7.77"), ("trade_id", "0"), ("amount", "1e30")]
)
def test_the_second_reader_misses_no_figure_that_the_bot_did_not_give(field, wrong):
    from decimal import Decimal

    import msgspec

    from bots.systems.decoding import decode
    from bots.systems.freqtrade import answers, trades

    body = RecordedBot().recorded("trades")
    trade = trades.closed_trades(decode(body, answers.trades, "trades"), "USDT")[0]
    assert wrongs(trade, Given(body)) == []
    if field == "trade_id":
        lying = msgspec.structs.replace(trade, open_ms=trade.open_ms + 1)
    else:
        lying = msgspec.structs.replace(trade, **{field: Decimal(wrong)})
    assert len(wrongs(lying, Given(body))) == 1
