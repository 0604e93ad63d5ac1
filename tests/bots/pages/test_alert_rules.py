"""The team's rules on their page: Alice makes and changes them in percent and minutes, Bob reads them."""

import pytest
from django.utils import timezone

from bots.domain import alerts as acts
from bots.domain.alerts import rules_of, save_rule
from bots.models import AlertRule, AuditEntry, Bot
from tests.bots.pages.reading import page, row, text

TYPED = {"name": "Deep red", "severity": "error", "p-ratio": "12.5", "enabled": "on", "mode": "live"}


@pytest.fixture
def rules(alice, alpha):
    return {rule.kind: rule for rule in rules_of(alice, alpha)}


def test_a_team_begins_with_rules_and_the_page_says_their_limits_with_units(browser_of, bob, rules):
    shown = page(browser_of(bob).get("/team/alpha/alerts/"))

    assert "Drawdown Error Below its highest by 20 % all bots" in text(row(shown, f"rule-{rules['drawdown'].pk}"))
    assert "Not answered for 5 min" in text(row(shown, f"rule-{rules['unreachable'].pk}"))
    assert "Bot not running off" in text(row(shown, f"rule-{rules['stopped'].pk}"))
    assert "Add rule" not in text(shown)
    assert "/switch/" not in shown


def test_alice_adds_a_rule_in_percent_and_it_is_kept_as_a_ratio(browser_of, alice, bot, rules):
    browser = browser_of(alice)
    assert "Below its highest by" in text(page(browser.get("/team/alpha/alerts/new/?kind=drawdown")))

    browser.post("/team/alpha/alerts/new/", {**TYPED, "kind": "drawdown", "bot": bot.slug, "remind_hours": "6"})

    made = AlertRule.objects.get(name="Deep red")
    assert (made.params, made.bot, made.mode, made.remind_hours) == ({"ratio": "0.125"}, bot, "live", 6)
    shown = text(row(page(browser.get("/team/alpha/alerts/")), f"rule-{made.pk}"))
    assert "Below its highest by 12.5 % btc-trend-01 LIVE only, reminds every 6 h" in shown
    assert AuditEntry.objects.get(action="alert_rule_made").subject == "Deep red"


def test_the_form_shows_a_rule_as_it_is_and_keeps_what_was_not_touched(browser_of, alice, rules):
    drawdown = rules["drawdown"]
    shown = page(browser_of(alice).get(f"/team/alpha/alerts/{drawdown.pk}/"))
    assert 'name="p-ratio" value="20"' in shown

    browser_of(alice).post(f"/team/alpha/alerts/{drawdown.pk}/", {**TYPED, "p-ratio": "20", "mode": ""})
    drawdown.refresh_from_db()
    assert (drawdown.name, drawdown.params, drawdown.enabled) == ("Deep red", {"ratio": "0.2"}, True)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"p-ratio": "120"}, "0.1 to 100 %"),
        ({"p-ratio": "much"}, "0.1 to 100 %"),
        ({"remind_hours": "often"}, "A whole number of hours, or nothing"),
        ({"bot": "btc-trend-01", "tag": "majors"}, "Either one bot or a tag"),
        ({"severity": "loud"}, "One of info, warning, error"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(browser_of, alice, bot, rules, typed, words):
    answer = browser_of(alice).post("/team/alpha/alerts/new/", {**TYPED, "kind": "drawdown", **typed})

    assert answer.status_code == 422
    assert f'<span class="field__error">{words}' in answer.content.decode().replace(' id="e-name"', "")
    assert 'value="Deep red"' in answer.content.decode()
    assert not AlertRule.objects.filter(name="Deep red").exists()


def test_a_rule_is_switched_off_and_on_and_nothing_else_about_it_changes(browser_of, alice, rules):
    stale, browser = rules["stale"], browser_of(alice)
    before = (stale.name, stale.params, stale.severity)
    browser.post(f"/team/alpha/alerts/{stale.pk}/switch/")
    stale.refresh_from_db()
    assert stale.enabled is False

    browser.post(f"/team/alpha/alerts/{stale.pk}/switch/", {"enabled": "on"})
    stale.refresh_from_db()
    assert (stale.enabled, (stale.name, stale.params, stale.severity)) == (True, before)


def test_a_rule_about_a_retired_bot_can_be_switched_off_and_keeps_its_bot(browser_of, alice, bot, rules):
    rule, browser = rules["stale"], browser_of(alice)
    AlertRule.objects.filter(pk=rule.pk).update(bot=bot)
    Bot.objects.filter(pk=bot.pk).update(retired_at=timezone.now())
    assert f'<option value="{bot.slug}" selected>' in page(browser.get(f"/team/alpha/alerts/{rule.pk}/"))
    browser.post(f"/team/alpha/alerts/{rule.pk}/switch/")
    rule.refresh_from_db()
    assert (rule.enabled, rule.bot) == (False, bot)


def test_of_two_who_work_at_one_rule_the_later_hears_that_it_is_gone(browser_of, alice, rules, monkeypatch):
    stale, browser = rules["stale"], browser_of(alice)
    monkeypatch.setattr(acts, "save_rule", lambda *a: stale.delete() and save_rule(*a))
    answer = browser.post(f"/team/alpha/alerts/{stale.pk}/", {**TYPED, "p-minutes": "5"}, follow=True)
    assert "Deep red: Somebody has removed this rule." in text(answer.content.decode())


def test_a_removed_rule_is_gone_and_audited(browser_of, alice, rules):
    browser_of(alice).post(f"/team/alpha/alerts/{rules['stale'].pk}/remove/")

    assert not AlertRule.objects.filter(kind="stale").exists()
    assert AuditEntry.objects.get(action="alert_rule_removed").actor == "alice"


def test_every_kind_has_a_form(browser_of, alice, rules):
    browser = browser_of(alice)
    for kind in rules:
        assert browser.get(f"/team/alpha/alerts/new/?kind={kind}").status_code == 200, kind
    assert browser.get("/team/alpha/alerts/new/?kind=weather").status_code == 404
    assert "Drawdown" in page(browser.get("/team/alpha/alerts/new/"))


def test_bob_who_may_only_look_is_led_back_to_the_list(browser_of, bob, rules):
    assert browser_of(bob).get(f"/team/alpha/alerts/{rules['stale'].pk}/")["Location"] == "/team/alpha/alerts/"
    assert browser_of(bob).get("/team/alpha/alerts/new/").status_code == 403
