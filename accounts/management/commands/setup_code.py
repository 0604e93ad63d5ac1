from django.core.management.base import BaseCommand, CommandError

from accounts import setup


class Command(BaseCommand):
    help = "Print a new one-time code for the first set-up; the one before is void."

    def handle(self, **options: object) -> None:
        if not setup.needed():
            raise CommandError("The portal is set up already: somebody exists. Log in instead.")
        self.stdout.write(setup.fresh_code())
