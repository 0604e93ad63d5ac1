from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Team
from bots.domain.bot_lists import FORMATS, written_list


class Command(BaseCommand):
    help = "Write the bots of a team as a list that import_bots reads. Secrets are not in it: their columns are empty."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", required=True, help="the team's slug")
        parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])

    def handle(self, team: str, format: str, **options: object) -> None:
        owner = Team.objects.filter(slug=team).first()
        if owner is None:
            raise CommandError(f"There is no team {team!r}")
        self.stdout.write(written_list(owner, format), ending="")
