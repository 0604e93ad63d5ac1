"""Bots of 2020 and 2021: other names, other units, other lists; the values are the same kind of thing."""

import json
from decimal import Decimal

import pytest

from bots.systems.contract import (
    VALUE_OF,
    DayProfit,
    Kind,
    KnownHistory,
    Missing,
    PairPerformance,
)
from bots.systems.decoding import decode
from bots.systems.errors import BadAnswer, NoSuchTrade, NotOffered, NotThisSystem, ReleaseTooOld, WrongPassword
from bots.systems.freqtrade import System, answers, mapping, trades
from tests.bots.systems.freqtrade.recorded import CONNECTION, body, changed, playing, read
from tests.bots.systems.raw_bots import Caller, http, serving

D = Decimal
READINGS = [kind for kind in Kind if kind is not Kind.CLOSED_TRADES]
NOT_YET = {"2020.1": {Kind.HEALTH, Kind.LOCKS, Kind.LOGS}, "2021.6": {Kind.HEALTH}}
STOPPED = http(b'{"error":"Error querying _count: trader is not running"}', "502 Bad Gateway")
HTML_405 = http(b"<!DOCTYPE HTML><title>405 Method Not Allowed</title>", "405 METHOD NOT ALLOWED")


def session_with(bot, door, release=""):
    return System.open({"url": bot.url, **CONNECTION}, door, release)


async def reading(door, kind, release, **instead):
    async with serving(playing(release, **instead)) as bot:
        session = session_with(bot, door)
        await session.read(Kind.STATE)
        return await session.read(kind)


@pytest.mark.parametrize("release", ["2020.1", "2021.6"])
@pytest.mark.parametrize("kind", READINGS)
async def test_every_reading_of_an_early_release_is_mapped_or_not_offered(door, release, kind):
    if kind in NOT_YET[release]:
        with pytest.raises(NotOffered):
            await reading(door, kind, release)
    else:
        assert isinstance(await reading(door, kind, release), VALUE_OF[kind])


# --- which release, and its state -------------------------------------------------------------------------------------


async def test_the_eldest_tells_its_version_and_its_state_elsewhere(door):
    async with serving(playing("2020.1")) as bot:
        state = await session_with(bot, door).test()
        asked = [head.split()[1].decode().removeprefix("/api/v1/") for head in bot.requests]
    assert asked == ["ping", "show_config", "version", "count"]
    assert (state.state, state.mode, state.version, state.max_open_trades) == ("running", "dry", "2020.01", 5)
    assert (state.timeframe, state.trading_mode, state.strategy) == ("1m", "spot", "RealbotStrategy")
    assert (state.tells_closed_trades, "closed_trades" in state.capabilities) == (False, False)
    assert {"force_enter", "stop_entry", "force_exit"} <= set(state.capabilities)


async def test_the_eldest_is_stopped_when_it_does_not_count(door):
    state = await reading(door, Kind.STATE, "2020.1", count=STOPPED)
    assert (state.state, state.max_open_trades) == ("stopped", None)


async def test_a_bot_of_2021_tells_its_state_itself_and_its_version_elsewhere(door):
    state = await reading(door, Kind.STATE, "2021.6")
    assert (state.state, state.version, state.max_open_trades, state.bot_name) == ("running", "2021.6", 5, "gamma")
    assert (state.timeframe, state.tells_closed_trades) == ("1m", True)
    assert {"force_enter", "closed_trades", "delete_trade", "unlock"} <= set(state.capabilities)
    assert not {"blacklist_remove", "websocket", "force_exit_partial"} & set(state.capabilities)


async def test_the_settings_of_a_bot_that_does_not_name_its_version_there_have_it_all_the_same(door):
    settings = (await reading(door, Kind.CONFIG, "2021.6")).settings
    assert (settings["version"], settings["bid_strategy.price_side"]) == ("2021.6", "ask")


