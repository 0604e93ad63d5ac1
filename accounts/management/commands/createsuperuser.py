"""Django's command of this name would write nothing into the audit."""

import os
from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts import people
from accounts.announcements import NotRecorded
from accounts.management.terminal import asked_for, by_command, typed_password, weakness
from accounts.models import User


class Command(BaseCommand):
    help = "Create a superuser, recorded in the audit. Asks for what is not given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", default=os.environ.get("DJANGO_SUPERUSER_USERNAME", ""))
        parser.add_argument("--email", default=os.environ.get("DJANGO_SUPERUSER_EMAIL", ""))
        parser.add_argument(
            "--noinput",
            "--no-input",
            action="store_true",
            help="ask nothing; the password stands in DJANGO_SUPERUSER_PASSWORD",
        )

    def handle(self, username: str, email: str, noinput: bool, **options: object) -> None:
        name = username or ("" if noinput else asked_for("Username"))
        user = User(username=name, email=email, is_superuser=True)
        check(user)
        password = given_password(user) if noinput else typed_password(user)
        user.set_password(password)
        try:
            people.register(user, by_command("createsuperuser"))
        except NotRecorded as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{name} is a superuser now.")


def check(user: User) -> None:
    """Raises CommandError for a name that is taken or none, and a wrong address."""
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as refusal:
        problems = [f"{name}: {' '.join(words)}" for name, words in refusal.message_dict.items()]
        raise CommandError("; ".join(problems)) from None


def given_password(user: User) -> str:
    password = os.environ.get("DJANGO_SUPERUSER_PASSWORD", "")
    if problem := weakness(password, user):
        raise CommandError(f"DJANGO_SUPERUSER_PASSWORD: {problem}")
    return password
