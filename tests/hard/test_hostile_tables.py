"""Broken answers all the way into the tables: what is stored was given by the bot, and a healthy bot never notices."""

import asyncio
import json
from collections import Counter

import msgspec
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings

from bots.domain.polling.asking import PollResult
from bots.domain.polling.by_hand import conversation
from bots.domain.polling.orders import orders_for
from bots.domain.polling.schedule import claim_one
from bots.domain.polling.writing import write
from bots.models import Bot, BotReading, BotRun, BotStatus, ConfigVersion, Trade
from bots.systems import contract
from bots.systems.contract import VALUE_OF, Kind
from bots.systems.errors import BadAnswer
from tests.bots.systems.raw_bots import http
from tests.hard.mutations import Payload, payloads
from tests.hard.recorded_bots import RecordedBot, endpoints_of, listening
from tests.hard.rows import connected
from tests.hard.truth import Given, text_problems, wrongs

FACTS = [
    name
    for name in contract.Trade.__struct_fields__
    if name not in ("orders", "missing", "close_ms", "has_open_orders")
]
STATUS_KEYS = {
    "closed_profit": "profit_closed_coin", "max_drawdown_ratio": "max_drawdown", "balance": "total_bot|total",
}  # fmt: skip


@pytest.fixture(scope="module")
def broken():
    bot = RecordedBot()
    with listening(bot.talk) as server:
        bot.url = server.url
        yield bot


@pytest.fixture(scope="module")
def healthy():
    bot = RecordedBot()
    with listening(bot.talk) as server:
        bot.url = server.url
        yield bot


def ask(bot: Bot) -> PollResult:
    now = timezone.now()
    order = orders_for([claim_one(bot, now)], now, frozenset(Kind))[0]
    return asyncio.run(conversation(order))


def facts_of(bot: Bot):
    """All of a bot's figures as the tables hold them."""
    status = BotStatus.objects.get(bot=bot)
    trades = [{name: getattr(trade, name) for name in FACTS} for trade in Trade.objects.filter(bot=bot).order_by("pk")]
    readings = dict(BotReading.objects.filter(bot=bot).values_list("kind", "data"))
    figures = [status.open_count, status.unrealized, status.balance, status.closed_profit, status.total_stake]
    return trades, readings, figures, status.moving, status.state, status.error_code


