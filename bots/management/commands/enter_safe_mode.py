from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from bots.domain import safety
from bots.domain.audit import Actor, AuditUnavailable


class Command(BaseCommand):
    help = "From now on the portal reads and sends nothing, in every process, until leave_safe_mode."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reason", help="why, for the audit and for the people who see it on every page")

    def handle(self, reason: str, **options: object) -> None:
        if not reason.strip():
            raise CommandError("The audit needs a reason")
        try:
            began = safety.enter(reason.strip(), Actor.process("enter_safe_mode"))
        except AuditUnavailable as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write("Safe mode: nothing is sent" if began else "Safe mode was there already")
