"""Django's command of this name would write nothing into the audit, and leave the person's sessions alive."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts import people
from accounts.announcements import NotRecorded
from accounts.management.terminal import by_command, typed_password
from accounts.models import User


class Command(BaseCommand):
    help = "Set somebody's password, typed twice; ends the person's sessions, and is recorded in the audit."
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, username: str, **options: object) -> None:
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist:
            raise CommandError(f"Nobody is called {username}") from None
        try:
            people.set_password(user, typed_password(user), by_command("changepassword"), how="set")
        except NotRecorded as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"The password of {username} is set; where the person was logged in, it is no longer.")