@pytest.mark.parametrize("number", [20, pytest.param(500, marks=pytest.mark.hard)])
def test_only_what_the_bot_gave_is_stored_and_a_healthy_bot_in_the_same_batch_is_whole(
    broken, healthy, alpha, number, show
):
    codes: Counter[str] = Counter()
    problems: list[str] = []
    well = connected(alpha, healthy.url, name="healthy")
    write([ask(well)], timezone.now())
    whole = facts_of(well)

    @settings(
        max_examples=number, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(payloads())
    def try_all(payload: Payload) -> None:
        with transaction.atomic():
            bot = connected(alpha, broken.url, name="broken")
            broken.release, broken.instead = payload.release, {}
            known = sum(payload.body) % 2  # the bot is new, or was polled before
            if known:
                write([ask(bot)], timezone.now())
            before = facts_of(bot)
            broken.instead = {payload.endpoint: http(payload.body)}
            result = ask(bot)
            write([result, ask(well)], timezone.now())
            problems.extend(f"{problem} on {payload}" for problem in wrong_rows(bot, result, payload, before))
            if facts_of(well) != whole:
                problems.append(f"the healthy bot was harmed by {payload}")
            codes[BotStatus.objects.get(bot=bot).error_code or "read"] += 1
            transaction.set_rollback(True)

    try_all()
    show(f"{sum(codes.values())} payloads into the tables: {dict(codes)}; wrong rows: {len(problems)}")
    assert problems[:10] == []
    assert codes["read"] and codes["bad_answer"]


def wrong_rows(bot: Bot, result: PollResult, payload: Payload, before) -> list[str]:
    recorded = RecordedBot(payload.release)
    given = Given(
        payload.body, *(recorded.recorded(name) for name in endpoints_of(payload.release) if name != payload.endpoint)
    )
    if before[0]:  # what was read before the answer broke
        given.read(recorded.recorded(payload.endpoint))
    return [
        *wrong_trades(bot, given),
        *wrong_readings(bot, result, given, before),
        *wrong_status(bot, given),
        *wrong_texts(bot),
    ]


def wrong_trades(bot: Bot, given: Given) -> list[str]:
    found = []
    for trade in Trade.objects.filter(bot=bot):
        row = contract.Trade(**{name: getattr(trade, name) for name in FACTS})
        row = msgspec.structs.replace(row, orders=msgspec.convert(trade.orders, tuple[contract.Order, ...]))
        found += wrongs(row, given)
        untold = any(gap["figure"] == "close_date" for gap in trade.missing)
        if trade.is_open != (trade.close_date is None) and not untold:
            found.append(f"trade {trade.trade_id} is open and closed at once")
    for run in BotRun.objects.filter(bot=bot):
        closed = [trade.profit_abs or 0 for trade in Trade.objects.filter(run=run).closed()]
        if (run.closed_count, run.closed_profit) != (len(closed), sum(closed)):
            found.append(f"the run counts {run.closed_count} and {run.closed_profit}, its trades {closed}")
    return found


def wrong_readings(bot: Bot, result: PollResult, given: Given, before) -> list[str]:
    found = []
    for reading in BotReading.objects.filter(bot=bot):
        try:
            json.dumps(reading.data, allow_nan=False)
            found += wrongs(msgspec.convert(reading.data, VALUE_OF[Kind(reading.kind)]), given)
        except (ValueError, msgspec.ValidationError) as problem:
            found.append(f"the reading of {reading.kind} is no reading: {problem}")
        failed = result.failed.get(Kind(reading.kind))
        if failed and (reading.data != before[1].get(reading.kind) or reading.error != str(failed)[:500]):
            found.append(f"the failed reading of {reading.kind} was overwritten, or does not say so")
    return found


def wrong_status(bot: Bot, given: Given) -> list[str]:
    status = BotStatus.objects.get(bot=bot)
    found = []
    for name, keys in STATUS_KEYS.items():
        number = getattr(status, name)
        if number is not None and not given.has(tuple(keys.split("|")), number):
            found.append(f"{name} is {number}, which the bot gives nowhere")
    gains = [figures["profit_abs"] for figures in status.moving.values()]
    if status.open_count == len(gains) and None not in gains and status.unrealized is not None:
        total = sum(map(contract.Decimal, gains))
        if status.unrealized != total:
            found.append(f"unrealized is {status.unrealized}, the open trades gain {total}")
    return found


def wrong_texts(bot: Bot) -> list[str]:
    status = BotStatus.objects.get(bot=bot)
    texts = [status.last_error, status.strategy, status.bot_name, status.version, status.exchange]
    for version in ConfigVersion.objects.filter(bot=bot):
        texts += json.loads(json.dumps([version.settings, version.changes], allow_nan=False), object_hook=flat) or []
    return [problem for text in texts if isinstance(text, str) for problem in text_problems(text)]


def flat(settings: dict[str, object]) -> str:
    return " ".join(str(value) for value in settings.values())[:4000]


# --- well-formed, but more than any bot has ---------------------------------------------------------------------------


def a_trade(number: int, **more: object) -> dict[str, object]:
    entry = json.loads(RecordedBot().recorded("status"))[0]
    return {**entry, "trade_id": number, "orders": [], **more}


def refused(bot: Bot, broken: RecordedBot, endpoint: str, body: object, kind: Kind) -> BadAnswer:
    broken.release, broken.instead = "2026.9", {endpoint: http(json.dumps(body).encode())}
    result = ask(bot)
    write([result], timezone.now())
    return result.failed[kind]


def test_a_bot_with_three_thousand_open_trades_is_not_believed(broken, alpha):
    bot = connected(alpha, broken.url)
    error = refused(bot, broken, "status", [a_trade(number) for number in range(3000)], Kind.OPEN_TRADES)
    assert str(error) == "3000 trades are open at once, where 2000 are the most read"
    assert not Trade.objects.filter(bot=bot, is_open=True).exists()


@pytest.mark.parametrize(("endpoint", "kind"), [("status", Kind.OPEN_TRADES), ("trades", Kind.CLOSED_TRADES)])
def test_a_trade_of_more_than_a_thousand_orders_is_not_believed(broken, alpha, endpoint, kind):
    bot = connected(alpha, broken.url)
    open_one = a_trade(1, orders=[{}] * 1001)
    closed = {**open_one, "is_open": False, "close_timestamp": open_one["open_timestamp"] + 1}
    body = [open_one] if endpoint == "status" else {"trades": [closed], "total_trades": 1}
    assert str(refused(bot, broken, endpoint, body, kind)) == "trade 1 has 1001 orders, where 1000 are read"


def test_a_whitelist_of_a_megabyte_is_not_kept(broken, alpha):
    bot = connected(alpha, broken.url)
    pairs = {"whitelist": ["A" * 100] * 11_000, "method": []}
    assert "are the most kept" in str(refused(bot, broken, "whitelist", pairs, Kind.WHITELIST))
    assert not BotReading.objects.filter(bot=bot, kind="whitelist").exists()