@pytest.mark.parametrize(("told", "mode"), [("True", "dry"), ("False", "live"), (True, "dry"), (False, "live")])
async def test_dry_run_is_a_text_in_one_release(door, told, mode):
    config = changed("2021.6", "show_config", dry_run=told)
    assert (await reading(door, Kind.STATE, "2021.6", show_config=config)).mode == mode


async def test_a_bot_that_says_neither_is_not_taken_for_a_dry_one(door):
    with pytest.raises(BadAnswer, match="neither True nor False of dry_run"):
        await reading(door, Kind.STATE, "2021.6", show_config=changed("2021.6", "show_config", dry_run="maybe"))


@pytest.mark.parametrize(
    ("answers", "offered", "not_offered"),
    [
        ({}, Kind.LOGS, None),  # trade/0 is there: read in pages
        ({"trade": False}, Kind.LOGS, Kind.LOCKS),
        ({"trade": False, "logs": False}, None, Kind.LOGS),
        ({"trade": False, "logs": False, "trades": False}, None, Kind.LOGS),
    ],
)
async def test_a_build_without_a_known_name_is_probed_and_never_guessed(door, answers, offered, not_offered):
    gone = http(b'{"detail":"Not Found"}', "404 Not Found")
    here = {"trade": http(b'{"detail":"Trade not found."}', "404 Not Found")}
    instead = here | {name: gone for name, there in answers.items() if not there}
    instead["version"] = http(b'{"version":"develop-1a2b3c4"}')
    if len(answers) == 3:
        instead["show_config"] = http(body("2020.1", "show_config"))
    async with serving(playing("2021.6", **instead)) as bot:
        session = session_with(bot, door)
        state = await session.read(Kind.STATE)
        probes = [path for head in bot.requests if (path := head.split()[1].decode()[8:]).startswith(("tra", "log"))]
        assert probes == ["trade/0", "logs?limit=1", "trades?limit=1"][: len(answers) + 1][:3]
        await session.read(Kind.STATE)
        assert len(bot.requests) == 2 * 2 + len(probes) + (2 if len(answers) == 3 else 0)  # probed once
        assert state.tells_closed_trades is (len(answers) < 3)
        if offered:
            await session.read(offered)
        if not_offered:
            with pytest.raises(NotOffered):
                await session.read(not_offered)


async def test_a_release_before_the_eldest_is_named(door):
    with pytest.raises(ReleaseTooOld, match=r"^Freqtrade 2019\.11 is older than 2020\.1"):
        await reading(door, Kind.STATE, "2020.1", version=http(b'{"version":"2019.11"}'))


async def test_a_wrong_password_of_the_eldest(door):
    denied = http(b'{"error":"Unauthorized"}', "401 UNAUTHORIZED")
    with pytest.raises(WrongPassword):
        await reading(door, Kind.STATE, "2020.1", show_config=denied)


async def test_a_405_of_html_says_not_offered_and_a_404_of_html_says_a_stranger(door):
    with pytest.raises(NotOffered):
        await reading(door, Kind.PROFIT, "2021.6", profit=HTML_405)
    with pytest.raises(NotThisSystem):
        await reading(door, Kind.PROFIT, "2021.6", profit=HTML_405.replace(b"405", b"404"))


# --- figures ----------------------------------------------------------------------------------------------------------


async def test_an_open_trade_of_the_eldest(door):
    each = (await reading(door, Kind.OPEN_TRADES, "2020.1")).trades[0]
    trade, moving = each.trade, each.moving
    assert (trade.trade_id, trade.open_ms, trade.pair) == ("52", 1795243760000, "XRP/USDT")  # 2026-11-21 06:49:20 UTC
    assert (trade.is_open, trade.side, trade.currency) == (True, "long", "USDT")
    assert (trade.amount, trade.stake_amount, trade.open_rate) == (D("199.882"), D("100.0"), D("0.500293"))
    assert (trade.fee_open_ratio, trade.strategy, trade.exchange, trade.orders) == (None, None, None, ())
    assert (moving.current_rate, moving.stop_rate) == (D("0.500246"), D("0.496290656"))
    assert (moving.profit_ratio, moving.profit_abs) == (D("-0.0021"), None)  # told as -0.21, in percent
    assert moving.missing == (Missing("profit_abs", trades.RATIO_ALONE),)


