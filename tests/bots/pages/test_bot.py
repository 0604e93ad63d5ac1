"""The page of one bot, tab by tab."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.models import ConfigVersion, Snapshot
from bots.pages.bot import TABS
from tests.bots.pages.reading import cells, page, region, row, steady, text
from tests.builders import a_bot, a_reading, a_trade, moving

MS = 1_790_000_000_000  # 2026-09-21 14:13:20 UTC


@pytest.fixture
def trend(alpha):
    bot = a_bot(alpha, "btc-trend-01", sealed={"password": "sealed-text"})
    a_trade(bot, "32.81", ratio="0.0204", pair="SOL/USDT", exit_reason="roi")
    a_trade(bot, "-7.5", ratio="-0.01", pair="ADA/USDT", exit_reason="stop_loss")
    return bot


def see(browser, tab="overview"):
    return page(browser.get(f"/bots/btc-trend-01/?tab={tab}"))


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_before_anything_was_read(browser_of, alice, alpha, tab):
    never = {"state": "unknown", "mode": "", "stake_currency": "", "seen_at": None, "open_count": None, "slots": None}
    a_bot(alpha, "btc-trend-01", status={**never, "unrealized": None, "balance": None, "latency_ms": None})

    shown = see(browser_of(alice), tab)

    assert f'aria-current="page">{TABS[tab]}' in shown
    assert "never seen" in shown


@pytest.mark.parametrize("tab", TABS)
def test_the_fragment_of_every_tab_is_what_the_page_contains(browser_of, alice, trend, tab):
    alices = browser_of(alice)
    fragment = page(alices.get(f"/bots/btc-trend-01/?tab={tab}&fragment=bot"))
    whole = see(alices, tab)

    assert "csrf" not in fragment
    for identity in ("bot-head", "bot-body"):
        assert steady(region(fragment, identity)) == steady(region(whole, identity))


def test_an_unknown_tab_is_not_found(browser_of, alice, trend):
    assert browser_of(alice).get("/bots/btc-trend-01/?tab=secrets").status_code == 404


def test_the_head_names_what_the_bot_is_and_how_old_its_figures_are(browser_of, alice, trend):
    head = text(region(see(browser_of(alice)), "bot-head"))

    assert head.startswith(
        "Fleet / btc-trend-01 LIVE Running TrendRider Freqtrade 2026.9 binance spot 1h USDT figures "
    )
    assert head.endswith(" s old")


def test_a_wrong_password_is_said_in_full(browser_of, alice, trend):
    trend.status.state, trend.status.last_error = "auth_failed", "The bot answered 401: wrong user name or password."
    trend.status.save()

    shown = text(see(browser_of(alice)))

    assert "Wrong password : The bot answered 401: wrong user name or password." in shown


def test_what_the_overview_sums_is_what_the_trades_say(browser_of, alice, trend):
    shown = see(browser_of(alice))

    assert "+25.31 USDT" in text(region(shown, "bot-body"))
    assert cells(row(shown, "Pair-SOL/USDT")) == ["SOL/USDT", "1", "1 / 0", "100.0 %", "+32.81"]
    assert cells(row(shown, "Exit reason-stop_loss")) == ["stop_loss", "1", "0 / 1", "0.0 %", "−7.50"]


def test_the_profit_of_each_day_names_its_day_and_figure(browser_of, alice, trend):
    today = timezone.now().date().isoformat()

    assert f"<title>{today}: +25.31 USDT</title>" in see(browser_of(alice))


def test_the_equity_curve_is_drawn_from_what_was_kept(browser_of, alice, trend):
    for hours, balance in ((3, "1000"), (2, "1010"), (1, "990")):
        Snapshot.objects.create(
            bot=trend, at=timezone.now() - timedelta(hours=hours), grain=Snapshot.HOUR, state="running", mode="live",
            currency="USDT", balance=Decimal(balance),
        )  # fmt: skip
    shown = see(browser_of(alice))

    assert 'aria-label="Balance over time, USDT"' in shown
    assert '<path class="line" d="M0.0,' in shown
    assert ">990</text>" in shown
    assert ">1010</text>" in shown


def test_open_trades_show_what_moves_and_its_age(browser_of, alice, trend):
    trade = a_trade(trend, pair="ETH/USDT", side="short", leverage=Decimal(3), trade_id="77")
    moving(trade, profit="12.34", ratio="0.012", rate="4142.9", stop="3954")

    pair, side, profit, amount, stake, rates, stop, opened, _ = cells(
        row(see(browser_of(alice), "open"), f"trade-{trade.pk}")
    )
    assert (pair, side) == ("ETH/USDT 77 · ema_pull", "Short 3x")
    assert profit == "+1.20 % (+12.34 USDT)"
    assert (amount, stake) == ("0.01", "1000.00 USDT")
    assert (rates, stop) == ("4142.9 100000", "3954")
    assert opened.endswith("2 h 0 min")


def test_the_moving_figures_of_another_trade_with_the_same_id_are_not_borrowed(browser_of, alice, trend):
    trade = a_trade(trend, trade_id="77")
    moving(trade, profit="12.34", ratio="0.012")
    trade.open_ms += 1
    trade.save()

    assert cells(row(see(browser_of(alice), "open"), f"trade-{trade.pk}"))[2] == "–"


def test_closed_trades_stand_newest_first_and_turn_round_on_request(browser_of, alice, trend):
    alices = browser_of(alice)
    newest = see(alices, "closed")
    assert newest.index("ADA/USDT") < newest.index("SOL/USDT")
    best = page(alices.get("/bots/btc-trend-01/?tab=closed&sort=-profit_abs"))
    assert best.index("SOL/USDT") < best.index("ADA/USDT")
    assert "?tab=closed&amp;sort=profit_abs" in best


def test_the_balance_names_each_coin(browser_of, alice, trend):
    coin = {"currency": "SOL", "free": "7.91", "used": "0", "total": "7.91", "value": "1608.57", "bot_value": None}
    a_reading(trend, "balance", {
        "currency": "USDT", "total": "9000", "bot_total": "5000.5", "starting_capital": None, "currencies": [coin],
        "note": "Simulated balances", "missing": [],
    })  # fmt: skip
    shown = see(browser_of(alice), "balance")

    assert cells(row(shown, "SOL")) == ["SOL", "7.91", "0", "7.91", "1608.57", "–"]
    assert "Managed by the bot 5000 .50 USDT" in text(shown)


def test_locks_logs_and_lists_are_what_was_read(browser_of, alice, trend):
    a_reading(trend, "locks", {"locks": [
        {"lock_id": "3", "pair": "*", "side": "*", "reason": "Cooldown", "from_ms": MS, "until_ms": MS + 60_000},
    ]})  # fmt: skip
    a_reading(trend, "whitelist", {"pairs": ["BTC/USDT"], "methods": ["VolumePairList"]})
    a_reading(trend, "blacklist", {"pairs": [], "methods": []}, error="The bot did not answer in 10 s")
    a_reading(trend, "logs", {"lines": [
        {"at_ms": MS, "logger": "worker", "level": "INFO", "message": "older"},
        {"at_ms": MS + 1000, "logger": "worker", "level": "WARNING", "message": "newer"},
    ]})  # fmt: skip
    alices = browser_of(alice)

    assert cells(row(see(alices, "locks"), "lock-3")) == [
        "all pairs", "both sides", "Cooldown", "2026-09-21 14:13:20", "2026-09-21 14:14:20",
    ]  # fmt: skip
    lists = text(see(alices, "pairlists"))
    assert "Whitelist 1 pairs" in lists
    assert "The bot did not answer in 10 s" in lists
    logs = see(alices, "logs")
    assert logs.index("newer") < logs.index("older")
    assert "older" not in page(alices.get("/bots/btc-trend-01/?tab=logs&level=WARNING"))


def test_a_lock_without_an_end_and_a_moment_out_of_range_are_dashes(browser_of, alice, trend):
    lock = {"lock_id": "3", "pair": "BTC/USDT", "side": "long", "reason": "", "from_ms": None, "until_ms": 10**19}
    a_reading(trend, "locks", {"locks": [lock]})

    assert cells(row(see(browser_of(alice), "locks"), "lock-3"))[2:] == ["–", "–", "–"]


def test_the_configuration_shows_what_changed_when(browser_of, alice, trend):
    older, newer = timezone.now() - timedelta(days=2), timezone.now() - timedelta(days=1)
    ConfigVersion.objects.create(bot=trend, settings={"max_open_trades": 4}, changes=[], seen_at=older)
    change = {"name": "max_open_trades", "before": 4, "after": 5}
    ConfigVersion.objects.create(bot=trend, settings={"max_open_trades": 5}, changes=[change], seen_at=newer)
    shown = see(browser_of(alice), "configuration")

    assert cells(row(shown, "max_open_trades")) == ["max_open_trades", "5"]
    assert "1 changed max_open_trades 4 → 5" in text(shown)


def test_of_a_changed_list_the_configuration_says_what_came_and_what_went(browser_of, alice, trend):
    change = {"name": "pairs.blacklist", "before": ["A/USDT", "B/USDT"], "after": ["B/USDT", "C/USDT"]}
    gone = {"name": "old", "before": True, "after": None}
    settings = {"pairs.blacklist": ["B/USDT", "C/USDT"]}
    ConfigVersion.objects.create(bot=trend, settings=settings, changes=[change, gone], seen_at=timezone.now())
    shown = text(see(browser_of(alice), "configuration"))

    assert "pairs.blacklist + C/USDT − A/USDT" in shown
    assert "old true → –" in shown
    assert "pairs.blacklist B/USDT, C/USDT" in shown


def test_every_change_of_the_configuration_can_be_reached(browser_of, alice, trend):
    now = timezone.now()
    for number in range(60):
        change = {"name": "max_open_trades", "before": number, "after": number + 1}
        ConfigVersion.objects.create(
            bot=trend,
            settings={"max_open_trades": number + 1},
            changes=[change],
            seen_at=now + timedelta(seconds=number),
        )

    assert "max_open_trades 59 → 60" in text(see(browser_of(alice), "configuration"))
    assert "max_open_trades 0 → 1" in text(page(browser_of(alice).get("/bots/btc-trend-01/?tab=configuration&page=2")))


def test_the_connection_says_which_secrets_are_set_and_never_what_they_are(browser_of, alice, trend):
    trend.status.polls, trend.status.polls_failed = 200, 5
    trend.status.save()
    shown = see(browser_of(alice), "connection")
    words = text(shown)

    assert "Address http://10.8.0.12:8080 User name freqtrader Password set Websocket token not set" in words
    assert "Error rate 2.50 % 5 of 200 polls" in words
    assert cells(row(shown, "profit"))[:2] == ["Profit", "1 min"]
    assert "sealed-text" not in shown


def test_only_a_manager_sees_what_changes_the_connection(browser_of, alice, bob, trend):
    acts = ["/bots/btc-trend-01/edit/", "/bots/btc-trend-01/retire/", "/bots/btc-trend-01/pause/"]

    alices, bobs = see(browser_of(alice)), see(browser_of(bob))
    assert all(act in alices for act in acts)
    assert not any(act in bobs for act in acts)


def test_hostile_words_in_what_was_read_are_shown_as_words(browser_of, alice, trend):
    evil = "<script>alert(1)</script>"
    lock = {"lock_id": evil, "pair": evil, "side": evil, "reason": evil, "from_ms": MS, "until_ms": MS}
    coin = {"currency": evil, "free": "1", "used": "1", "total": "1", "value": "1", "bot_value": "1"}
    a_reading(trend, "locks", {"locks": [lock]})
    a_reading(trend, "logs", {"lines": [{"at_ms": MS, "logger": evil, "level": evil, "message": evil}]})
    a_reading(trend, "whitelist", {"pairs": [evil], "methods": [evil]}, error=evil)
    a_reading(trend, "balance", {"currency": "USDT", "currencies": [coin], "note": evil})
    a_reading(trend, "profit", {"currency": evil, "best_pair": evil})
    change = {"name": evil, "before": evil, "after": [evil]}
    ConfigVersion.objects.create(bot=trend, settings={evil: [evil]}, changes=[change], seen_at=timezone.now())
    alices = browser_of(alice)

    for tab in ("locks", "logs", "pairlists", "balance", "performance", "configuration"):
        shown = see(alices, tab)
        assert "<script>alert" not in shown, tab
        assert "&lt;script&gt;alert" in shown, tab
