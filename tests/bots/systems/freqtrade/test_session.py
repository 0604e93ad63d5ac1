"""Conversations with bots that answer as recorded ones did, and with bots that do not."""

from decimal import Decimal

import pytest

from bots.systems.contract import VALUE_OF, Kind, Missing
from bots.systems.errors import (
    BadAnswer,
    BotFailed,
    Busy,
    ConnectionRefused,
    Forbidden,
    NoSuchTrade,
    NotOffered,
    NotThisSystem,
    Redirected,
    Refused,
    ReleaseTooOld,
    TimedOut,
    WebserverMode,
    WrongPassword,
    WrongSettings,
)
from bots.systems.freqtrade import System
from tests.bots.systems.freqtrade.recorded import CONNECTION, body, changed, down, playing
from tests.bots.systems.raw_bots import answering, http, serving, silent

RELEASES = ("2022.9.1", "2024.3", "2026.9")
READINGS = [kind for kind in Kind if kind is not Kind.CLOSED_TRADES]
HTML = http(b"<!doctype html><title>Login</title>").replace(b"application/json", b"text/html")


def session_with(bot, door, release="2026.9", **fields):
    return System.open({"url": bot.url, **CONNECTION, **fields}, door, release)


async def reading(door, kind, release="2026.9", **instead):
    async with serving(playing(release, **instead)) as bot:
        return await session_with(bot, door, release).read(kind)


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", READINGS)
async def test_every_reading_of_every_release_is_mapped(door, release, kind):
    assert isinstance(await reading(door, kind, release), VALUE_OF[kind])


async def test_a_poll_of_everything_asks_each_endpoint_once_and_never_for_system_load(door):
    async with serving(playing("2026.9")) as bot:
        session = session_with(bot, door)
        for kind in READINGS:
            await session.read(kind)
        paths = [head.split()[1].decode() for head in bot.requests]
    assert session.requests == len(paths) == len(READINGS) - 1  # CONFIG is in what tells the STATE
    assert sorted(path.removeprefix("/api/v1/") for path in paths) == [
        "balance",
        "blacklist",
        "daily?timescale=30",
        "health",
        "locks",
        "logs?limit=100",
        "performance",
        "profit",
        "show_config",
        "status",
        "whitelist",
    ]


async def test_a_profit_read_first_asks_once_in_which_currency_it_is(door):
    async with serving(playing("2026.9")) as bot:
        session = session_with(bot, door)
        assert (await session.read(Kind.PROFIT)).currency == "USDT"
        assert (await session.read(Kind.PERFORMANCE)).currency == "USDT"
        assert session.requests == len(bot.requests) == 3


async def test_a_balance_refused_for_want_of_the_exchange_is_told_in_the_bots_words(door):
    answer, status = down("2022.9.1", "balance")
    assert status == 502
    with pytest.raises(Refused, match=r"^Error getting current tickers\.$") as caught:
        await reading(door, Kind.BALANCE, balance=http(answer, "502 Bad Gateway"))
    assert caught.value.endpoint == "balance"


async def test_a_bare_nan_costs_its_figure_alone(door):
    nan = http(body("2026.9", "profit").replace(b'"profit_all_coin":-19.26279259', b'"profit_all_coin":NaN'))
    profit = await reading(door, Kind.PROFIT, profit=nan)
    assert (profit.closed_abs, profit.all_abs) == (Decimal("-18.56249199"), None)
    assert profit.missing == (Missing("all_abs", "the bot sent NaN"),)


@pytest.mark.parametrize("field", ["trade_id", "pair", "is_open", "open_timestamp"])
@pytest.mark.parametrize("value", [..., {"s3cret": 1}])
async def test_a_trade_that_lacks_what_it_cannot_do_without_is_a_bad_answer(door, field, value):
    with pytest.raises(BadAnswer, match=rf"^status answered in an unexpected shape: .*{field}") as caught:
        await reading(door, Kind.OPEN_TRADES, status=changed("2026.9", "status", **{field: value}))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"trade_id": -1},
        {"trade_id": 10**30},
        {"open_timestamp": 10**18},
        {"open_timestamp": -1},
        {"pair": None},
        {"amount": "many"},
        {"orders": 7},
        {"quote_currency": None, "pair": "?"},
    ],
)
async def test_a_trade_with_an_impossible_field_is_a_bad_answer(door, fields):
    with pytest.raises(BadAnswer):
        await reading(door, Kind.OPEN_TRADES, status=changed("2026.9", "status", **fields))