async def test_an_open_order_of_the_eldest_is_words(door):
    waiting = changed("2020.1", "status", open_order="(limit buy rem=12.50000000)")
    order = (await reading(door, Kind.OPEN_TRADES, "2020.1", status=waiting)).trades[0].trade.orders[0]
    assert (order.side, order.kind, order.is_open, order.remaining) == ("buy", "limit", True, D("12.5"))
    odd = changed("2020.1", "status", open_order="(limit buy rem=much)")
    assert (await reading(door, Kind.OPEN_TRADES, "2020.1", status=odd)).trades[0].trade.orders == ()


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01 00:00:00", "2026-11-21T06:49:20", ""])
async def test_a_date_that_is_none_is_a_bad_answer(door, date):
    with pytest.raises(BadAnswer, match="status holds a date that is none"):
        await reading(door, Kind.OPEN_TRADES, "2020.1", status=changed("2020.1", "status", open_date=date))


async def test_an_open_trade_of_2021(door):
    each = (await reading(door, Kind.OPEN_TRADES, "2021.6")).trades[0]
    assert (each.trade.trade_id, each.trade.open_ms, each.trade.exit_reason) == ("80", 1795243747516, None)
    assert (each.trade.timeframe, each.trade.fee_open_ratio, each.trade.currency) == ("1m", D("0.001"), "USDT")
    assert (each.moving.profit_ratio, each.moving.profit_abs) == (D("-0.00590899"), D("-0.59148953"))
    assert each.moving.missing == ()


def test_a_closed_trade_of_2021_under_its_former_names():
    trade = trades.closed_trades(read("2021.6", "trades"), "USDT")[0]
    assert (trade.trade_id, trade.open_ms, trade.close_ms) == ("1", 1790095473000, 1790100243000)
    assert (trade.profit_abs, trade.profit_ratio) == (D("-7.034962626384228"), D("-0.0620587851296972"))
    assert (trade.exit_reason, trade.orders, trade.has_open_orders) == ("sell_signal", (), False)


async def test_the_profit_of_the_eldest(door):
    profit = await reading(door, Kind.PROFIT, "2020.1")
    assert (profit.closed_abs, profit.all_abs, profit.trade_count) == (D("0.47359163"), D("-2.31399619"), 57)
    assert (profit.closed_count, profit.winning, profit.first_trade_ms, profit.closed_ratio) == (None, None, None, None)
    assert (profit.average_duration_seconds, profit.best_pair) == (2787, "LINK/USDT")


async def test_the_eldest_refuses_its_profit_before_the_first_trade_is_closed(door):
    none = http(b'{"error":"Error querying _profit: no closed trade"}', "502 Bad Gateway")
    profit = await reading(door, Kind.PROFIT, "2020.1", profit=none)
    assert (profit.closed_abs, profit.closed_count, profit.all_abs) == (0, 0, None)
    assert [gap.figure for gap in profit.missing] == ["all_abs"]


async def test_the_profit_of_2021(door):
    profit = await reading(door, Kind.PROFIT, "2021.6")
    assert (profit.closed_abs, profit.closed_count, profit.winning, profit.losing) == (D("-29.6221689"), 79, 36, 43)
    assert (profit.first_trade_ms, profit.closed_ratio) == (1790095473000, None)


async def test_counts_with_a_point(door):
    assert (await reading(door, Kind.STATE, "2020.1")).max_open_trades == 5


