from django.core.management.base import BaseCommand, CommandError

from bots.management.examination import examine


class Command(BaseCommand):
    help = "Look whether everything this process needs is there and fits. Ends with 1 when something FAILs."
    requires_system_checks = []  # they are among what is looked at

    def handle(self, **options: object) -> None:
        failed = 0
        for line in examine():
            failed += line.level == "FAIL"
            self.stdout.write(f"{line.level:<4}  {line.about:<11}  {line.sentence}")
            if line.todo:
                self.stdout.write(f"{'':19}-> {line.todo}")
        if failed:
            raise CommandError(f"{failed} of these must be mended", returncode=1)
