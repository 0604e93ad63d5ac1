"""The home page: every bot of one's teams with its figures, their sums, and how old all of it is."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.bots.pages.reading import cells, page, region, row, steady, text
from tests.builders import a_bot, a_trade, member


@pytest.fixture
def trend(alpha):
    figures = {
        "open_count": 2,
        "unrealized": Decimal("13.09"),
        "unrealized_ratio": Decimal("0.0027"),
        "balance": Decimal("24310.554"),
        "max_drawdown_ratio": Decimal("0.068"),
    }
    bot = a_bot(alpha, "btc-trend-01", tags=["trend", "majors"], status=figures)
    a_trade(bot, "100.125")
    a_trade(bot, "-2.005")
    return bot


def test_alice_reads_every_figure_of_a_bot_with_its_sign_unit_and_decimals(browser_of, alice, trend):
    home = page(browser_of(alice).get("/"))

    name, mode, state, slots, unrealized, currency, today, week, everything, _, wins, balance, fall, system = cells(
        row(home, "btc-trend-01")
    )
    assert name == "btc-trend-01 trend majors"
    assert mode == "LIVE"
    assert state.startswith("Running")
    assert slots == "2 / 5"
    assert unrealized == "+0.27 % (+13.09 USDT)"
    assert currency == "USDT"
    assert (today, week, everything) == ("+98.12", "+98.12", "+98.12")
    assert wins == "1 / 1 50.0 %"
    assert balance == "24310.55"
    assert fall == "−6.8 %"
    assert system == "Freqtrade 2026.9"


def test_a_balance_that_is_older_than_its_row_says_so(browser_of, alice, alpha):
    now = timezone.now()
    old = {"balance_at": now - timedelta(minutes=47), "profit_at": now, "max_drawdown_ratio": Decimal("0.068")}
    a_bot(alpha, "half", status=old)
    a_bot(alpha, "whole", status={"balance_at": now, "profit_at": now})
    home = page(browser_of(alice).get("/"))
    assert cells(row(home, "half"))[11:13] == ["1000.00 47 min", "−6.8 %"]
    assert cells(row(home, "whole"))[11] == "1000.00"
    bot = text(page(browser_of(alice).get("/bots/half/")))
    assert "managed by the bot, 47 min old" in bot
    assert "the largest, 0 s old" in bot


def test_the_same_bot_in_two_teams_is_named_to_who_sees_both(browser_of, alice, bob, alpha, beta):
    at = {"connection": {"url": "http://10.8.0.12:8080", "username": "freqtrader"}}
    a_bot(alpha, "ours", **at)
    a_bot(beta, "theirs", connection={"url": "http://10.8.0.12:8080/api/v1/", "username": "other"})
    a_bot(beta, "another", connection={"url": "http://10.8.0.13:8080", "username": "freqtrader"})
    assert "Counted more than once" not in text(page(browser_of(bob).get("/")))
    member(bob, beta)
    home = text(page(browser_of(bob).get("/")))
    assert "Counted more than once · the same bot in several teams: ours (Alpha) = theirs (Beta) " in home


def test_a_loss_is_red_with_a_true_minus_and_a_zero_has_no_sign(browser_of, alice, alpha):
    a_trade(a_bot(alpha, "loser"), "-0.6")
    a_trade(a_bot(alpha, "even", status={"stake_currency": "BTC"}), "0")
    home = page(browser_of(alice).get("/"))

    assert '<span class="num down"><span class="num__i">−0</span><span class="num__f">.60</span></span>' in row(
        home, "loser"
    )
    assert cells(row(home, "even"))[6] == "0.00000000"


def test_unlike_currencies_and_live_and_dry_have_a_line_each(browser_of, alice, alpha):
    a_trade(a_bot(alpha, "one"), "5")
    a_trade(a_bot(alpha, "two"), "2.5")
    a_trade(a_bot(alpha, "sats", status={"stake_currency": "BTC"}), "0.001")
    a_trade(a_bot(alpha, "lab", status={"mode": "dry"}), "100")
    strip = text(page(browser_of(alice).get("/")).replace('</span><span class="num__f">', ""))

    assert "Today LIVE live USDT +7.50 USDT BTC +0.00100000 DRY USDT +100.00" in strip
    assert "107.5" not in strip


def test_a_figure_the_bot_never_gave_is_a_dash_and_never_zero(browser_of, alice, alpha):
    never = {"state": "unknown", "mode": "", "stake_currency": "", "seen_at": None, "open_count": None}
    a_bot(alpha, "newcomer", status={**never, "unrealized": None, "balance": None, "slots": None})
    shown = row(page(browser_of(alice).get("/")), "newcomer")

    written = cells(shown)
    assert written[2] == "Not seen yet never seen"
    assert written[3:5] == ["– / –", "–"]
    assert written[6:9] == ["–", "–", "–"]
    assert 'title="the bot has not given this figure"' in shown
    assert ">0<" not in shown


def test_a_silent_bot_keeps_its_figures_greyed_with_their_age_and_the_totals_are_marked(browser_of, alice, trend):
    trend.status.seen_at = timezone.now() - timedelta(minutes=47, seconds=5)
    trend.status.state, trend.status.last_error = "offline", "Connection refused"
    trend.status.save()
    home = page(browser_of(alice).get("/"))
    shown = row(home, "btc-trend-01")

    assert 'class="row--stale"' in shown
    assert cells(shown)[2] == "Offline 47 min"
    assert 'title="Connection refused"' in shown
    assert cells(shown)[4] == "+0.27 % (+13.09 USDT)"
    assert 'class="stale-mark" title="Counted as last seen: btc-trend-01"' in home
    assert "0 of 1 fresh · oldest 47 min" in text(home)


def test_a_fresh_fleet_carries_no_mark(browser_of, alice, trend):
    home = page(browser_of(alice).get("/"))

    assert "stale-mark" not in home
    assert "1 of 1 fresh" in text(home)


def order(home, *names):
    return sorted(names, key=lambda name: home.index(f'data-key="{name}"'))


def test_the_url_sorts_by_any_column_and_the_heading_says_so(browser_of, alice, alpha):
    for name, profit in (("aaa", "1"), ("bbb", "3"), ("ccc", "2")):
        a_trade(a_bot(alpha, name), profit)
    alices = browser_of(alice)

    assert order(page(alices.get("/?sort=-today")), "aaa", "bbb", "ccc") == ["bbb", "ccc", "aaa"]
    rising = page(alices.get("/?sort=today"))
    assert order(rising, "aaa", "bbb", "ccc") == ["aaa", "ccc", "bbb"]
    assert '<th scope="col" class="r" aria-sort="ascending"><a href="/?sort=-today">Today</a></th>' in rising


def test_a_filter_stays_in_the_links_that_sort(browser_of, alice, alpha):
    a_bot(alpha, "trendy", tags=["trend"])
    a_bot(alpha, "other", tags=["grid"])
    home = page(browser_of(alice).get("/?tag=trend&sort=name"))

    assert 'data-key="trendy"' in home
    assert 'data-key="other"' not in home
    assert "/?tag=trend&amp;sort=-today" in home
    assert '<option value="trend" selected>' in home


def test_a_filter_without_a_match_says_so_and_offers_to_clear(browser_of, alice, trend):
    home = page(browser_of(alice).get("/?q=nothing-like-it"))

    assert "No bot matches" in home
    assert 'href="/">Clear filters' in home


def test_an_empty_fleet_tells_a_manager_to_add_a_bot_and_a_viewer_to_wait(browser_of, alice, bob):
    assert 'href="/bots/add/">Add bot' in page(browser_of(alice).get("/"))
    bobs = page(browser_of(bob).get("/"))
    assert "A manager of your team adds them" in bobs
    assert "/bots/add/" not in bobs


def test_hostile_words_of_a_bot_are_shown_as_words(browser_of, alice, alpha):
    evil = '<script>alert("x")</script>'
    words = {"last_error": evil, "strategy": evil, "version": evil, "exchange": evil, "stake_currency": "<b>X"}
    bot = a_bot(alpha, "evil", tags=[evil], status=words)
    a_trade(bot, "1", pair=evil, enter_tag=evil, exit_reason=evil)
    alices = browser_of(alice)

    for path in (
        "/",
        "/bots/evil/",
        "/bots/evil/?tab=closed",
        "/bots/evil/?tab=performance",
        "/trades/?status=closed",
        "/team/",
    ):
        shown = page(alices.get(path))
        assert "<script>alert" not in shown, path
        assert "&lt;script&gt;" in shown, path
        assert "<b>X" not in shown, path


def test_the_fragment_is_what_the_page_contains(browser_of, alice, trend):
    alices = browser_of(alice)
    fragment = page(alices.get("/?fragment=fleet&sort=-today"))

    assert "<html" not in fragment
    assert steady(region(fragment, "fleet")) == steady(region(page(alices.get("/?sort=-today")), "fleet"))
    assert "fragment" not in fragment


def test_the_title_and_the_navigation_count_open_trades(browser_of, alice, trend):
    a_trade(trend)
    a_trade(trend)
    home = page(browser_of(alice).get("/"))

    assert "<title>(2) Fleet · Portal</title>" in home
    assert 'data-title="(2) Fleet · Portal" data-open-trades="2"' in home


def queries_of(browser, path):
    with CaptureQueriesContext(connection) as asked:
        page(browser.get(path))
    return len(asked)


@pytest.mark.parametrize("path", ["/", "/trades/", "/trades/?status=closed", "/team/"])
def test_more_bots_cost_no_more_queries(browser_of, alice, alpha, path):
    def add(number):
        bot = a_bot(alpha, f"bot-{number}")
        a_trade(bot, "1")
        a_trade(bot)

    alices = browser_of(alice)
    add(1)
    queries_of(alices, path)  # the first asks once whether anybody was set up
    few = queries_of(alices, path)
    for number in range(2, 12):
        add(number)
    assert queries_of(alices, path) == few