async def test_hostile_strings_arrive_harmless(door):
    hostile = changed("2026.9", "status", enter_tag="<b>\x00\x1b[2J\u202e" + "x" * 1000, exit_reason="", strategy=None)
    trade = (await reading(door, Kind.OPEN_TRADES, status=hostile)).trades[0].trade
    assert trade.enter_tag.startswith("<b>\ufffd\ufffd[2J\ufffdxxx")
    assert (len(trade.enter_tag), trade.exit_reason, trade.strategy) == (500, None, None)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (http(b'{"detail":"Unauthorized"}', "401 Unauthorized"), WrongPassword, "user name or password"),
        (http(b"<h1>no</h1>", "403 Forbidden"), Forbidden, "forbids health"),
        (http(b'{"detail":"Not Found"}', "404 Not Found"), NotOffered, "has no health"),
        (http(b'{"detail":"Method Not Allowed"}', "405 Method Not Allowed"), NotOffered, "has no health"),
        (HTML.replace(b"200 OK", b"404 Not Found"), NotThisSystem, "health gave an HTML page"),
        (http(b'{"detail":"slow down"}', "429 Too Many Requests", "Retry-After: 7"), Busy, "asks to wait: slow down"),
        (http(b"", "503 Service Unavailable"), Busy, "asks to wait"),
        (http(b'{"detail":"Bot is not in the correct state."}', "503 X"), WebserverMode, "does not trade"),
        (
            http(b'{"error":"Error querying /api/v1/health: Bot is not in the correct state"}', "502 X"),
            WebserverMode,
            "not trade",
        ),
        (
            http(b'{"error":"Error querying _health: wallet \\u0000 is gone"}', "502 X"),
            Refused,
            "^wallet \ufffd is gone$",
        ),
        (http(b"<h1>Bad Gateway</h1>", "502 Bad Gateway"), BotFailed, "HTTP 502"),
        (http(b'{"detail":"upstream"}', "502 Bad Gateway"), BotFailed, "HTTP 502: upstream"),
        (http(b"Internal Server Error", "500 X"), BotFailed, "HTTP 500"),
        (http(b"", "504 Gateway Timeout"), BotFailed, "HTTP 504"),
        (
            http(b'{"detail":[{"msg":"no such field"}]}', "422 X"),
            BadAnswer,
            "not accept how health was asked: no such field",
        ),
        (http(b'{"detail":[null, {"msg":[1]}]}', "422 X"), BadAnswer, "not accept"),
        (http(b"", "204 No Content"), BadAnswer, "HTTP 204"),
        (http(b"", "302 Found", "Location: https://sso.example/"), Redirected, "https://sso.example;"),
        (HTML, NotThisSystem, "health gave an HTML page"),
        (http(b"pong"), BadAnswer, "no JSON"),
        (http(b'{"current": 1' + b'{"a":' * 100_000), BadAnswer, "health answered"),
    ],
)
async def test_what_a_bot_or_something_in_its_place_may_answer(door, answer, error, words):
    with pytest.raises(error, match=words) as caught:
        await reading(door, Kind.HEALTH, health=answer)
    assert type(caught.value) is error
    assert caught.value.endpoint == "health"


async def test_how_long_a_busy_bot_wants_to_be_left_alone(door):
    with pytest.raises(Busy) as caught:
        await reading(door, Kind.HEALTH, health=http(b"", "429 Too Many Requests", "Retry-After: 90"))
    assert caught.value.retry_after == 90


# --- testing a connection ---------------------------------------------------------------------------------------------


async def test_a_right_connection_tells_the_bots_state(door):
    async with serving(playing("2026.9")) as bot:
        state = await session_with(bot, door).test()
        assert (state.version, state.state, state.bot_name) == ("2026.9", "running", "alpha")
        assert [head.split()[1] for head in bot.requests] == [b"/api/v1/ping", b"/api/v1/show_config"]


async def test_the_password_is_not_told_to_a_stranger(door):
    async with serving(answering(http(b'{"hello": "world"}'))) as stranger:
        with pytest.raises(NotThisSystem, match=r"^No Freqtrade answers here: ping gave other JSON$"):
            await session_with(stranger, door).test()
        assert [b"Authorization" in head for head in stranger.requests] == [False]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HTML, "an HTML page"),
        (http(b"[1, 2]"), "other JSON"),
        (http(b'{"status": "ok"}'), "other JSON"),
        (http(b"hello"), "something that is no JSON"),
        (http(b""), "nothing"),
        (http(b'{"detail":"Not Found"}', "404 Not Found"), "other JSON"),
        (HTML.replace(b"200 OK", b"404 Not Found"), "an HTML page"),
    ],
)
async def test_what_answers_instead_of_a_freqtrade_is_named(door, answer, words):
    async with serving(answering(answer)) as stranger:
        with pytest.raises(NotThisSystem, match=f"ping gave {words}$"):
            await session_with(stranger, door).test()


async def test_a_wrong_password(door):
    async with serving(playing("2026.9")) as bot:
        with pytest.raises(WrongPassword, match="The bot refused the user name or password") as caught:
            await session_with(bot, door, password="wr0ng").test()
    assert "wr0ng" not in str(caught.value)


