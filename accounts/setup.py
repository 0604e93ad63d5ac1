"""The first person: while nobody exists, whoever holds the one-time code becomes superuser and first manager."""

import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import membership, people, throttle
from accounts.access import Role
from accounts.caller import By, Caller
from accounts.models import Team, User

# No letter that looks like another.
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
THROTTLED_AS = "(set-up code)"


class WrongCode(Exception):
    """The code is on the terminal (or in the log) of the process; a restart prints a new one."""

    def __init__(self) -> None:
        super().__init__("That is not the code. It stands where the portal was started; a restart prints a new one.")


class AlreadySetUp(Exception):
    """Log in instead."""


def needed() -> bool:
    return not User.objects.exists()


def fresh_code() -> str:
    """A new one-time code, like "7KQM-WX3P-HTRA"; the one before is void. Only its hash is kept (mode 600)."""
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    path = code_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(hash_of(code))
    fresh.replace(path)
    return code


def check_code(code: str, caller: Caller) -> None:
    """Raises WrongCode or throttle.TooManyTries."""
    throttle.check(THROTTLED_AS, caller.network)
    kept = code_path().read_text() if code_path().exists() else ""
    if not hmac.compare_digest(hash_of(code), kept):
        throttle.count_failure(THROTTLED_AS, caller.network)
        raise WrongCode


def take_over(first: User, team_name: str, caller: Caller) -> Team:
    """Makes the person (password set, not saved yet) superuser and manager of the first team. Raises AlreadySetUp."""
    with code_claimed(), transaction.atomic():
        if not needed():
            raise AlreadySetUp
        first.is_superuser = True
        people.register(first, By(None, caller))
        by = By(first, caller)
        team = membership.create_team(team_name, by)
        membership.add(team, first, Role.MANAGER, by)
    return team


@contextmanager
def code_claimed() -> Iterator[None]:
    """Of two who come at once one can rename the file; it comes back when what follows fails."""
    claimed = code_path().with_name(f".setup-code-claimed-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        code_path().rename(claimed)
    except FileNotFoundError:
        raise AlreadySetUp from None
    try:
        yield
    except BaseException:
        claimed.rename(code_path())
        raise
    claimed.unlink()


def code_path() -> Path:
    return Path(settings.DATA_DIR) / "setup-code"


def hash_of(code: str) -> str:
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return salted_hmac("accounts.setup", letters, algorithm="sha256").hexdigest()
