"""Four eyes: chosen actions on LIVE bots of a team wait for a second person, and expire.

The second person may do the action himself and is not the one who asked. From the approval on the command is an intent
like any other, with a fresh minute; what was confirmed is compared with the bot once more before it is sent.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.access import LOWEST_ROLE, roles_for
from accounts.models import Team, User
from bots.domain import events
from bots.domain.audit import Act, Actor, append
from bots.domain.audit.entry import storable
from bots.domain.commands.asking import locked, require_may_send, require_role
from bots.domain.commands.handing import hand_over_on_commit
from bots.domain.commands.offering import require_ready
from bots.domain.commands.refusing import WrongParams, WrongState
from bots.domain.commands.steps import act_of, change, happened, take_step
from bots.domain.commands.wording import about
from bots.domain.refusing import ActRefused
from bots.models import Bot, Command, CommandBatch, FourEyes
from bots.models.command import CONFIRMED_FOR
from bots.systems.instructions import NEEDS

LONGEST_WAIT = timedelta(days=1)
LONGEST_REMARK = 500
# What can wait for a second person.
FOUR_EYES_ACTIONS = tuple(action for action in LOWEST_ROLE if action in NEEDS)


class SecondPersonNeeded(ActRefused):
    """Who asked cannot approve or decline it."""

    code = "second_person_needed"
    status = 403


class AskerMayNot(ActRefused):
    """Who asked may no longer do it himself: nobody's approval makes up for that."""

    code = "asker_may_not"


def awaiting(user: User) -> QuerySet[Command]:
    """The commands that wait for a decision this person may take, oldest first."""
    mine = Q(pk__in=[])
    for action in FOUR_EYES_ACTIONS if user.is_active else ():
        mine |= Q(action=action, team__memberships__user=user, team__memberships__role__in=roles_for(action))
    waiting = Command.objects.visible_to(user).filter(state=Command.WAITING, expires_at__gt=timezone.now())
    return waiting.filter(mine).exclude(requested_by=user).distinct().order_by("id")


def may_decide(user: User, command: Command) -> bool:
    return awaiting(user).filter(pk=command.pk).exists()


def approve(actor: Actor, user: User, command: Command) -> Command:
    """WAITING -> INTENT, to be sent within 60 s. `command` was fetched with visible_to(user).

    Raises RoleTooLow, SecondPersonNeeded, AskerMayNot, BotNotReady, NothingIsSent, WrongState, AuditUnavailable.
    """
    require_second(user, command)
    with transaction.atomic():
        bot = locked(command.bot)
        require_may_send()
        require_ready(bot)
        require_asker_still_may(command)
        require_batch_goes_on(command)
        now = timezone.now()
        waiting = Command.objects.filter(pk=command.pk, state=Command.WAITING, expires_at__gt=now)
        approved = {"approved_by": user, "approved_by_name": user.username, "approved_at": now}
        if not waiting.update(state=Command.INTENT, expires_at=now + CONFIRMED_FOR, announced_at=now, **approved):
            raise not_waiting(command)
        command.refresh_from_db()
        hand_over_on_commit(command.pk)
        tell_approved(command, user)
        append(act_of("command_approved", actor, command, {"asked_by": command.requested_by_name}))
    return command


def decline(actor: Actor, user: User, command: Command, remark: str = "") -> Command:
    """WAITING -> CANCELLED by the second person. Raises RoleTooLow, SecondPersonNeeded, WrongParams, WrongState."""
    require_second(user, command)
    if len(remark.strip()) > LONGEST_REMARK:
        raise WrongParams({"remark": f"At most {LONGEST_REMARK} characters"})
    clean = storable(remark.strip(), LONGEST_REMARK)
    sentence = f"Declined by {user.username}" + (f": {clean}" if clean else "")
    declined = take_step(
        command,
        (Command.WAITING,),
        Command.CANCELLED,
        actor=actor,
        details={"declined": True, "remark": clean, "asked_by": command.requested_by_name},
        code="declined",
        remark=clean,
        outcome={"sentence": sentence, "effect": "none"},
        ended_at=timezone.now(),
    )
    if not declined:
        raise not_waiting(command)
    return command


def require_second(user: User, command: Command) -> None:
    require_role(user, command.bot, command.action)
    if user.pk == command.requested_by_id:
        raise SecondPersonNeeded("A second person decides: who asked can only cancel it")


def require_asker_still_may(command: Command) -> None:
    asker = command.requested_by
    if asker is None or not Bot.objects.commandable_by(asker, command.action).filter(pk=command.bot_id).exists():
        raise AskerMayNot(f"{command.requested_by_name}, who asked, may no longer do this: decline it")


def require_batch_goes_on(command: Command) -> None:
    if CommandBatch.objects.filter(commands=command).exclude(stopped_at=None).exists():
        raise WrongState(command, "Its batch was stopped: nothing more of it is sent")


def not_waiting(command: Command) -> WrongState:
    command.refresh_from_db()
    late = command.state == Command.WAITING
    standing = "waited too long and expires" if late else f"is {command.state}: it does not wait for anybody"
    return WrongState(command, f"The {about(command)} {standing}")


def tell_approved(command: Command, user: User) -> None:
    now = timezone.now()
    told = happened("command_approved", command, now)
    words = f"Command approved: {about(command)}, by {user.username} (asked by {command.requested_by_name})"
    events.record([replace(told, text=words, key=f"command:{command.pk}:approved")], now)
    change(command)


# --- The rule of a team -----------------------------------------------------------------------------------------------


def set_four_eyes(actor: Actor, team: Team, actions: Iterable[str], wait_minutes: int) -> FourEyes:
    """From now on these actions on LIVE bots of the team wait; an empty list ends it. What waits already goes on
    waiting. The caller fetched the team with MANAGE. Raises ValidationError by field, AuditUnavailable."""
    chosen = [action for action in FOUR_EYES_ACTIONS if action in set(actions)]
    if strange := sorted(set(actions) - set(chosen)):
        raise ValidationError({"actions": [f"No action is called {str(strange[0])[:40]!r}"]})
    longest = int(LONGEST_WAIT.total_seconds() // 60)
    if not 1 <= wait_minutes <= longest:
        raise ValidationError({"wait_minutes": [f"1 to {longest} minutes"]})
    with transaction.atomic():
        before = FourEyes.objects.select_for_update().filter(team=team).first()
        rule, _ = FourEyes.objects.update_or_create(
            team=team, defaults={"actions": chosen, "wait_minutes": wait_minutes}
        )
        details = {"before": before.actions if before else [], "actions": chosen, "wait_minutes": wait_minutes}
        append(Act("four_eyes_changed", actor, team.name, team.slug, team.pk, details=details))
    return rule


def four_eyes_of(team: Team) -> FourEyes:
    """The team's rule; one without actions, not saved, where there is none."""
    return FourEyes.objects.filter(team=team).first() or FourEyes(team=team)
