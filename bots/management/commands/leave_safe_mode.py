from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from bots.domain import safety
from bots.domain.audit import Actor, AnchorUnreadable, AuditUnavailable


class Command(BaseCommand):
    help = (
        "A restored or copied portal reads and sends nothing. Say that this one may send commands and alerts again:"
        " first make sure that no other portal runs on the same past. Run it where the audit's anchor lies."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reason", help="why, for the audit: for example 'restored on purpose, old server is off'")

    def handle(self, reason: str, **options: object) -> None:
        if safety.may_send():
            self.stdout.write("There is no safe mode: commands and alerts are sent")
            return
        if not reason.strip():
            raise CommandError("The audit needs a reason")
        try:
            aside = safety.leave(reason.strip(), Actor.process("leave_safe_mode"))
        except (AuditUnavailable, AnchorUnreadable, OSError) as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write("Safe mode has ended: commands and alerts are sent again")
        if aside is not None:
            self.stdout.write(f"The anchor of the former past is kept as {aside}")
