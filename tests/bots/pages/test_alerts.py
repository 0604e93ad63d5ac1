"""Alerts on the pages: what is wrong stands first, Olga takes it on and mutes it, Bob only looks, Charlie sees none."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bots.domain.alerts import rules_of
from bots.models import Alert, AuditEntry, Maintenance, Mute
from tests.bots.pages.reading import page, row, text


@pytest.fixture
def unreachable(alice, alpha):
    return next(rule for rule in rules_of(alice, alpha) if rule.kind == "unreachable")


def an_alert(rule, bot, words="has not answered for 12 min", **values):
    given = {
        "kind": rule.kind,
        "severity": "error",
        "mode": "live",
        "since": timezone.now() - timedelta(minutes=12, seconds=5),
    }
    return Alert.objects.create(
        team=rule.team, rule=rule, bot=bot, key=f"{rule.pk} {bot} {words}", text=words,
        **{**given, **values},
    )  # fmt: skip


@pytest.fixture
def alert(unreachable, bot):
    measured = {"figure": "12", "limit": "5", "unit": "minutes", "age_seconds": 725}
    return an_alert(unreachable, bot, detail="Nothing listens at 10.8.0.12:8080", data=measured)


def test_the_list_names_bot_mode_severity_cause_and_since_when(browser_of, bob, alert):
    shown = text(row(page(browser_of(bob).get("/alerts/")), f"alert-{alert.pk}"))

    assert shown.startswith("Error btc-trend-01 has not answered for 12 min Nothing listens at 10.8.0.12:8080 LIVE")
    assert shown.endswith("12 min waits for somebody")


def test_what_stands_comes_first_and_what_is_over_has_its_own_list(browser_of, bob, alert, unreachable, bot):
    over = an_alert(unreachable, bot, "had no answer", cleared_at=timezone.now(), cleared_why="It answers again")
    browser = browser_of(bob)

    assert f"alert-{over.pk}" not in page(browser.get("/alerts/"))
    assert f"alert-{alert.pk}" not in page(browser.get("/alerts/?state=cleared"))
    both = page(browser.get("/alerts/?state=all"))
    assert both.index(f"alert-{alert.pk}") < both.index(f"alert-{over.pk}")
    assert "It answers again" in page(browser.get(f"/alerts/{over.pk}/"))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("severity=error", True),
        ("kind=stale", False),
        ("bot=btc-trend-01", True),
        ("bot=none", False),
        ("mode=dry", False),
    ],
)
def test_filters(browser_of, bob, alert, asked, found):
    assert (f"alert-{alert.pk}" in page(browser_of(bob).get(f"/alerts/?{asked}"))) is found


def test_an_address_the_page_does_not_know_says_so(browser_of, bob, alert):
    answer = browser_of(bob).get("/alerts/?severity=loud")
    assert answer.status_code == 400
    assert "severity: one of info, warning, error" in text(answer.content.decode())


def test_the_navigation_counts_what_nobody_has_taken_on(browser_of, bob, olga, alert, unreachable, bot):
    an_alert(unreachable, bot, "is away, too", acknowledged_at=timezone.now(), acknowledged_by_name="olga")

    assert 'title="alerts that nobody has taken on">1</span>' in page(browser_of(bob).get("/trades/"))


def test_the_page_of_one_says_figure_limit_and_age_with_their_units(browser_of, bob, alert):
    shown = text(page(browser_of(bob).get(f"/alerts/{alert.pk}/")))

    assert "Figure 12 min Limit 5 min Figure's age then 12 min" in shown
    assert "Take it on" not in shown
    assert "Mute" not in shown


def test_olga_takes_it_on_with_a_remark_that_everybody_reads(browser_of, olga, bob, alert):
    browser_of(olga).post(f"/alerts/{alert.pk}/acknowledge/", {"remark": "restarting the host"})

    shown = text(page(browser_of(bob).get(f"/alerts/{alert.pk}/")))
    assert "taken on by olga restarting the host" in shown
    entry = AuditEntry.objects.get(action="alert_acknowledged")
    assert (entry.actor, entry.bot, entry.details["remark"]) == ("olga", "btc-trend-01", "restarting the host")


def test_what_clears_by_itself_is_not_closed_by_hand_and_an_event_is(browser_of, olga, alert, unreachable, bot):
    browser = browser_of(olga)
    assert "/close/" not in page(browser.get(f"/alerts/{alert.pk}/"))
    refused = browser.post(f"/alerts/{alert.pk}/close/", follow=True)
    assert "It clears by itself when it is over" in text(page(refused))

    changed = an_alert(unreachable, bot, "runs another release", kind="version_changed")
    assert f"/alerts/{changed.pk}/close/" in page(browser.get(f"/alerts/{changed.pk}/"))
    browser.post(f"/alerts/{changed.pk}/close/", {"remark": "planned"})
    changed.refresh_from_db()
    assert (changed.state, changed.cleared_by_name, changed.remark) == ("cleared", "olga", "planned")


@pytest.mark.parametrize(
    ("scope", "of_rule", "of_bot"), [("both", True, True), ("bot", False, True), ("rule", True, False)]
)
def test_olga_mutes_for_eight_hours_what_she_chose(browser_of, olga, alert, scope, of_rule, of_bot):
    asked = {"alert": alert.pk, "rule": alert.rule_id, "bot": alert.bot.slug, "scope": scope, "hours": "8"}
    answer = browser_of(olga).post("/team/alpha/mutes/", {**asked, "reason": "weekend"})

    assert answer["Location"] == f"/alerts/{alert.pk}/"
    muted = Mute.objects.get()
    assert ((muted.rule_id == alert.rule_id), (muted.bot_id == alert.bot_id)) == (of_rule, of_bot)
    assert round((muted.until - timezone.now()).total_seconds() / 3600) == 8
    assert (muted.muted_by_name, muted.reason) == ("olga", "weekend")


def test_until_is_typed_in_the_persons_own_zone(browser_of, olga, alert):
    olga.time_zone = "America/New_York"
    olga.save()
    moment = (timezone.now() + timedelta(days=2)).replace(hour=17, minute=0)
    form = page(browser_of(olga).post("/team/alpha/mutes/", {"rule": alert.rule_id, "hours": ""}))
    assert "Until, America/New_York" in text(form)

    typed = {"rule": alert.rule_id, "hours": "", "until": f"{moment:%Y-%m-%d}T12:30"}
    browser_of(olga).post("/team/alpha/mutes/", typed)
    hours = {(muted.until.hour, muted.until.minute) for muted in Mute.objects.all()}
    assert hours <= {(16, 30), (17, 30)}  # summer or winter
    assert len(hours) == 1


def test_a_moment_that_was_typed_goes_before_the_hours_that_were_left(browser_of, olga, alice, alert, bot):
    browser_of(olga).post("/team/alpha/mutes/", {"rule": alert.rule_id, "hours": "8", "until": tomorrow_at_six()})
    window = {"bot": bot.slug, "hours": "1", "ends_at": tomorrow_at_six(), "reason": "new server"}
    browser_of(alice).post("/team/alpha/maintenance/", window)

    ends = [Mute.objects.get().until, Maintenance.objects.get().ends_at]
    assert [f"{end:%Y-%m-%dT%H:%M}" for end in ends] == [tomorrow_at_six()] * 2


def tomorrow_at_six():
    return f"{timezone.now() + timedelta(days=1):%Y-%m-%d}T18:00"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"hours": "", "until": "soon"}, "Date and time, as 2026-11-21 18:30"),
        ({"hours": "", "until": "2020-01-01T10:00"}, "A moment to come, at most 90 days from now"),
        ({"hours": "1", "rule": ""}, "Name a rule, a bot, or both"),
    ],
)
def test_a_mute_that_cannot_be_comes_back_with_the_cause(browser_of, olga, alert, typed, words):
    answer = browser_of(olga).post("/team/alpha/mutes/", {"rule": alert.rule_id, **typed})

    assert answer.status_code == 422
    assert words in text(answer.content.decode())
    assert not Mute.objects.exists()


def test_what_is_muted_stands_among_the_rules_and_is_lifted_there(browser_of, olga, bob, alert):
    browser_of(olga).post("/team/alpha/mutes/", {"rule": alert.rule_id, "hours": "1"})
    muted = Mute.objects.get()
    assert "/lift/" not in page(browser_of(bob).get("/team/alpha/alerts/"))
    assert f"/mutes/{muted.pk}/lift/" in page(browser_of(olga).get("/team/alpha/alerts/"))

    browser_of(olga).post(f"/team/alpha/mutes/{muted.pk}/lift/")
    muted.refresh_from_db()
    assert muted.ended_by_name == "olga"


def test_alice_plans_maintenance_and_the_bots_page_says_so(browser_of, alice, bob, bot):
    browser_of(alice).post("/team/alpha/maintenance/", {"bot": bot.slug, "hours": "1", "reason": "new server"})

    window = Maintenance.objects.get()
    assert (window.ends_at - window.starts_at) == timedelta(hours=1)
    assert "Maintenance until" in text(page(browser_of(bob).get("/bots/btc-trend-01/")))
    assert "planned by alice" in text(page(browser_of(bob).get("/bots/btc-trend-01/")))

    browser_of(alice).post(f"/team/alpha/maintenance/{window.pk}/end/")
    assert "Maintenance until" not in text(page(browser_of(bob).get("/bots/btc-trend-01/")))
    assert "ended by alice" in text(page(browser_of(bob).get("/team/alpha/maintenance/")))


def test_a_window_that_ends_before_it_starts_comes_back_as_typed(browser_of, alice):
    typed = {"starts_at": "2030-01-02T10:00", "hours": "", "ends_at": "2030-01-01T10:00", "reason": "upside down"}
    answer = browser_of(alice).post("/team/alpha/maintenance/", typed)
    shown = answer.content.decode()

    assert answer.status_code == 422
    assert "It ends after it starts" in text(shown)
    assert 'value="2030-01-02T10:00"' in shown
    assert 'value="upside down"' in shown


def test_a_bots_row_and_page_show_its_alerts_until_they_are_over(browser_of, bob, alert):
    assert 'title="1 alert, the gravest: error"' in row(page(browser_of(bob).get("/")), "btc-trend-01")
    assert "Error Has not answered for 12 min" in text(page(browser_of(bob).get("/bots/btc-trend-01/")))

    Alert.objects.update(cleared_at=timezone.now())
    assert "alert-mark" not in row(page(browser_of(bob).get("/")), "btc-trend-01")
    assert "Has not answered" not in text(page(browser_of(bob).get("/bots/btc-trend-01/")))


def test_charlie_of_another_team_sees_nothing_of_it(browser_of, charlie, alert):
    browser = browser_of(charlie)
    assert f"alert-{alert.pk}" not in page(browser.get("/alerts/?state=all"))
    for path in (f"/alerts/{alert.pk}/", "/team/alpha/alerts/", "/team/alpha/maintenance/", "/team/alpha/mutes/"):
        assert browser.get(path).status_code == 404, path