@pytest.mark.parametrize(
    ("release", "first"),
    [
        ("2020.1", PairPerformance("LINK/USDT", 5, None, D("0.132"))),
        ("2021.6", PairPerformance("ATOM/USDT", 3, D("11.144244011269592"), D("0.1342"))),
    ],
)
async def test_performance_in_percent_becomes_a_ratio(door, release, first):
    performance = await reading(door, Kind.PERFORMANCE, release)
    assert (performance.pairs[0], performance.currency) == (first, "USDT")


async def test_a_balance_of_the_eldest(door):
    balance = await reading(door, Kind.BALANCE, "2020.1")
    assert (balance.currency, balance.total, balance.bot_total) == ("USDT", D("9998.503999055192"), None)
    assert balance.missing == (Missing("bot_total", mapping.BOTS_PART_UNKNOWN),)


@pytest.mark.parametrize(
    ("release", "first", "second"),
    [
        ("2020.1", ("2026-11-21", "-1.89125212", 12), ("2026-11-20", "-0.80799138", 1)),
        ("2021.6", ("2026-11-21", "-2.82664874", 19), ("2026-11-20", "-3.4142551733274615", 1)),
        ("2026.9", None, None),
    ],
)
async def test_days_whether_told_in_words_or_in_fields(door, release, first, second):
    daily = await reading(door, Kind.DAILY, release)
    assert (daily.currency, len(daily.days)) == ("USDT", 7)
    if first:
        assert daily.days[:2] == tuple(DayProfit(day, D(profit), number) for day, profit, number in (first, second))


async def test_days_with_their_numbers_in_texts(door):
    day = {"date": "2020-06-30", "abs_profit": "-1.50000000", "fiat_value": "-1.500", "trade_count": "12"}
    told = {"data": [day], "fiat_display_currency": "USD", "stake_currency": "USDT"}
    daily = await reading(door, Kind.DAILY, "2021.6", daily=http(json.dumps(told).encode()))
    assert daily.days == (DayProfit("2020-06-30", D("-1.5"), 12),)


@pytest.mark.parametrize(
    "row",
    [
        ["2020-01-31", "1.0 USDT", "0 USD"],
        ["2020-01-31", "1.0 EUR", "0 USD", "1 trade"],
        ["2020-01-31", "much USDT", "0 USD", "1 trade"],
        ["Friday", "1.0 USDT", "0 USD", "1 trade"],
        ["2020-01-31", "1.0 USDT", "0 USD", "no trade"],
    ],
)
async def test_a_day_that_is_none_is_a_bad_answer(door, row):
    with pytest.raises(BadAnswer, match="daily holds a row that is no day's profit"):
        await reading(door, Kind.DAILY, "2020.1", daily=http(json.dumps([row]).encode()))


# --- lists from the newest backwards ----------------------------------------------------------------------------------


async def test_the_eldest_tells_nothing_of_closed_trades(door):
    async with serving(playing("2020.1")) as bot:
        session = session_with(bot, door, "2020.1")
        with pytest.raises(NotOffered):
            await session.closed_trades(KnownHistory(0))
        assert bot.requests == []
        assert (await session.trade("52")).is_open
        with pytest.raises(NotOffered):
            await session.trade("1")


def listing(*ids: int, flood: bool = False):
    """A bot of 2021.1 with these closed trades, in this order, newest first. `flood`: it takes no limit."""
    one = json.loads(body("2021.6", "trade_closed"))

    async def talk(caller: Caller) -> None:
        while True:
            path = (await caller.request()).split()[1].decode()
            if path.endswith("status"):
                await caller.say(http(b"[]"))
                continue
            limit = int(path.partition("limit=")[2])
            shown = ids if flood or limit == 0 else ids[:limit]
            listed = [one | {"trade_id": number, "open_timestamp": 1000 * number} for number in shown]
            await caller.say(http(json.dumps({"trades": listed, "trades_count": len(listed)}).encode()))

    return talk


async def listed(door, talk, known, release="2021.1"):
    async with serving(talk) as bot:
        found = await session_with(bot, door, release).closed_trades(known)
        return found, [head.split()[1].decode().partition("?")[2] for head in bot.requests]


