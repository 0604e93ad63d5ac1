from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from bots.domain import safety
from bots.domain.audit import Actor, AnchorUnreadable, AuditUnavailable


class Command(BaseCommand):
    help = (
        "A restored or copied portal reads and sends nothing. Say that this one may send commands and alerts again:"
        " first make sure that no other portal runs on the same past. Once is enough, where a worker runs, when all"
        " workers have started: each has told then which past its machine's anchor knows."
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
            left = safety.leave(reason.strip(), Actor.process("leave_safe_mode"))
        except (AuditUnavailable, AnchorUnreadable, OSError) as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write("Safe mode has ended: commands and alerts are sent again")
        if left.aside is not None:
            self.stdout.write(f"The anchor of the former past is kept as {left.aside}")
        for entry in left.given_up:
            self.stdout.write(f"Given up, and set aside by its own worker: {entry}")
