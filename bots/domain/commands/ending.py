"""A person ends a command: cancels what is not sent yet, or closes what stayed unknown, with a remark."""

from django.utils import timezone

from accounts.models import User
from bots.domain.audit import Actor
from bots.domain.audit.entry import storable
from bots.domain.commands.asking import require_role
from bots.domain.commands.refusing import WrongParams, WrongState
from bots.domain.commands.steps import take_step
from bots.domain.commands.wording import about
from bots.models import Command

LONGEST_REMARK = 500


def cancel(actor: Actor, user: User, command: Command) -> Command:
    """From WAITING or INTENT. Raises RoleTooLow, WrongState, AuditUnavailable."""
    require_role(user, command.bot, command.action)
    now = timezone.now()
    outcome = {**command.outcome, "sentence": f"Cancelled by {user.username} before it was sent"}
    if not take_step(command, Command.UNSENT, Command.CANCELLED, actor=actor, ended_at=now, outcome=outcome):
        command.refresh_from_db()
        raise WrongState(command, f"The {about(command)} is {command.state}: it cannot be cancelled any more")
    return command


def close(actor: Actor, user: User, command: Command, remark: str) -> Command:
    """UNKNOWN -> CLOSED, by a person who looked. Raises RoleTooLow, WrongParams, WrongState, AuditUnavailable."""
    require_role(user, command.bot, command.action)
    clean = storable(remark.strip(), LONGEST_REMARK)
    if not clean or len(remark.strip()) > LONGEST_REMARK:
        raise WrongParams({"remark": f"Say what you found at the bot, in 1 to {LONGEST_REMARK} characters"})
    closed = take_step(
        command,
        (Command.UNKNOWN,),
        Command.CLOSED,
        actor=actor,
        details={"remark": clean},
        remark=clean,
        closed_by_name=user.username,
        ended_at=timezone.now(),
        next_look_at=None,
    )
    if not closed:
        command.refresh_from_db()
        raise WrongState(command, f"The {about(command)} is {command.state}: only an unknown outcome can be closed")
    return command
