"""Asking from the pages: the victim is named, a second click changes nothing, a stale page is refused."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.models import AuditEntry, BotStatus, Command
from tests.bots.pages.asking import ALL_ACTIONS, confirmed, exit_of, form_of, only_command
from tests.bots.pages.reading import page, row, text
from tests.builders import a_bot, a_trade

# --- What stands on a confirmation ---


def test_dana_reads_whom_she_is_about_to_exit(browser_of, dana, trade):
    shown = text(page(browser_of(dana).get(exit_of(trade))))

    assert "LIVE real money on binance" in shown
    assert "Force exit BTC/USDT on btc-trend-01" in shown
    assert "Trade 1113, open 2 h 0 min" in shown
    assert "Side Long no leverage" in shown
    assert "Amount 0 .014727" in shown
    assert "+1.12 % (+18.05 USDT)" in shown
    assert "Reason, kept in the audit" in shown
    assert "Cancel Exit BTC/USDT on btc-trend-01" in shown


def test_a_dry_bot_has_no_amber_band(browser_of, dana, alpha):
    dry = a_bot(alpha, "paper", status={"capabilities": ALL_ACTIONS, "mode": "dry"})

    shown = page(browser_of(dana).get(exit_of(a_trade(dry))))

    assert "dialog__live" not in shown
    assert "badge--dry" in shown


def test_the_dialog_is_the_same_partial_without_the_page_around_it(browser_of, dana, trade):
    partial = page(browser_of(dana).get(f"{exit_of(trade)}?fragment=confirm"))

    assert "<html" not in partial
    assert partial.lstrip().startswith('<div class="confirm" data-confirm>')


def test_cancel_has_the_focus_and_leads_back_to_the_trade(browser_of, dana, trade):
    assert f'href="/trades/{trade.pk}/" data-cancel autofocus>Cancel</a>' in page(browser_of(dana).get(exit_of(trade)))


def test_extras_stand_only_where_the_release_has_them(browser_of, dana, alpha):
    old = a_bot(alpha, "old", status={"capabilities": ["force_exit"], "version": "2021.6"})
    new = a_bot(alpha, "new", status={"capabilities": ["force_exit", "force_exit_partial"]})

    assert 'name="amount"' not in page(browser_of(dana).get(exit_of(a_trade(old))))
    markup = page(browser_of(dana).get(exit_of(a_trade(new, amount=Decimal("0.4")))))
    assert 'name="amount"' in markup
    assert 'data-value="0.10000000"' in markup  # 25 %
    assert 'name="price"' not in markup


def test_a_release_without_paused_state_says_how_its_pause_ends(browser_of, olga, alpha):
    old = a_bot(alpha, "old", status={"capabilities": ["stop_entry", "reload_config"], "version": "2021.6"})

    shown = text(page(browser_of(olga).get(f"/bots/{old.slug}/do/pause/")))

    assert "only reload config undoes it" in shown


# --- Asking ---


def test_an_exit_is_asked_with_what_stood_on_the_page(browser_of, dana, trade):
    answer = confirmed(browser_of(dana), exit_of(trade), reason="CPI at 13:30")

    command = only_command()
    assert (answer.status_code, answer["Location"]) == (302, f"/commands/{command.pk}/")
    assert (command.action, command.bot, command.trade, command.reason) == (
        "force_exit", trade.bot, trade, "CPI at 13:30",
    )  # fmt: skip
    assert command.params["expected"]["pair"] == "BTC/USDT"
    assert command.params["expected"]["amount"] == "0.014727"
    assert command.before["profit_abs"] == "18.05"
    assert command.address == "127.0.0.1"
    assert AuditEntry.objects.filter(action="command_asked", actor="dana").count() == 1


def test_a_double_click_and_a_resubmitted_form_are_one_command(browser_of, dana, trade):
    browser = browser_of(dana)
    form = form_of(page(browser.get(exit_of(trade)))) | {"reason": "flat"}

    places = {browser.post(exit_of(trade), form)["Location"] for _ in range(3)}

    assert places == {f"/commands/{only_command().pk}/"}


def test_a_form_that_was_sent_and_then_changed_is_refused_naming_what_it_brought(browser_of, dana, trade):
    browser = browser_of(dana)
    form = form_of(page(browser.get(exit_of(trade)))) | {"reason": "flat"}
    browser.post(exit_of(trade), form)

    again = browser.post(exit_of(trade), form | {"reason": "another one"})

    assert again.status_code == 409
    assert f"Command {only_command().pk}" in text(again.content.decode())


def test_a_second_exit_within_30_seconds_is_refused_and_may_be_insisted_on(browser_of, dana, trade):
    browser = browser_of(dana)
    confirmed(browser, exit_of(trade), reason="flat")
    first = only_command()

    refused = confirmed(browser, exit_of(trade), reason="flat, again")
    markup = refused.content.decode()
    assert refused.status_code == 409
    assert "Nothing was sent." in text(markup)
    assert f'name="insists_on" value="{first.pk}"' in markup
    assert Command.objects.count() == 1

    insisted = browser.post(exit_of(trade), form_of(markup) | {"reason": "flat", "insists_on": str(first.pk)})
    assert insisted.status_code == 302
    assert Command.objects.exclude(pk=first.pk).get().insists_on == first


def test_a_stale_page_is_refused_and_says_what_differs(browser_of, dana, trade):
    browser = browser_of(dana)
    form = form_of(page(browser.get(exit_of(trade))))
    trade.amount = Decimal("0.007")
    trade.save()

    refused = browser.post(exit_of(trade), form | {"reason": "flat"})

    shown = text(refused.content.decode())
    assert refused.status_code == 409
    assert "Amount 0.014727 → 0.007" in shown
    assert Command.objects.count() == 0
    # What stands there now is the trade as it is: confirming once more is a decision about that.
    assert browser.post(exit_of(trade), form_of(refused.content.decode()) | {"reason": "flat"}).status_code == 302


def test_a_trade_id_used_again_is_not_the_trade_that_was_confirmed(browser_of, dana, trade):
    browser = browser_of(dana)
    form = form_of(page(browser.get(exit_of(trade)))) | {"reason": "flat"}
    opened = timezone.now() - timedelta(seconds=5)
    a_trade(trade.bot, trade_id=trade.trade_id, pair="ETH/USDT", open_date=opened, amount=trade.amount)
    trade.is_open = False
    trade.save()

    refused = browser.post(exit_of(trade), form)

    assert refused.status_code == 409
    assert Command.objects.count() == 0


def test_a_reason_is_required_and_what_was_typed_stays(browser_of, dana, trade):
    refused = confirmed(browser_of(dana), exit_of(trade), amount="0.005")

    assert refused.status_code == 422
    assert 'value="0.005"' in refused.content.decode()
    assert "goes into the audit with its reason" in text(refused.content.decode())


def test_a_wrong_amount_is_told_at_its_field(browser_of, dana, trade):
    refused = confirmed(browser_of(dana), exit_of(trade), amount="-1", reason="flat")

    assert refused.status_code == 400
    assert "Must be above zero" in text(refused.content.decode())


def test_an_amount_the_release_cannot_take_is_refused_and_never_dropped(browser_of, dana, alpha):
    """Dropping it would exit the whole trade."""
    old = a_trade(a_bot(alpha, "old", status={"capabilities": ["force_exit"], "version": "2021.6"}))

    refused = confirmed(browser_of(dana), exit_of(old), amount="0.001", reason="half of it")

    assert refused.status_code == 422
    assert Command.objects.count() == 0


def test_exit_all_of_a_live_bot_wants_its_name_typed(browser_of, dana, bot, trade):
    browser, path = browser_of(dana), f"/bots/{bot.slug}/do/force_exit_all/"

    refused = confirmed(browser, path, reason="maintenance", typed="btc-trend")
    assert refused.status_code == 422
    assert "Type the name exactly as it stands: btc-trend-01" in text(refused.content.decode())
    assert Command.objects.count() == 0

    assert confirmed(browser, path, reason="maintenance", typed="btc-trend-01").status_code == 302
    assert [each["trade_id"] for each in only_command().before["trades"]] == ["1113"]


def test_exit_all_lists_every_trade_it_would_exit(browser_of, dana, bot, trade):
    second = a_trade(bot, pair="ETH/USDT")
    markup = page(browser_of(dana).get(f"/bots/{bot.slug}/do/force_exit_all/"))

    assert "BTC/USDT" in row(markup, f"victim-{trade.pk}")
    assert "ETH/USDT" in row(markup, f"victim-{second.pk}")


def test_a_pair_is_locked_until_the_moment_on_the_persons_clock(browser_of, olga, bot):
    olga.time_zone = "Europe/Berlin"
    olga.save()

    confirmed(browser_of(olga), f"/bots/{bot.slug}/do/lock_pair/", pair="DOGE/USDC", until="2027-01-27T00:00", side="*")

    assert only_command().params["until"] == "2027-01-26T23:00:00+00:00"


def test_several_pairs_are_blacklisted_one_on_a_line(browser_of, olga, bot):
    confirmed(browser_of(olga), f"/bots/{bot.slug}/do/blacklist_add/", pairs="DOGE/USDT, SHIB/USDT\nPEPE/USDT")

    assert only_command().params["pairs"] == ["DOGE/USDT", "SHIB/USDT", "PEPE/USDT"]


def test_a_dialog_gets_a_note_instead_of_another_page(browser_of, dana, trade):
    answer = confirmed(browser_of(dana), f"{exit_of(trade)}?fragment=confirm", reason="flat")

    assert answer.status_code == 201
    assert "btc-trend-01: Force exit BTC/USDT is asked" in text(answer.content.decode())


# --- Who may ---


@pytest.mark.parametrize(
    ("who", "status"), [("alice", 200), ("dana", 200), ("olga", 403), ("bob", 403), ("charlie", 404)]
)
def test_an_exit_is_for_traders_of_the_team(request, browser_of, who, status, trade):
    browser = browser_of(request.getfixturevalue(who))

    assert browser.get(exit_of(trade)).status_code == status
    assert browser.post(exit_of(trade), {"reason": "flat"}).status_code == {200: 302}.get(status, status)
    assert Command.objects.count() == (status == 200)


@pytest.mark.parametrize(("who", "status"), [("olga", 200), ("bob", 403), ("charlie", 404)])
def test_a_bot_is_paused_by_operators_of_the_team(request, browser_of, who, status, bot):
    assert browser_of(request.getfixturevalue(who)).get(f"/bots/{bot.slug}/do/pause/").status_code == status


def test_an_act_on_a_trade_has_no_page_at_the_bot_and_the_other_way_round(browser_of, dana, trade):
    browser = browser_of(dana)

    assert browser.get(f"/bots/{trade.bot.slug}/do/force_exit/").status_code == 404
    assert browser.get(exit_of(trade, "stop")).status_code == 404
    assert browser.get(f"/bots/{trade.bot.slug}/do/fly/").status_code == 404


def test_buttons_stand_where_the_role_allows(browser_of, alice, dana, olga, bob, trade):
    exit_link = f'href="/trades/{trade.pk}/do/force_exit/"'

    for path in ("/trades/", f"/trades/{trade.pk}/", f"/bots/{trade.bot.slug}/", f"/bots/{trade.bot.slug}/?tab=open"):
        assert exit_link in page(browser_of(dana).get(path)), path
        assert exit_link not in page(browser_of(olga).get(path)), path
        assert "/do/" not in page(browser_of(bob).get(path)), path
    assert f'href="/bots/{trade.bot.slug}/do/stop/"' in page(browser_of(olga).get(f"/bots/{trade.bot.slug}/"))
    assert "/do/" in page(browser_of(olga).get("/"))
    assert "/do/" not in page(browser_of(bob).get("/"))


def test_a_retired_or_paused_bot_has_no_buttons(browser_of, alice, bot, trade):
    bot.enabled = False
    bot.save()

    assert "/do/" not in page(browser_of(alice).get(f"/bots/{bot.slug}/"))
    assert "does not offer this now" in text(page(browser_of(alice).get(exit_of(trade))))
    assert browser_of(alice).post(exit_of(trade), {"reason": "flat"}).status_code == 409


def test_a_page_that_said_dry_asks_nothing_of_a_bot_that_is_live(browser_of, dana, trade):
    browser, path = browser_of(dana), f"/bots/{trade.bot.slug}/do/force_exit_all/"
    BotStatus.objects.update(mode="dry")
    stale = form_of(page(browser.get(path)))
    BotStatus.objects.update(mode="live")

    answer = browser.post(path, stale | {"reason": "flat"})

    assert answer.status_code == 409
    assert "mode was DRY and is LIVE" in text(answer.content.decode())
    assert form_of(answer.content.decode())["confirmed_mode"] == "live"
    assert not Command.objects.exists()


def test_a_mode_nobody_knows_counts_as_live(browser_of, dana, trade):
    BotStatus.objects.update(mode="")

    answer = confirmed(browser_of(dana), f"/bots/{trade.bot.slug}/do/force_exit_all/", reason="flat")

    assert answer.status_code == 422
    assert not Command.objects.exists()


def test_a_form_without_a_trades_facts_means_the_pages_own_trade(browser_of, dana, trade):
    a_trade(trade.bot, pair=trade.pair, trade_id=trade.trade_id, open_ms=trade.open_ms + 60_000)

    answer = browser_of(dana).post(exit_of(trade), {"reason": "flat", "key": "bare"})

    assert answer.status_code == 409
    assert not Command.objects.exists()


@pytest.mark.parametrize("number", ["9" * 5000, "0" * 5000, "٣", "-1", "12x"])
def test_what_is_no_commands_number_is_not_insisted_on(browser_of, dana, trade, number):
    answer = confirmed(browser_of(dana), exit_of(trade), reason="flat", insists_on=number)

    assert answer.status_code == 302
    assert only_command().insists_on is None
