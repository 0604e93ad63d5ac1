"""When nobody wants to hear of it: mutes of a rule or a bot, and maintenance windows. Alerts are recorded all the same.

What is still wrong when the silence ends is told then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.access import HANDLE_ALERTS, MANAGE
from accounts.models import Team, User
from bots.domain.alerts.refusing import NoLongerOpen, WrongValues
from bots.domain.audit import Act, Actor, append
from bots.domain.audit.entry import Detail, storable
from bots.domain.refusing import require_role
from bots.models import AlertRule, Bot, Maintenance, Mute

LONGEST_REASON = 300
LONGEST_MUTE = timedelta(days=90)
LONGEST_WINDOW, FARTHEST_WINDOW = timedelta(days=30), timedelta(days=366)


def mutes_of(user: User, team: Team | None = None) -> QuerySet[Mute]:
    """Those that hold now, in the person's teams (or this one)."""
    mine = Mute.objects.visible_to(user).at(timezone.now()).select_related("rule", "bot", "team")
    return mine if team is None else mine.filter(team=team)


def maintenance_of(user: User, team: Team | None = None) -> QuerySet[Maintenance]:
    """Under way and planned, in the person's teams (or this one)."""
    mine = Maintenance.objects.visible_to(user).to_come(timezone.now()).select_related("bot", "team")
    return mine if team is None else mine.filter(team=team)


def mute(
    actor: Actor,
    user: User,
    team: Team,
    *,
    until: datetime,
    rule: AlertRule | None = None,
    bot: Bot | None = None,
    reason: str = "",
) -> Mute:
    """Nobody is told until then of the rule's alerts, the bot's, or (both given) the rule's at this bot.

    Raises RoleTooLow, WrongValues, AuditUnavailable."""
    require_role(user, team, HANDLE_ALERTS)
    now = timezone.now()
    wrong = wrong_reason(reason)
    if rule is None and bot is None:
        wrong["rule"] = "Name a rule, a bot, or both"
    if any(one is not None and one.team_id != team.pk for one in (rule, bot)):
        wrong["rule"] = "Rule and bot belong to the team"
    if not now < until <= now + LONGEST_MUTE:
        wrong["until"] = f"A moment to come, at most {LONGEST_MUTE.days} days from now"
    if wrong:
        raise WrongValues(wrong)
    with transaction.atomic():
        made = Mute.objects.create(
            team=team, rule=rule, bot=bot, until=until, reason=clean(reason), muted_by_name=user.username
        )
        append(act("alerts_muted", actor, team, bot, told_of_mute(made)))
    return made


def unmute(actor: Actor, user: User, muted: Mute) -> Mute:
    """Before its time. Raises RoleTooLow, NoLongerOpen, AuditUnavailable."""
    require_role(user, muted.team, HANDLE_ALERTS)
    now = timezone.now()
    with transaction.atomic():
        if not Mute.objects.at(now).filter(pk=muted.pk).update(ended_at=now, ended_by_name=user.username):
            raise NoLongerOpen("It is lifted already, or its time is over")
        muted.refresh_from_db()
        append(act("alerts_unmuted", actor, muted.team, muted.bot, told_of_mute(muted)))
    return muted


def plan_maintenance(
    actor: Actor,
    user: User,
    team: Team,
    *,
    starts_at: datetime,
    ends_at: datetime,
    bot: Bot | None = None,
    reason: str = "",
) -> Maintenance:
    """Of the bot, or of all the team's bots. Raises RoleTooLow, WrongValues, AuditUnavailable."""
    require_role(user, team, MANAGE)
    wrong = {**wrong_reason(reason), **wrong_window(starts_at, ends_at)}
    if bot is not None and bot.team_id != team.pk:
        wrong["bot"] = "The bot belongs to the team"
    if wrong:
        raise WrongValues(wrong)
    with transaction.atomic():
        window = Maintenance.objects.create(
            team=team,
            bot=bot,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=clean(reason),
            planned_by_name=user.username,
        )
        append(act("maintenance_planned", actor, team, bot, told_of_window(window)))
    return window


def end_maintenance(actor: Actor, user: User, window: Maintenance) -> Maintenance:
    """Before its time, or called off before it began. Raises RoleTooLow, NoLongerOpen, AuditUnavailable."""
    require_role(user, window.team, MANAGE)
    now = timezone.now()
    with transaction.atomic():
        mine = Maintenance.objects.to_come(now).filter(pk=window.pk)
        if not mine.update(ended_at=now, ended_by_name=user.username):
            raise NoLongerOpen("It is over already")
        window.refresh_from_db()
        append(act("maintenance_ended", actor, window.team, window.bot, told_of_window(window)))
    return window


def wrong_window(starts_at: datetime, ends_at: datetime) -> dict[str, str]:
    now = timezone.now()
    if ends_at <= starts_at:
        return {"ends_at": "It ends after it starts"}
    if ends_at <= now:
        return {"ends_at": "It ends in the past"}
    if ends_at - starts_at > LONGEST_WINDOW:
        return {"ends_at": f"At most {LONGEST_WINDOW.days} days: mute a rule or retire the bot instead"}
    if starts_at > now + FARTHEST_WINDOW:
        return {"starts_at": "At most a year from now"}
    return {}


def wrong_reason(reason: str) -> dict[str, str]:
    return {"reason": f"At most {LONGEST_REASON} characters"} if len(reason.strip()) > LONGEST_REASON else {}


def clean(reason: str) -> str:
    return storable(reason.strip(), LONGEST_REASON)


def told_of_mute(muted: Mute) -> dict[str, Detail]:
    rule = muted.rule.name if muted.rule else ""
    return {"mute": muted.pk, "rule": rule, "until": muted.until.isoformat(), "reason": muted.reason}


def told_of_window(window: Maintenance) -> dict[str, Detail]:
    span: dict[str, Detail] = {"from": window.starts_at.isoformat(), "to": window.ends_at.isoformat()}
    return {"maintenance": window.pk, **span, "reason": window.reason}


def act(action: str, actor: Actor, team: Team, bot: Bot | None, details: Mapping[str, Detail]) -> Act:
    if bot is not None:
        return Act.on_bot(action, actor, bot, **details)
    return Act(action, actor, team.name, team.slug, team.pk, details=details)
