"""The rules of a team: made, changed, switched off, removed by its managers; every team begins with sensible ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.access import MANAGE
from accounts.models import Team, User
from bots.domain.alerts.clearing import clear_all_of
from bots.domain.alerts.kinds import FIRST_RULES, KINDS, FirstRule
from bots.domain.alerts.params import checked_params
from bots.domain.alerts.refusing import NoLongerOpen, WrongValues
from bots.domain.audit import Act, Actor, append
from bots.domain.audit.entry import Detail, storable
from bots.domain.events.kinds import SEVERITIES
from bots.domain.refusing import require_role
from bots.models import AlertDefaults, AlertRule, Bot

LONGEST_NAME, LONGEST_TAG = 100, 60
MOST_RULES = 200
MODES = (AlertRule.BOTH, AlertRule.LIVE_ONLY)
MOST_REMIND_HOURS = 30 * 24


@dataclass(frozen=True)
class RuleWish:
    """A rule as a manager wants it. `params`: by name, as typed (ratios as ratios). `bot`: a slug, or `tag`, or
    neither: all bots of the team. `mode`: "" or "live". `remind_hours`: None never reminds."""

    kind: str
    name: str = ""
    severity: str = ""
    enabled: bool = True
    params: Mapping[str, object] = field(default_factory=dict)
    bot: str = ""
    tag: str = ""
    mode: str = ""
    remind_hours: int | None = None


def rules_of(user: User, team: Team) -> QuerySet[AlertRule]:
    """The team's rules; made now where it has never had any. `user` sees them as a member."""
    make_first_rules([team])
    return AlertRule.objects.visible_to(user).filter(team=team).select_related("bot", "team")


def save_rule(actor: Actor, user: User, team: Team, wish: RuleWish, rule: AlertRule | None = None) -> AlertRule:
    """Make a rule, or change `rule` (fetched with managed_by(user)); its kind stays. Changing what it looks at clears
    its open alerts: the next look opens what is wrong by the new rule.

    Raises RoleTooLow, WrongValues, NoLongerOpen, AuditUnavailable."""
    require_role(user, team, MANAGE)
    columns = checked_wish(user, team, wish, rule)
    with transaction.atomic():
        fresh = locked(rule) if rule is not None else None
        before = told(fresh) if fresh is not None else {}
        saved = written(team, columns, fresh)
        after = told(saved)
        if before == after:
            return saved
        if before:
            clear_all_of(saved, "The rule was changed")
        changed: dict[str, Detail] = {name: before.get(name) for name in after if before.get(name) != after[name]}
        details: dict[str, Detail] = {"rule": saved.pk, **after} | ({"before": changed} if before else {})
        append(act("alert_rule_changed" if before else "alert_rule_made", actor, saved, details))
    return saved


def remove_rule(actor: Actor, user: User, rule: AlertRule) -> None:
    """Its alerts stay in the list, cleared. Raises RoleTooLow, NoLongerOpen, AuditUnavailable."""
    require_role(user, rule.team, MANAGE)
    with transaction.atomic():
        fresh = locked(rule)
        clear_all_of(fresh, "The rule was removed")
        removed = act("alert_rule_removed", actor, fresh, {"rule": fresh.pk, **told(fresh)})
        fresh.delete()
        append(removed)


def act(action: str, actor: Actor, rule: AlertRule, details: Mapping[str, Detail]) -> Act:
    return Act(action, actor, rule.name, rule.team.slug, rule.team_id, details=details)


def told(rule: AlertRule) -> dict[str, Detail]:
    """What may be written down of a rule as it is."""
    plain: dict[str, Detail] = {name: getattr(rule, name) for name in ("kind", "name", "enabled", "severity", "tag")}
    limits = {name: str(value) for name, value in rule.params.items()}
    bot = rule.bot.slug if rule.bot else ""
    return {**plain, "params": limits, "of_bot": bot, "mode": rule.mode, "remind_hours": rule.remind_hours}


def locked(rule: AlertRule) -> AlertRule:
    """The row as it is now, before its alerts are locked. Its key stays: who refers to the rule need not wait.
    Raises NoLongerOpen."""
    rows = AlertRule.objects.select_for_update(of=("self",), no_key=True).select_related("team", "bot")
    try:
        return rows.get(pk=rule.pk)
    except AlertRule.DoesNotExist:
        raise NoLongerOpen("Somebody has removed this rule") from None


