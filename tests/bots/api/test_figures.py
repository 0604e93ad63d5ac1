"""What the API says is what the tables hold: exact, in plain notation, with its currency and its age."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.models import ConfigVersion, Snapshot
from tests import builders

OPENED = datetime(2026, 11, 20, 8, 30, 0, 500_000, tzinfo=UTC)


@pytest.fixture
def trend(alpha):
    return builders.a_bot(alpha, "btc-trend-01", tags=["trend", "majors"])


def test_a_closed_trade_in_every_field(as_bob, trend):
    trade = builders.a_trade(
        trend,
        "12.340000000000000001",
        ratio="0.0123",
        trade_id="17",
        open_date=OPENED,
        close_date=OPENED + timedelta(hours=3),
        open_rate=Decimal("0.000000000000000123"),
        fee_open_ratio=Decimal("0.001"),
        missing=[{"figure": "funding_fees", "reason": "the bot said NaN"}],
    )
    assert as_bob.read("trades/") == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [
            {
                "id": trade.pk,
                "bot": "btc-trend-01",
                "trade_id": "17",
                "pair": "BTC/USDT",
                "side": "long",
                "is_open": False,
                "open_date": "2026-11-20T08:30:00.500000Z",
                "close_date": "2026-11-20T11:30:00.500000Z",
                "open_rate": "0.000000000000000123",
                "close_rate": "101000",
                "amount": "0.01",
                "stake_amount": "1000",
                "leverage": "1",
                "profit_abs": "12.340000000000000001",
                "profit_ratio": "0.0123",
                "realized_profit": None,
                "fee_open_ratio": "0.001",
                "fee_close_ratio": None,
                "funding_fees": None,
                "currency": "USDT",
                "mode": "live",
                "enter_tag": "ema_pull",
                "exit_reason": "roi",
                "strategy": None,
                "timeframe": None,
                "exchange": None,
                "current_rate": None,
                "stop_rate": None,
                "unrealized_abs": None,
                "unrealized_ratio": None,
                "age_seconds": None,
                "stale": False,
                "missing": [{"figure": "funding_fees", "reason": "the bot said NaN"}],
            }
        ],
    }


def test_an_open_trade_moves_and_has_an_age(as_bob, trend):
    trend.status.seen_at = timezone.now() - timedelta(seconds=20)
    trend.status.save()
    trade = builders.a_trade(trend)
    builders.moving(trade, profit="-1E-8", ratio="-0.00000001", rate="99999.5", stop="95000")

    (row,) = as_bob.read("trades/", status="open")["results"]

    assert row["is_open"] is True and row["profit_abs"] is None and row["close_date"] is None
    assert row["unrealized_abs"] == "-0.00000001" and row["unrealized_ratio"] == "-0.00000001"
    assert (row["current_rate"], row["stop_rate"]) == ("99999.5", "95000")
    assert 20 <= row["age_seconds"] < 80


def test_one_trade_with_its_orders_and_a_trade_that_is_gone_is_still_readable(as_bob, trend):
    order = {
        "order_id": "o-1",
        "side": "buy",
        "kind": "limit",
        "status": "closed",
        "is_open": False,
        "rate": "100000",
        "amount": "0.01",
        "filled": "0.01",
        "remaining": "0",
        "cost": "1000",
        "placed_ms": 1_763_627_400_500,
        "filled_ms": None,
        "tag": None,
    }
    gone_at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    trade = builders.a_trade(trend, "1", orders=[order], gone_at=gone_at)

    row = as_bob.read(f"trades/{trade.pk}/")

    assert row["gone_at"] == "2026-11-20T12:00:00Z" and row["run"] == 1
    placed = {name: value for name, value in order.items() if not name.endswith("_ms")}
    assert row["orders"] == [{**placed, "placed_at": "2025-11-20T08:30:00.500000Z", "filled_at": None}]
    assert as_bob.read("trades/")["count"] == 0


def test_trades_are_filtered_and_ordered(as_bob, trend, alpha):
    dry = builders.a_bot(alpha, "lab", tags=["lab"], status={"mode": "dry"})
    builders.a_trade(trend, "3", trade_id="1", pair="ETH/USDT", close_date=OPENED)
    builders.a_trade(trend, "-1", trade_id="2", side="short", exit_reason="stop_loss", close_date=OPENED)
    builders.a_trade(dry, "10", trade_id="3", enter_tag="dip", close_date=OPENED + timedelta(days=1))
    builders.a_trade(dry, trade_id="4")

    def ids(**query):
        return [row["trade_id"] for row in as_bob.read("trades/", **query)["results"]]

    assert ids(ordering="profit_abs") == ["2", "1", "3", "4"]
    assert ids(ordering="-profit_abs") == ["3", "1", "2", "4"]
    assert ids(bot="lab", status="closed") == ["3"]
    assert ids(bot_tag="trend", ordering="trade_id") == ["1", "2"]
    assert ids(pair="eth/usdt") == ["1"]
    assert ids(side="short") == ids(exit_reason="stop_loss") == ["2"]
    assert ids(mode="dry", status="open") == ["4"]
    assert ids(enter_tag="dip") == ["3"]
    assert ids(**{"from": "2026-11-21"}, status="closed") == ["3"]
    assert ids(to="2026-11-20", ordering="trade_id", status="closed") == ["1", "2"]
    assert ids(bot="no-such-bot") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [({"ordering": "password"}, "ordering"), ({"from": "yesterday"}, "from"), ({"status": "closd"}, "status")],
)
def test_a_filter_nobody_knows_is_named(as_bob, query, field):
    answer = as_bob("trades/", **query)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid" and list(answer.json()["fields"]) == [field]


def test_lists_come_in_pages_that_are_bounded(as_bob, trend):
    for _ in range(5):
        builders.a_trade(trend, "1")
    first = as_bob.read("trades/", page_size=2)
    assert first["count"] == 5 and len(first["results"]) == 2 and first["previous"] is None
    last = as_bob.read(first["next"].replace("page=2", "page=3"))
    assert len(last["results"]) == 1 and last["next"] is None
    assert as_bob("trades/", page=4, page_size=2).status_code == 404
    many = as_bob.read("trades/", page_size=1_000_000)
    assert many["count"] == 5 and many["next"] is None


def test_a_bot_in_the_list(as_bob, trend):
    builders.a_trade(trend, "2.5")
    builders.a_trade(trend, "-0.5")
    (row,) = as_bob.read("bots/")["results"]
    assert 0 <= row.pop("age_seconds") < 60 and row.pop("seen_at").endswith("Z")
    assert row == {
        "slug": "btc-trend-01",
        "name": "btc-trend-01",
        "team": "alpha",
        "system": "freqtrade",
        "tags": ["trend", "majors"],
        "enabled": True,
        "mode": "live",
        "state": "running",
        "stake_currency": "USDT",
        "version": "2026.9",
        "strategy": "TrendRider",
        "exchange": "binance",
        "capabilities": [],
        "late": False,
        "stale": False,
        "last_error": "",
        "error_code": "",
        "open_trades": 0,
        "slots": 5,
        "unrealized": "0",
        "unrealized_ratio": None,
        "today": "2",
        "d7": "2",
        "d30": "2",
        "all": "2",
        "wins": 1,
        "losses": 1,
        "win_rate": "0.5",
        "balance": "1000",
        "drawdown_ratio": None,
    }


def test_of_a_bot_never_seen_nothing_is_known_and_nothing_is_zero(as_bob, alpha):
    nothing = {"state": "unknown", "mode": "", "stake_currency": "", "seen_at": None, "unrealized": None}
    builders.a_bot(alpha, "fresh", status={**nothing, "balance": None, "open_count": None, "slots": None})
    (row,) = as_bob.read("bots/")["results"]
    for name in ("unrealized", "today", "d7", "d30", "all", "balance", "open_trades", "age_seconds", "seen_at"):
        assert row[name] is None, name


def test_the_fleet_adds_up_per_currency_and_mode(as_bob, trend, alpha, beta):
    lab = builders.a_bot(alpha, "lab", status={"mode": "dry", "unrealized": Decimal("-7.5")})
    silent = timezone.now() - timedelta(minutes=12)
    sats = builders.a_bot(alpha, "sats", status={"stake_currency": "BTC", "unrealized": None, "seen_at": silent})
    builders.a_trade(trend, "0.1")
    builders.a_trade(trend, "0.2")
    builders.a_trade(lab, "1000")
    builders.a_trade(sats, "0.00000001")
    builders.a_trade(builders.a_bot(beta, "foreign"), "999")

    fleet = as_bob.read("fleet/")

    def total(currency, mode, profit, unrealized, **more):
        periods = dict.fromkeys(("today", "d7", "d30", "all"), profit)
        usual = {"bots": 1, "missing": 0, "unread": 0, "untold": 0, "stale": False, "stale_bots": []}
        return {"currency": currency, "mode": mode, **periods, "unrealized": unrealized, **usual, **more}

    assert fleet["totals"] == [
        total("BTC", "live", "0.00000001", None, missing=1, stale=True, stale_bots=["sats"]),
        total("USDT", "live", "0.3", "0"),
        total("USDT", "dry", "1000", "-7.5"),
    ]
    assert fleet["counts"] == {"running": 2, "offline": 1}
    assert (fleet["bots"], fleet["fresh"], fleet["converted"]) == (3, 2, None)
    assert 720 <= fleet["oldest_age_seconds"] < 790


def test_snapshots_newest_first_within_a_span(as_bob, trend):
    for hour in (1, 2, 3):
        at = datetime(2026, 11, 20, hour, tzinfo=UTC)
        facts = {"state": "running", "mode": "live", "currency": "USDT", "open_count": hour}
        Snapshot.objects.create(bot=trend, at=at, **facts, unrealized=Decimal(hour), realized=None, balance=None)
    listed = as_bob.read("bots/btc-trend-01/snapshots/", **{"from": "2026-11-20T02:00:00Z"})
    assert listed["count"] == 2
    assert listed["results"][0] == {
        "at": "2026-11-20T03:00:00Z",
        "state": "running",
        "mode": "live",
        "currency": "USDT",
        "open_count": 3,
        "unrealized": "3",
        "realized": None,
        "balance": None,
    }


def test_the_balance_with_its_age(as_bob, trend):
    coin = {"currency": "BNB", "free": "4.2E-7", "used": None, "total": "1", "value": "600", "bot_value": None}
    data = {
        "currency": "USDT",
        "total": "1600.5",
        "bot_total": "1000",
        "starting_capital": None,
        "currencies": [{**coin, "bot_managed": False}],
        "note": "Simulated balances",
        "missing": [{"figure": "starting_capital", "reason": "the bot said NaN"}],
    }
    builders.a_reading(trend, "balance", data, read_at=timezone.now() - timedelta(seconds=40), error="timed out")
    balance = as_bob.read("bots/btc-trend-01/balance/")
    assert 40 <= balance.pop("age_seconds") < 100 and balance.pop("read_at").endswith("Z")
    plain = [{**coin, "free": "0.00000042", "bot_managed": False}]
    assert balance == {**data, "currencies": plain, "stale": False, "error": "timed out"}


def test_a_bot_that_never_gave_its_balance_has_none_rather_than_zero(as_bob, trend):
    balance = as_bob.read("bots/btc-trend-01/balance/")
    assert (balance["total"], balance["read_at"], balance["age_seconds"]) == (None, None, None)
    assert balance["currencies"] == [] and balance["stale"] is True


def test_performance_logs_and_locks_stand_in_pages_with_the_age_of_the_answer(as_bob, trend):
    pairs = [{"pair": "ETH/USDT", "trades": 3, "profit_abs": "1.50", "profit_ratio": None}]
    builders.a_reading(trend, "performance", {"currency": "USDT", "pairs": pairs})
    lines = [{"at_ms": 1_763_627_400_000, "logger": "freqtrade.worker", "level": "INFO", "message": "<b>Started</b>"}]
    builders.a_reading(trend, "logs", {"lines": lines})
    lock = {"lock_id": "1", "pair": "*", "side": "*", "reason": "MaxDrawdown", "from_ms": None, "active": True}
    builders.a_reading(trend, "locks", {"locks": [{**lock, "until_ms": 1_763_627_400_000}]})

    performance, logs, locks = (as_bob.read(f"bots/{trend.slug}/{name}/") for name in ("performance", "logs", "locks"))

    assert performance["results"] == [{**pairs[0], "currency": "USDT"}]
    said = {"logger": "freqtrade.worker", "level": "INFO", "message": "<b>Started</b>"}
    assert logs["results"] == [{"at": "2025-11-20T08:30:00Z", **said}]
    del lock["from_ms"]
    assert locks["results"] == [{**lock, "since": None, "until": "2025-11-20T08:30:00Z"}]
    for listed in (performance, logs, locks):
        assert listed["count"] == 1 and listed["next"] is None and listed["age_seconds"] < 60 and not listed["stale"]


def test_the_configuration_and_what_changed_in_it(as_bob, trend):
    first, second = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    ConfigVersion.objects.create(bot=trend, settings={"stake_amount": 50}, seen_at=first)
    change = {"name": "stake_amount", "before": 50, "after": 75}
    ConfigVersion.objects.create(bot=trend, settings={"stake_amount": 75}, changes=[change], seen_at=second)
    config = as_bob.read("bots/btc-trend-01/config/")
    assert config["settings"] == {"stake_amount": 75}
    assert config["versions"] == [
        {"seen_at": "2026-11-02T00:00:00Z", "changes": [change]},
        {"seen_at": "2026-11-01T00:00:00Z", "changes": []},
    ]


@pytest.mark.parametrize("path", ["bots/", "fleet/", "trades/?page_size=1000"])
def test_the_number_of_queries_does_not_grow_with_the_fleet(as_bob, alpha, path):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            as_bob.read(path)
        return len(asked)

    for number in range(2):
        builders.a_trade(builders.a_bot(alpha, f"few-{number}"))
    few = queries()
    for number in range(20):
        bot = builders.a_bot(alpha, f"many-{number}")
        builders.a_trade(bot, "1")
        builders.a_trade(bot)
    assert queries() == few <= 8


def test_the_drift_names_who_has_which_value(as_bob, as_charlie, alpha):
    for name, release in (("a", "2026.9"), ("b", "2026.9"), ("c", "2024.3")):
        bot = builders.a_bot(alpha, name)
        settings = {"version": release, "stoploss": -0.1} | ({"only": 1} if name == "c" else {})
        ConfigVersion.objects.create(bot=bot, settings=settings, seen_at=timezone.now())
    builders.a_bot(alpha, "silent")
    body = as_bob.read("fleet/drift/")

    version = {
        "name": "version",
        "values": [
            {"value": "2026.9", "reported": True, "bots": ["a", "b"]},
            {"value": "2024.3", "reported": True, "bots": ["c"]},
        ],
    }
    assert body == {"bots": 3, "settings": 3, "unread": ["silent"], "oldest_read_at": None, "rows": [version]}
    assert [row["name"] for row in as_bob.read("fleet/drift/", lacking="true")["rows"]] == ["version", "only"]
    assert as_bob.read("fleet/drift/", tag="nobody")["bots"] == 0
    assert as_charlie.read("fleet/drift/")["rows"] == []