async def test_a_new_mirror_reads_the_whole_list(door):
    found, asked = await listed(door, listing(*range(70, 0, -1)), KnownHistory(0))
    assert ([int(trade.trade_id) for trade in found.trades], found.total) == (list(range(1, 71)), 70)
    assert (found.whole, asked) == (True, ["limit=0"])


async def test_a_list_is_read_until_the_newest_known_trade_is_in_it(door):
    known = KnownHistory(400, newest=("400", 400_000))
    found, asked = await listed(door, listing(*range(460, 0, -1)), known)
    assert asked == ["limit=50", "limit=500"]
    assert (found.whole, found.proven, len(found.trades)) == (True, False, 460)
    found, asked = await listed(door, listing(*range(1400, 0, -1)), KnownHistory(1399, newest=("1399", 1_399_000)))
    assert (asked, found.whole, found.proven, found.total) == (["limit=50"], False, True, None)
    assert [int(trade.trade_id) for trade in found.trades][-2:] == [1399, 1400]


async def test_a_known_number_with_another_opening_is_another_trade(door):
    found, asked = await listed(door, listing(*range(600, 0, -1)), KnownHistory(600, newest=("600", 1)))
    assert (found.whole, found.proven, asked) == (True, False, ["limit=50", "limit=500", "limit=5000"])


async def test_one_closed_trade_is_found_in_the_list_and_a_missing_one_soon_given_up(door):
    async with serving(listing(*range(600, 100, -1), *range(90, 0, -1))) as bot:
        session = session_with(bot, door, "2021.1")
        assert (await session.trade("590")).trade_id == "590"
        with pytest.raises(NoSuchTrade):
            await session.trade("601")
        assert [head.split()[1].decode()[8:] for head in bot.requests] == ["status", "trades?limit=50"] * 2
        bot.requests.clear()
        with pytest.raises(NoSuchTrade):
            await session.trade("95")
        assert bot.requests[-1].split()[1].endswith(b"limit=5000")


async def test_a_list_by_close_is_searched_to_its_end(door):
    async with serving(listing(5, 60, *range(59, 5, -1))) as bot:
        session = session_with(bot, door, "2021.3")
        assert (await session.trade("5")).trade_id == "5"
        assert (await session.trade("7")).trade_id == "7"
        assert [head.split()[1].decode()[8:] for head in bot.requests][2:] == [
            "status",
            "trades?limit=50",
            "trades?limit=500",
        ]


async def test_a_bot_that_takes_no_limit_is_read_all_the_same(door):
    found, _ = await listed(door, listing(*range(70, 0, -1), flood=True), KnownHistory(69, newest=("69", 69_000)))
    assert (len(found.trades), found.proven) == (70, True)


async def test_open_trades_in_the_list_are_not_taken_for_closed_ones(door):
    one = json.loads(body("2021.6", "trade_closed"))
    both = [one | {"trade_id": 2, "is_open": True, "close_date": None, "close_timestamp": None}, one]
    talk = playing("2021.6", trades=http(json.dumps({"trades": both, "trades_count": 2}).encode()))
    found, _ = await listed(door, talk, KnownHistory(0), release="2020.6")
    assert ([trade.trade_id for trade in found.trades], found.total, found.whole) == (["1"], 1, True)


@pytest.mark.parametrize("figure", ["sNaN", "NaN", "Infinity"])
def test_a_percentage_that_is_no_number_is_missing(figure):
    """A signalling NaN raises where anything is done with it."""
    listed = decode(
        b'[{"pair":"BTC/USDT","count":3,"profit":"%s"}]' % figure.encode(), answers.performance, "performance"
    )
    (pair,) = mapping.performance(listed, "USDT").pairs
    assert (pair.pair, pair.trades, pair.profit_ratio) == ("BTC/USDT", 3, None)
