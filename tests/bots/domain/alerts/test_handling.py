"""Operators take alerts on, mute and close; managers make rules and plan maintenance; every act is in the audit."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bots.domain import alerts
from bots.domain.alerts import NoLongerOpen, RoleTooLow, RuleWish, WrongValues
from bots.models import Alert, AlertRule, AuditEntry, Maintenance, Mute
from tests.bots.domain.alerts.conftest import a_rule, an_alert, as_actor
from tests.builders import a_bot

pytestmark = pytest.mark.django_db(transaction=True)


def last_act():
    entry = AuditEntry.objects.order_by("-id").first()
    return (entry.action, entry.actor, entry.subject, entry.details) if entry else None


def test_dave_takes_an_alert_on_with_a_remark(alpha, dave):
    alert = an_alert(a_bot(alpha))
    taken = alerts.acknowledge(as_actor(dave), dave, alert, " restarting it ")
    assert (taken.state, taken.acknowledged_by_name, taken.remark) == ("acknowledged", "dave", "restarting it")
    action, actor, subject, details = last_act()
    assert (action, actor, subject) == ("alert_acknowledged", "dave", "btc-trend-01")
    assert details == {
        "alert": alert.pk,
        "alert_kind": "unreachable",
        "text": "has not answered for 5 min",
        "remark": "restarting it",
    }


def test_acknowledged_twice_it_stays_with_who_was_first(alpha, alice, dave):
    alert = an_alert(a_bot(alpha))
    alerts.acknowledge(as_actor(dave), dave, alert)
    alerts.acknowledge(as_actor(alice), alice, alert)
    alert.refresh_from_db()
    assert alert.acknowledged_by_name == "dave"
    assert AuditEntry.objects.filter(action="alert_acknowledged").count() == 1


def test_bob_who_may_only_look_does_nothing_to_alerts(alpha, bob):
    bot = a_bot(alpha)
    alert, rule = an_alert(bot), a_rule(alpha, "stale")
    now, who = timezone.now(), as_actor(bob)
    window = Maintenance.objects.create(
        team=alpha, starts_at=now, ends_at=now + timedelta(hours=1), planned_by_name="alice"
    )
    muted = Mute.objects.create(team=alpha, bot=bot, until=now + timedelta(hours=1), muted_by_name="dave")
    for tried in (
        lambda: alerts.acknowledge(who, bob, alert),
        lambda: alerts.close(who, bob, alert),
        lambda: alerts.mute(who, bob, alpha, bot=bot, until=now + timedelta(hours=1)),
        lambda: alerts.unmute(who, bob, muted),
        lambda: alerts.plan_maintenance(who, bob, alpha, starts_at=now, ends_at=now + timedelta(hours=1)),
        lambda: alerts.end_maintenance(who, bob, window),
        lambda: alerts.save_rule(who, bob, alpha, RuleWish("stale")),
        lambda: alerts.remove_rule(who, bob, rule),
    ):
        with pytest.raises(RoleTooLow):
            tried()
    assert not AuditEntry.objects.exists()


def test_dave_mutes_and_alice_alone_plans_maintenance(alpha, alice, dave):
    bot, until = a_bot(alpha), timezone.now() + timedelta(hours=1)
    muted = alerts.mute(as_actor(dave), dave, alpha, bot=bot, until=until, reason="moving house")
    assert list(alerts.mutes_of(dave)) == [muted]
    with pytest.raises(RoleTooLow):
        alerts.plan_maintenance(as_actor(dave), dave, alpha, starts_at=timezone.now(), ends_at=until)
    window = alerts.plan_maintenance(as_actor(alice), alice, alpha, bot=bot, starts_at=timezone.now(), ends_at=until)
    assert list(alerts.maintenance_of(dave)) == [window]
    alerts.unmute(as_actor(dave), dave, muted)
    alerts.end_maintenance(as_actor(alice), alice, window)
    assert list(alerts.mutes_of(dave)) == list(alerts.maintenance_of(dave)) == []
    assert list(AuditEntry.objects.order_by("id").values_list("action", "actor")) == [
        ("alerts_muted", "dave"),
        ("maintenance_planned", "alice"),
        ("alerts_unmuted", "dave"),
        ("maintenance_ended", "alice"),
    ]
    with pytest.raises(NoLongerOpen):
        alerts.unmute(as_actor(dave), dave, muted)
    with pytest.raises(NoLongerOpen):
        alerts.end_maintenance(as_actor(alice), alice, window)


def test_of_another_team_nothing_is_seen(alpha, charlie, dave):
    bot = a_bot(alpha)
    an_alert(bot)
    alerts.mute(as_actor(dave), dave, alpha, bot=bot, until=timezone.now() + timedelta(hours=1))
    assert (
        list(alerts.alerts_for(charlie))
        == list(alerts.mutes_of(charlie))
        == list(alerts.rules_of(charlie, alpha))
        == []
    )
    assert alerts.count_open(charlie) == alerts.open_by_bot(charlie) == {}
    assert alerts.count_open(dave) == {"error": 1}
    assert alerts.open_by_bot(dave) == {bot.pk: (1, "error")}


def test_what_is_still_wrong_cannot_be_closed_but_an_event_can(alpha, dave):
    bot = a_bot(alpha)
    with pytest.raises(alerts.ClearsByItself):
        alerts.close(as_actor(dave), dave, an_alert(bot))
    told = an_alert(bot, a_rule(alpha, "forced_outside"))
    closed = alerts.close(as_actor(dave), dave, told, "it was me")
    assert (closed.state, closed.cleared_by_name, closed.cleared_why) == ("cleared", "dave", "Closed by dave")
    with pytest.raises(NoLongerOpen):
        alerts.acknowledge(as_actor(dave), dave, told)


def test_one_thing_is_open_once(alpha):
    alert = an_alert(a_bot(alpha))
    with pytest.raises(IntegrityError), transaction.atomic():
        an_alert(alert.bot, alert.rule)
    Alert.objects.filter(pk=alert.pk).update(cleared_at=timezone.now())
    an_alert(alert.bot, alert.rule)


# --- rules


def test_every_team_begins_with_sensible_rules_made_once(alpha, alice):
    names = [rule.name for rule in alerts.rules_of(alice, alpha)]
    assert names[:3] == ["Bot unreachable", "Wrong password", "Silent although running"]
    assert len(names) == len(alerts.KINDS) + 1
    for rule in alerts.rules_of(alice, alpha):
        alerts.remove_rule(as_actor(alice), alice, rule)
    assert list(alerts.rules_of(alice, alpha)) == []


def test_alice_makes_a_rule_with_its_limit_and_the_audit_says_which(alpha, alice):
    bot = a_bot(alpha)
    wish = RuleWish("loss_today", name="Night watch", params={"ratio": "0.030"}, bot=bot.slug, mode="live")
    rule = alerts.save_rule(as_actor(alice), alice, alpha, wish)
    assert (rule.name, rule.params, rule.bot, rule.severity) == ("Night watch", {"ratio": "0.03"}, bot, "error")
    assert last_act()[0] == "alert_rule_made"
    changed = RuleWish("loss_today", name="Night watch", params={"ratio": "0.04"}, bot=bot.slug, mode="live")
    alerts.save_rule(as_actor(alice), alice, alpha, changed, rule)
    action, _, subject, details = last_act()
    assert (action, subject, details["before"]) == (
        "alert_rule_changed",
        "Night watch",
        {"params": {"ratio": "0.03"}},
    )
    rows = AuditEntry.objects.count()
    alerts.save_rule(as_actor(alice), alice, alpha, changed, rule)  # nothing new
    assert AuditEntry.objects.count() == rows


@pytest.mark.parametrize(
    ("wish", "wrong"),
    [
        (RuleWish("weather"), {"kind"}),
        (RuleWish("loss_today", params={"ratio": "5"}), {"ratio"}),
        (RuleWish("loss_today", params={"ratio": "NaN"}), {"ratio"}),
        (RuleWish("loss_today", params={"ratio": "1e-3"}), set()),
        (RuleWish("unreachable", params={"minutes": "2.5"}), {"minutes"}),
        (RuleWish("unreachable", params={"minutes": "0"}), {"minutes"}),
        (RuleWish("unreachable", params={"hours": "1"}), {"hours"}),
        (RuleWish("log_messages", params={"level": "shouting"}), {"level"}),
        (RuleWish("stale", bot="of-another-team"), {"bot"}),
        (RuleWish("stale", severity="panic", mode="dry", name="x" * 101), {"severity", "mode", "name"}),
        (RuleWish("stale", remind_hours=0), {"remind_hours"}),
        (RuleWish("portal_lagging", tag="btc"), {"bot"}),
    ],
)
def test_a_limit_that_makes_no_sense_is_named(alpha, beta, alice, wish, wrong):
    a_bot(beta, "of another team")
    if not wrong:
        assert alerts.save_rule(as_actor(alice), alice, alpha, wish).params == {"ratio": "0.001"}
        return
    with pytest.raises(WrongValues) as refused:
        alerts.save_rule(as_actor(alice), alice, alpha, wish)
    assert set(refused.value.fields) == wrong
    assert not AlertRule.objects.exists()


def test_a_changed_or_removed_rule_leaves_no_open_alert_behind(alpha, alice):
    rule = a_rule(alpha, "unreachable")
    alert = an_alert(a_bot(alpha), rule)
    alerts.save_rule(as_actor(alice), alice, alpha, RuleWish("unreachable", params={"minutes": 9}), rule)
    alert.refresh_from_db()
    assert (alert.state, alert.cleared_why) == ("cleared", "The rule was changed")
    other = an_alert(a_bot(alpha, "other"), rule)
    alerts.remove_rule(as_actor(alice), alice, rule)
    other.refresh_from_db()
    assert (other.rule, other.cleared_why) == (None, "The rule was removed")


def test_a_rule_that_somebody_else_has_removed_meanwhile_is_not_saved(alpha, alice):
    rule = a_rule(alpha, "unreachable")
    same = AlertRule.objects.get()
    alerts.remove_rule(as_actor(alice), alice, rule)
    for tried in (
        lambda: alerts.save_rule(as_actor(alice), alice, alpha, RuleWish("unreachable", name="New"), same),
        lambda: alerts.remove_rule(as_actor(alice), alice, same),
    ):
        with pytest.raises(NoLongerOpen):
            tried()
    assert [entry.action for entry in AuditEntry.objects.all()] == ["alert_rule_removed"]


@pytest.mark.parametrize("hours", [-1, 0, 24 * 91])
def test_a_mute_ends_and_not_in_the_past(alpha, dave, hours):
    with pytest.raises(WrongValues, match="until"):
        alerts.mute(as_actor(dave), dave, alpha, bot=a_bot(alpha), until=timezone.now() + timedelta(hours=hours))


def test_a_mute_names_a_rule_or_a_bot_of_the_team(alpha, beta, dave):
    until = timezone.now() + timedelta(hours=1)
    for named in ({}, {"bot": a_bot(beta)}, {"rule": a_rule(beta, "stale")}):
        with pytest.raises(WrongValues, match="rule"):
            alerts.mute(as_actor(dave), dave, alpha, until=until, **named)
    assert not Mute.objects.exists()
