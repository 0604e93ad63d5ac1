"""The first person: while nobody exists, whoever holds the one-time code becomes superuser and first manager."""

import hmac
import secrets

from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import membership, people, throttle
from accounts.access import Role
from accounts.caller import By, Caller
from accounts.models import SetUpCode, Team, User

# No letter that looks like another.
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
THROTTLED_AS = "(set-up code)"


class WrongCode(Exception):
    """The code is on the terminal (or in the log) of the process, or where `manage.py setup_code` was typed."""

    def __init__(self) -> None:
        where = "where the portal was started (a restart prints a new one) or manage.py setup_code was typed"
        super().__init__(f"That is not the code. It stands {where}.")


class AlreadySetUp(Exception):
    """Log in instead."""


def needed() -> bool:
    return not User.objects.exists()


def fresh_code() -> str:
    """A new one-time code, like "7KQM-WX3P-HTRA"; the one before is void. Only its keyed hash is kept, in the database:
    whichever process is asked knows it."""
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    SetUpCode.objects.update_or_create(pk=SetUpCode.ONLY, defaults={"code_hash": hash_of(code)})
    return code


def check_code(code: str, caller: Caller) -> None:
    """Raises WrongCode or throttle.TooManyTries."""
    throttle.check(THROTTLED_AS, caller.network)
    kept = SetUpCode.objects.values_list("code_hash", flat=True).first() or ""
    if not hmac.compare_digest(hash_of(code), kept):
        throttle.count_failure(THROTTLED_AS, caller.network)
        raise WrongCode


def take_over(first: User, team_name: str, caller: Caller) -> Team:
    """Makes the person (password set, not saved yet) superuser and manager of the first team. Raises AlreadySetUp."""
    with transaction.atomic():
        # Of two who come at once one deletes it; the other waits, and finds none. It is back if what follows fails.
        claimed, _ = SetUpCode.objects.all().delete()
        if not claimed or not needed():
            raise AlreadySetUp
        first.is_superuser = True
        people.register(first, By(None, caller))
        by = By(first, caller)
        team = membership.create_team(team_name, by)
        membership.add(team, first, Role.MANAGER, by)
    return team


def hash_of(code: str) -> str:
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return salted_hmac("accounts.setup", letters, algorithm="sha256").hexdigest()
