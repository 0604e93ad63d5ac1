"""Trades of all bots a person may see: open with what moves, closed with what they brought."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.domain.events import Happened, record
from tests.bots.pages.reading import cells, page, region, row, steady, text
from tests.builders import a_bot, a_trade, moving


@pytest.fixture
def trend(alpha):
    return a_bot(alpha, "btc-trend-01")


@pytest.fixture
def sats(alpha):
    return a_bot(alpha, "sats", status={"mode": "dry", "stake_currency": "BTC"}, tags=["lab"])


def test_open_trades_are_summed_per_mode_and_currency_and_never_across(browser_of, alice, trend, sats):
    for bot, profit in ((trend, "10.5"), (trend, "-3.25"), (sats, "0.0002")):
        moving(a_trade(bot), profit=profit, ratio="0.01")
    shown = page(browser_of(alice).get("/trades/"))

    sums = text(shown[shown.index("<dl") : shown.index("</dl>")])
    assert sums == "LIVE USDT 2 open +7.25 USDT DRY BTC 1 open +0.00020000 BTC"
    assert "Open 3 Closed 0" in text(shown)


def test_an_open_trade_without_a_figure_is_not_in_the_sum_and_the_sum_says_so(browser_of, alice, trend):
    moving(a_trade(trend), profit="10", ratio="0.01")
    nameless = a_trade(trend)
    shown = page(browser_of(alice).get("/trades/"))

    assert 'title="1 of 2 trades have no figure and are not in the sum"' in shown
    assert "+10.00 USDT" in text(shown)
    assert cells(row(shown, f"trade-{nameless.pk}"))[4] == "–"


def test_a_silent_bots_open_trade_is_grey_with_its_age(browser_of, alice, trend):
    trade = a_trade(trend)
    moving(trade, profit="10", ratio="0.01")
    trend.status.seen_at = timezone.now() - timedelta(minutes=47, seconds=2)
    trend.status.save()
    shown = row(page(browser_of(alice).get("/trades/")), f"trade-{trade.pk}")

    assert 'class="row--stale"' in shown
    assert cells(shown)[-1] == "47 min"
    assert cells(shown)[4] == "+1.00 % (+10.00 USDT)"


def test_open_trades_sort_by_what_moves_those_without_a_figure_last(browser_of, alice, trend):
    for pair, ratio in (("AAA/USDT", "0.01"), ("BBB/USDT", "0.03"), ("CCC/USDT", "-0.02")):
        moving(a_trade(trend, pair=pair), profit="1", ratio=ratio)
    a_trade(trend, pair="DDD/USDT")
    shown = page(browser_of(alice).get("/trades/?sort=-profit_ratio"))

    pairs = [f"{name}/USDT" for name in ("BBB", "AAA", "CCC", "DDD")]
    assert sorted(pairs, key=shown.index) == pairs


def test_closed_trades_say_what_they_brought(browser_of, alice, trend):
    closed = datetime(2026, 11, 20, 5, 12, 40, tzinfo=UTC)
    trade = a_trade(trend, "32.81", ratio="0.0204", pair="SOL/USDT", close_date=closed, trade_id="1109")
    shown = page(browser_of(alice).get("/trades/?status=closed"))

    bot, mode, pair, side, profit, _, _, rates, reason, when = cells(row(shown, f"trade-{trade.pk}"))
    assert (bot, mode, pair, side) == ("btc-trend-01 ema_pull", "LIVE", "SOL/USDT 1109", "Long")
    assert (profit, rates, reason) == ("+2.04 % (+32.81 USDT)", "101000 100000", "roi")
    assert when == "2026-11-20 05:12:40 open 2 h 0 min"
    assert "LIVE USDT 1 closed +32.81 USDT" in text(shown)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("bot=sats", {"AAA"}),
        ("side=short", {"BBB"}),
        ("pair=ccc/usdt", {"CCC"}),
        ("mode=dry", {"AAA"}),
        ("exit_reason=stop_loss", {"CCC"}),
        ("q=mean", {"BBB"}),
        ("q=sats", {"AAA"}),
        ("q=4711", {"CCC"}),
        ("from=2026-11-02&to=2026-11-02", {"CCC"}),
    ],
)
def test_the_url_filters(browser_of, alice, trend, sats, filters, found):
    november = datetime(2026, 11, 1, 12, tzinfo=UTC)
    a_trade(sats, "1", pair="AAA/BTC", close_date=november)
    a_trade(trend, "1", pair="BBB/USDT", side="short", enter_tag="mean_lo", close_date=november)
    a_trade(
        trend, "1", pair="CCC/USDT", exit_reason="stop_loss", trade_id="4711", close_date=november + timedelta(days=1)
    )
    shown = region(page(browser_of(alice).get(f"/trades/?status=closed&{filters}")), "trades")

    assert {name for name in ("AAA", "BBB", "CCC") if f"{name}/" in shown} == found


def test_a_filter_the_page_does_not_know_is_named(browser_of, alice, trend):
    answer = browser_of(alice).get("/trades/?side=sideways")

    assert answer.status_code == 400
    assert "does not know: side: one of long, short" in text(answer.content.decode())


def test_fifty_trades_a_page_and_the_links_keep_the_filter(browser_of, alice, trend):
    for number in range(60):
        a_trade(trend, "1", trade_id=str(1000 + number))
    alices = browser_of(alice)
    first = page(alices.get("/trades/?status=closed&bot=btc-trend-01"))
    second = page(alices.get("/trades/?status=closed&bot=btc-trend-01&page=2"))

    assert first.count('data-key="trade-') == 50
    assert "1 to 50 of 60" in text(first)
    assert 'href="/trades/?status=closed&amp;bot=btc-trend-01&amp;page=2"' in first
    assert second.count('data-key="trade-') == 10


def test_the_fragment_is_what_the_page_contains(browser_of, alice, trend):
    moving(a_trade(trend), profit="10", ratio="0.01")
    alices = browser_of(alice)
    fragment, whole = page(alices.get("/trades/?fragment=trades")), page(alices.get("/trades/"))

    assert steady(region(fragment, "trades")) == steady(region(whole, "trades"))


def test_the_page_of_a_trade_tells_its_whole_story(browser_of, alice, trend):
    order = {
        "order_id": "a", "side": "buy", "kind": "limit", "status": "closed", "is_open": False, "rate": "100000.5",
        "amount": "0.01", "filled": "0.009", "remaining": "0.001", "cost": "900", "placed_ms": 1_790_000_000_000,
        "filled_ms": None, "tag": "entry",
    }  # fmt: skip
    trade = a_trade(
        trend, "-7.5", ratio="-0.0123", orders=[order], fee_open_ratio=Decimal("0.001"), exit_reason="stop_loss",
        funding_fees=Decimal("-0.25"), missing=[{"figure": "close_rate", "reason": "not a number"}],
    )  # fmt: skip
    shown = page(browser_of(alice).get(f"/trades/{trade.pk}/"))
    words = text(shown.replace('</span><span class="num__f">', ""))

    assert "BTC/USDT LIVE Long" in words
    assert "Profit −7.50 USDT −1.23 %" in words
    assert "Fee at entry 0.100 % Fee at exit – Funding fees −0.25 USDT" in words
    assert "close_rate not a number" in words
    assert cells(row(shown, "order-a")) == [
        "Buy limit · entry", "closed", "100000.5", "0.009 0.01", "900.00", "2026-09-21 14:13:20",
    ]  # fmt: skip


def test_moments_are_in_the_zone_the_person_chose_and_the_page_names_it(browser_of, alice, trend):
    alice.time_zone = "Asia/Tokyo"
    alice.save()
    trade = a_trade(trend, "1", close_date=datetime(2026, 11, 20, 20, 0, 5, tzinfo=UTC))
    shown = page(browser_of(alice).get("/trades/?status=closed&from=2026-11-20&to=2026-11-20"))

    assert cells(row(shown, f"trade-{trade.pk}"))[-1] == "2026-11-21 05:00:05 open 2 h 0 min"
    assert "Closed, Asia/Tokyo" in shown
    assert 'name="from" value="2026-11-20"' in " ".join(shown.split())


def test_a_trade_the_bot_no_longer_has_is_shown_as_gone_and_counted_nowhere(browser_of, alice, trend):
    trade = a_trade(trend, "10", gone_at=timezone.now())
    alices = browser_of(alice)

    assert "The bot no longer has this trade" in page(alices.get(f"/trades/{trade.pk}/"))
    assert f'data-key="trade-{trade.pk}"' not in page(alices.get("/trades/?status=closed"))


def test_the_page_of_a_trade_lists_what_happened_to_it_and_nothing_of_another(browser_of, alice, trend):
    mine, other = a_trade(trend, "5", pair="AAA/USDT"), a_trade(trend, pair="BBB/USDT")
    at = timezone.now()
    for trade, words in ((mine, "entered AAA/USDT"), (mine, "closed AAA/USDT"), (other, "entered BBB/USDT")):
        kind = "trade_closed" if words.startswith("closed") else "entry_filled"
        told = {"kind": kind, "team_id": trend.team_id, "bot_id": trend.pk, "trade_pk": trade.pk}
        record([Happened(**told, at=at, key=words, text=words)])
    shown = page(browser_of(alice).get(f"/trades/{mine.pk}/"))

    line = text(shown[shown.index('<ol class="timeline') : shown.index("</ol>")])
    assert [words in line for words in ("Entered AAA/USDT", "Closed AAA/USDT", "BBB/USDT")] == [True, True, False]
    assert "What happened" not in page(browser_of(alice).get(f"/trades/{a_trade(trend).pk}/"))
