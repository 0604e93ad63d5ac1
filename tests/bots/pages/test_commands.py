"""What was asked, where it is shown, and the acts on one command."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from bots.domain.audit import anchor_head
from bots.models import Command, FourEyes
from tests.bots.pages.asking import ALL_ACTIONS, confirmed, exit_of, only_command
from tests.bots.pages.reading import page, row, text
from tests.builders import a_bot, a_trade


def test_the_row_it_was_asked_from_shows_how_far_it_has_come(browser_of, dana, trade):
    browser = browser_of(dana)
    confirmed(browser, exit_of(trade), reason="flat")
    command = only_command()

    listed = row(page(browser.get("/trades/")), f"trade-{trade.pk}")
    assert f'href="/commands/{command.pk}/"' in listed
    assert '<span class="now">asked</span>' in listed
    assert "/do/force_exit/" not in listed
    fleet = row(page(browser.get("/")), trade.bot.slug)
    assert '<span class="now">asked</span>' in fleet

    Command.objects.update(state="refused", ended_at=timezone.now(), sent_at=timezone.now(), outcome={"words": "No!"})
    listed = row(page(browser.get("/trades/")), f"trade-{trade.pk}")
    assert '<span class="no">refused</span>' in listed
    assert "/do/force_exit/" in listed


def test_an_ended_command_leaves_the_row_after_ten_minutes_and_an_unknown_one_stays(browser_of, dana, trade):
    browser = browser_of(dana)
    confirmed(browser, exit_of(trade), reason="flat")
    long_ago = timezone.now() - timedelta(minutes=11)

    Command.objects.update(state="done", requested_at=long_ago, sent_at=long_ago, ended_at=long_ago)
    assert "/commands/" not in row(page(browser.get("/trades/")), f"trade-{trade.pk}")

    Command.objects.update(state="unknown", ended_at=None)
    assert '<span class="what">unknown</span>' in row(page(browser.get("/trades/")), f"trade-{trade.pk}")


def test_the_list_of_commands_answers_who_what_where_when_and_why(browser_of, dana, bob, charlie, trade):
    confirmed(browser_of(dana), exit_of(trade), reason="CPI at 13:30")
    command = only_command()

    shown = text(row(page(browser_of(bob).get("/commands/")), f"command-{command.pk}"))
    for words in (
        "Force exit BTC/USDT #1113",
        "btc-trend-01",
        "LIVE",
        "dana trader",
        "CPI at 13:30",
        "+1.12 %",
        "asked",
    ):
        assert words in shown
    assert "btc-trend-01" not in page(browser_of(charlie).get("/commands/"))
    assert browser_of(charlie).get(f"/commands/{command.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("action=force_exit", True),
        ("action=stop", False),
        ("state=under_way", True),
        ("state=done", False),
        ("actor=dana", True),
        ("actor=alice", False),
        ("q=cpi", True),
        ("q=btc-trend", True),
        ("q=ETH", False),
        ("mode=live", True),
        ("mode=dry", False),
        ("bot=btc-trend-01", True),
        ("from=2020-01-01&to=2020-01-02", False),
    ],
)
def test_commands_are_filtered_by_the_address(browser_of, dana, trade, asked, found):
    confirmed(browser_of(dana), exit_of(trade), reason="CPI at 13:30")

    markup = page(browser_of(dana).get(f"/commands/?{asked}"))

    assert (f"command-{only_command().pk}" in markup) is found


def test_a_filter_nobody_knows_is_named(browser_of, dana):
    answer = browser_of(dana).get("/commands/?state=sideways")

    assert answer.status_code == 400
    assert "state: one of" in text(answer.content.decode())


def test_an_unknown_one_says_what_to_look_at_and_is_closed_with_a_remark(browser_of, dana, bob, trade):
    browser = browser_of(dana)
    confirmed(browser, exit_of(trade), reason="flat")
    command = only_command()
    Command.objects.update(state="unknown", sent_at=timezone.now(), code="lost_answer")

    shown = page(browser.get(f"/commands/{command.pk}/"))
    assert "What to look at" in shown
    assert "nav__count--attention" in shown
    assert re.search(r"data-attention[^>]*>1<", shown)
    assert "/close/" not in page(browser_of(bob).get(f"/commands/{command.pk}/"))
    assert browser_of(bob).post(f"/commands/{command.pk}/close/", {"remark": "looks fine"}).status_code == 403
    assert only_command().state == "unknown"

    browser.post(f"/commands/{command.pk}/close/", {"remark": "Sold at 07:01"})
    assert (only_command().state, only_command().remark) == ("closed", "Sold at 07:01")
    assert "Sold at 07:01" in page(browser.get(f"/commands/{command.pk}/"))


def test_what_is_not_sent_yet_is_taken_back(browser_of, dana, trade):
    browser = browser_of(dana)
    confirmed(browser, exit_of(trade), reason="flat")
    command = only_command()
    assert "Take it back" in page(browser.get(f"/commands/{command.pk}/"))

    browser.post(f"/commands/{command.pk}/cancel/")

    assert only_command().state == "cancelled"
    shown = text(page(browser.get(f"/commands/{command.pk}/")))
    assert "dana: asked" in shown
    assert "dana: taken back" in shown


def test_the_page_of_a_filled_exit_says_what_it_cost(browser_of, dana, trade):
    confirmed(browser_of(dana), exit_of(trade), reason="flat")
    fill = {"close_rate": "110700.1", "profit_abs": "17.51", "profit_ratio": "0.0108", "currency": "USDT"}
    fill |= {"slippage_ratio": "-0.000165", "seconds": 2.4}
    Command.objects.update(
        state="done", sent_at=timezone.now(), outcome={"words": "Created exit order", "effect": "filled", "fill": fill}
    )

    shown = text(page(browser_of(dana).get(f"/commands/{only_command().pk}/")))

    assert "Profit realized +17.51 USDT" in shown
    assert "Close rate 110700 .1" in shown
    assert "−0 .02 %" in shown
    assert "Created exit order" in shown


def test_the_bots_own_tab_and_the_trades_page_list_their_commands(browser_of, dana, trade, alpha):
    other = a_trade(a_bot(alpha, "other", status={"capabilities": ALL_ACTIONS}))
    confirmed(browser_of(dana), exit_of(trade), reason="flat")
    key = f"command-{only_command().pk}"

    assert key in page(browser_of(dana).get(f"/bots/{trade.bot.slug}/?tab=commands"))
    assert key in page(browser_of(dana).get(f"/trades/{trade.pk}/"))
    assert key not in page(browser_of(dana).get("/bots/other/?tab=commands"))
    assert key not in page(browser_of(dana).get(f"/trades/{other.pk}/"))


def test_the_audits_own_page_is_filtered_verified_and_taken_along(browser_of, alice, dana, trade):
    confirmed(browser_of(dana), exit_of(trade), reason="CPI at 13:30")
    number = only_command().pk
    traders, managers = browser_of(dana), browser_of(alice)

    shown = page(traders.get("/audit/?action=command_&q=CPI"))
    assert f"command {number} CPI at 13:30" in text(shown)
    assert "/api/v1/audit/export.csv?action=command_&amp;q=CPI" in shown
    assert "Verify now" not in shown
    assert traders.post("/audit/").status_code == 403

    anchor_head()  # the commit's work: this test has none
    assert "Chain complete. 1 entries, none altered or missing" in text(page(managers.post("/audit/")))
    assert "No entry matches" in text(page(managers.get("/audit/?q=nobody+wrote+this")))
    assert managers.get("/audit/?from=yesterday").status_code == 400


def test_the_page_of_an_entry_says_what_was_bought_and_nothing_of_an_exit(browser_of, dana, trade):
    confirmed(browser_of(dana), exit_of(trade), reason="flat")
    command = only_command()
    bought = {"open_rate": "109404.5", "amount": "0.0147", "stake_amount": "1608.25", "currency": "USDT"}
    Command.objects.update(action="force_enter", state="done", outcome={"fill": bought, "trade_id": "1114"})

    shown = page(browser_of(dana).get(f"/commands/{command.pk}/"))
    figures = text(shown[shown.index('<dl class="figrow"') : shown.index("</dl>")]).replace(" .", ".")
    assert "Open rate 109404.5 of BTC/USDT #1113 Amount bought 0.0147 trade 1114" in figures
    assert figures.endswith("Stake 1608.25 USDT what it cost")
    assert "Profit realized" not in shown
    assert "Slippage" not in shown


def test_alice_approves_or_declines_below_the_sentence_that_says_what_waits(browser_of, alice, alpha, dana, trade):
    FourEyes.objects.create(team=alpha, actions=["force_exit"], wait_minutes=10)
    confirmed(browser_of(dana), exit_of(trade), reason="flat")
    shown = page(browser_of(alice).get(f"/commands/{only_command().pk}/"))

    assert "Approve: Force exit BTC/USDT #1113 on btc-trend-01" in text(shown)
    assert "Take it back" not in shown