def written(team: Team, columns: Mapping[str, object], rule: AlertRule | None) -> AlertRule:
    if rule is None:
        return AlertRule.objects.create(team=team, **columns)
    for name, value in columns.items():
        setattr(rule, name, value)
    rule.changed_at = timezone.now()
    rule.save(update_fields=[*columns, "changed_at"])
    return rule


# --- what is wished


def checked_wish(user: User, team: Team, wish: RuleWish, rule: AlertRule | None) -> dict[str, object]:
    """The columns. Raises WrongValues."""
    kind = KINDS.get(wish.kind)
    if kind is None:
        raise WrongValues({"kind": f"One of {', '.join(KINDS)}"})
    wrong = {**wrong_words(wish, rule), **wrong_scope(wish)}
    bot = wished_bot(user, team, wish, rule)
    if wish.bot and bot is None:
        wrong["bot"] = "No bot of this team has this slug"
    if rule is None and AlertRule.objects.filter(team=team).count() >= MOST_RULES:
        wrong["name"] = f"A team has at most {MOST_RULES} rules"
    try:
        params = checked_params(kind, wish.params)
    except WrongValues as problem:
        wrong |= problem.fields
    if wrong:
        raise WrongValues(wrong)
    return {
        "kind": wish.kind,
        "name": storable(wish.name.strip(), LONGEST_NAME) or kind.label,
        "enabled": wish.enabled,
        "severity": wish.severity or kind.severity,
        "params": params,
        "bot": bot,
        "tag": storable(wish.tag.strip(), LONGEST_TAG),
        "mode": wish.mode,
        "remind_hours": wish.remind_hours,
    }


def wished_bot(user: User, team: Team, wish: RuleWish, rule: AlertRule | None) -> Bot | None:
    """A rule may keep its bot when that one is retired: what else it says can still be changed."""
    if rule is not None and rule.bot is not None and wish.bot == rule.bot.slug:
        return rule.bot
    return Bot.objects.visible_to(user).active().filter(team=team, slug=wish.bot).first() if wish.bot else None


def wrong_words(wish: RuleWish, rule: AlertRule | None) -> dict[str, str]:
    wrong = {}
    if rule is not None and rule.kind != wish.kind:
        wrong["kind"] = "A rule keeps its kind: make another one"
    if len(wish.name.strip()) > LONGEST_NAME:
        wrong["name"] = f"At most {LONGEST_NAME} characters"
    if wish.severity and wish.severity not in SEVERITIES:
        wrong["severity"] = f"One of {', '.join(SEVERITIES)}"
    if wish.remind_hours is not None and not 1 <= wish.remind_hours <= MOST_REMIND_HOURS:
        wrong["remind_hours"] = f"1 to {MOST_REMIND_HOURS} hours, or nothing"
    return wrong


def wrong_scope(wish: RuleWish) -> dict[str, str]:
    wrong = {}
    if wish.mode not in MODES:
        wrong["mode"] = "live, or nothing for both"
    if wish.bot and wish.tag:
        wrong["tag"] = "Either one bot or a tag"
    if len(wish.tag.strip()) > LONGEST_TAG:
        wrong["tag"] = f"At most {LONGEST_TAG} characters"
    if KINDS[wish.kind].of_portal and (wish.bot or wish.tag or wish.mode):
        wrong["bot"] = "This rule is about the portal, not about bots"
    return wrong


# --- how a team begins


def make_first_rules(teams: "list[Team] | QuerySet[Team]") -> None:
    """For the teams that have never had rules. Two at once: one of them does it."""
    known = set(AlertDefaults.objects.filter(team__in=teams).values_list("team", flat=True))
    for team in teams:
        if team.pk not in known:
            begin(team)


def begin(team: Team) -> None:
    try:
        with transaction.atomic():
            AlertDefaults.objects.create(team=team)
            AlertRule.objects.bulk_create(first_rule(team, first) for first in FIRST_RULES)
    except IntegrityError:  # another process was first, or the team has gone
        return


def first_rule(team: Team, first: FirstRule) -> AlertRule:
    kind = KINDS[first.kind]
    return AlertRule(
        team=team,
        kind=first.kind,
        name=first.name,
        enabled=first.enabled,
        severity=first.severity or kind.severity,
        params=checked_params(kind, first.params),
    )
