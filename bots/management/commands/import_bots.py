import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Team
from bots.domain.audit import Actor
from bots.domain.bot_lists import MOST_BYTES, Unreadable, read_list
from bots.domain.importing import Result, Verdict, counted, import_bots, judged


class Command(BaseCommand):
    help = (
        "Add the bots of a list (CSV or YAML, by the file's ending) to a team, and say what became of each line."
        " Passwords stand in that file: keep it where only you can read it, and delete it afterwards."
        " Ends with 1 when a line was refused; the others are added all the same, unless --all-or-nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", required=True, help="the team's slug")
        parser.add_argument("file", help="path, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and do nothing")
        parser.add_argument("--all-or-nothing", action="store_true", help="add none while a line is refused")

    def handle(self, team: str, file: str, dry_run: bool, all_or_nothing: bool, **options: object) -> None:
        owner = Team.objects.filter(slug=team).first()
        if owner is None:
            raise CommandError(f"There is no team {team!r}")
        try:
            verdicts = judged(owner, read_list(content_of(file), "" if file == "-" else file))
        except Unreadable as problem:
            raise CommandError(str(problem)) from None
        if not dry_run:
            verdicts = import_bots(Actor.process("import_bots"), owner, verdicts, whole=all_or_nothing)
        self.report(verdicts)

    def report(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            slug = f" ({verdict.bot.slug})" if verdict.result is Result.ADDED and verdict.bot else ""
            self.stdout.write(
                f"line {verdict.line}: {verdict.name}{slug}: {verdict.result} {verdict.sentence}".rstrip()
            )
        counts = counted(verdicts)
        summary = ", ".join(f"{number} {result}" for result, number in counts.items() if number)
        if counts[Result.REFUSED]:
            raise CommandError(summary, returncode=1)
        self.stdout.write(summary)


def content_of(file: str) -> bytes:
    """One byte more than a list may have, at most."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