async def test_a_bot_behind_a_proxy_that_asks_for_the_password_even_for_ping(door):
    denied = http(b"", "401 Unauthorized")
    async with serving(playing("2026.9", ping=denied)) as bot:
        assert (await session_with(bot, door).test()).version == "2026.9"


async def test_webserver_mode(door):
    async with serving(playing("2026.9-webserver")) as bot:
        session = session_with(bot, door)
        for ask in (session.test(), session.read(Kind.STATE), session.read(Kind.PROFIT), session.read(Kind.HEALTH)):
            with pytest.raises(WebserverMode, match="webserver mode: it does not trade"):
                await ask


async def test_a_release_too_old(door):
    old = http(b'{"version":"2019.11"}')
    async with serving(playing("2020.1", version=old)) as bot:
        with pytest.raises(ReleaseTooOld, match=r"^Freqtrade 2019\.11 is older than 2020\.1, the oldest read here$"):
            await session_with(bot, door).test()


async def test_a_bot_that_is_off_or_hangs(door):
    async with serving(silent) as bot:
        with pytest.raises(TimedOut) as caught:
            await session_with(bot, door).test()
    assert caught.value.endpoint == "ping"
    with pytest.raises(ConnectionRefused):
        await session_with(bot, door).test()


@pytest.mark.parametrize("path", ["", "/", "/api/v1", "/api/v1/", "/api"])
async def test_the_address_may_be_given_with_or_without_the_path(door, path):
    async with serving(playing("2026.9")) as bot:
        bot.url += path
        assert (await session_with(bot, door).test()).version == "2026.9"


async def test_a_bot_below_a_path(door):
    async with serving(answering(http(b'{"status":"pong"}'), HTML)) as proxy:
        proxy.url += "/bots/one/"
        with pytest.raises(NotThisSystem):
            await session_with(proxy, door).test()
        assert [head.split()[1] for head in proxy.requests] == [
            b"/bots/one/api/v1/ping",
            b"/bots/one/api/v1/show_config",
        ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": ""}, "Password missing"),
        ({"url": "", "username": ""}, "Address and User name missing"),
        ({"username": "a:b"}, "colon"),
        ({"url": "bot:8080"}, "must begin with http"),
    ],
)
def test_a_connection_that_cannot_be_used(fields, words):
    with pytest.raises(WrongSettings, match=words):
        System.open({"url": "http://bot:8080", **CONNECTION, **fields}, door=None)


# --- one trade --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
async def test_one_trade_is_asked_for_by_its_number(door, release):
    async with serving(playing(release)) as bot:
        session = session_with(bot, door, release)
        assert (await session.trade("1")).is_open is False
        with pytest.raises(NoSuchTrade, match="does not know this trade"):
            await session.trade("999999")
        assert bot.requests[0].startswith(b"GET /api/v1/trade/1 ")


@pytest.mark.parametrize("trade_id", ["", "abc", "1/../../ping", "-1", "9" * 30, "\u0661"])
async def test_a_number_that_is_none_never_leaves_the_house(door, trade_id):
    async with serving(playing("2026.9")) as bot:
        with pytest.raises(NoSuchTrade):
            await session_with(bot, door).trade(trade_id)
        assert bot.requests == []


async def test_another_trade_than_the_one_asked_for_is_a_bad_answer(door):
    async with serving(playing("2026.9")) as bot:
        with pytest.raises(BadAnswer, match="Asked for trade 7"):
            await session_with(bot, door).trade("7")


# --- from poll to poll


async def test_an_answer_that_says_something_else_than_the_last_one_is_read_anew(door):
    """The very same bytes are read as the same object; one sign more is another answer."""
    running = changed("2026.9", "show_config", state="running")
    stopped = changed("2026.9", "show_config", state="stopped")
    async with serving(answering(running, running, stopped, running)) as bot:
        session = session_with(bot, door)
        first = await session.read(Kind.STATE)
        assert await session.read(Kind.STATE) is first
        assert (await session.read(Kind.STATE)).state == "stopped"
        assert await session.read(Kind.STATE) == first


async def test_after_an_answer_that_could_not_be_read_an_earlier_one_is_read_anew(door):
    good, bad = changed("2026.9", "show_config"), changed("2026.9", "show_config", state="asleep")
    async with serving(answering(good, bad, good)) as bot:
        session = session_with(bot, door)
        first = await session.read(Kind.STATE)
        with pytest.raises(BadAnswer):
            await session.read(Kind.STATE)
        again = await session.read(Kind.STATE)
        assert again == first
        assert again is not first


async def test_long_answers_are_not_kept_to_be_held_against_the_next(door):
    long = changed("2026.9", "show_config", strategy="S" * 3000)
    async with serving(answering(long, long)) as bot:
        session = session_with(bot, door)
        assert await session.read(Kind.STATE) is not await session.read(Kind.STATE)
