from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Team
from bots.domain import rollups


class Command(BaseCommand):
    help = "Hold the profit rollups of teams (all, or those named) against their trades; what is wrong is made anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("team", nargs="*", help="slug of a team")

    def handle(self, *, team: list[str], **options: object) -> None:
        teams = Team.objects.filter(slug__in=team) if team else Team.objects.all()
        if unknown := set(team) - {one.slug for one in teams}:
            raise CommandError(f"no team {', '.join(sorted(unknown))}")
        for one in teams:
            wrong = rollups.mend(one)
            for sentence in wrong:
                self.stdout.write(sentence)
            self.stdout.write(f"{one.slug}: {len(wrong)} rollups were wrong" if wrong else f"{one.slug}: right")
