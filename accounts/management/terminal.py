"""What a person types at the terminal to create somebody or to set a password, and who that was for the audit."""

import getpass
import sys

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.caller import By, Caller
from accounts.models import User

TRIES = 3


def by_command(name: str) -> By:
    """Nobody who is logged in: somebody with a shell on the portal's machine, by the name he has there."""
    return By(None, Caller(user_agent=f"manage.py {name} ({getpass.getuser()})"))


def asked_for(what: str) -> str:
    """Raises CommandError where nobody sits at the terminal."""
    if not sys.stdin.isatty():
        raise CommandError(f"{what}: nobody can be asked here; give it as an option")
    return input(f"{what}: ").strip()


def typed_password(user: User) -> str:
    """Typed twice, and good enough. Raises CommandError after three tries."""
    for _ in range(TRIES):
        first = getpass.getpass("Password: ")
        if first != getpass.getpass("Password (again): "):
            print("The two are not the same.", file=sys.stderr)
        elif problem := weakness(first, user):
            print(problem, file=sys.stderr)
        else:
            return first
    raise CommandError(f"Aborted after {TRIES} tries: nothing was done")


def weakness(password: str, user: User) -> str:
    try:
        validate_password(password, user)
    except ValidationError as refusal:
        return " ".join(refusal.messages)
    return ""
