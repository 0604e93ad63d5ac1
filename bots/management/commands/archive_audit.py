from argparse import ArgumentParser
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bots.domain.audit import Actor, ArchiveRefused, ArchiveUnreadable, archive


class Command(BaseCommand):
    help = (
        "Move old entries of the audit into files, leaving a signed checkpoint in the chain. Only an audit without a"
        " finding is archived. Keep the files: verify_audit --archives FOLDER reads them as the chain's beginning."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        age = parser.add_mutually_exclusive_group(required=True)
        age.add_argument("--before", type=date.fromisoformat, help="day (UTC): everything written before it")
        age.add_argument("--older-than-days", type=int, metavar="DAYS")
        parser.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="an existing folder")

    def handle(self, before: date | None, older_than_days: int | None, into: Path, **options: object) -> None:
        if not into.is_dir():
            raise CommandError(f"{into} is not a folder")
        moment = datetime.combine(before, time.min, UTC) if before else days_ago(older_than_days or 0)
        entries = 0
        try:
            for part in archive(Actor.process("archive_audit"), moment, into):
                entries += part.last_id - part.first_id + 1
                self.stdout.write(f"entries {part.first_id} to {part.last_id} are in {into / part.file}")
                self.stdout.write(f"  sha256 {part.sha256}")
        except (ArchiveRefused, ArchiveUnreadable, OSError) as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{entries} entries archived" if entries else "Nothing that old is in the table")


def days_ago(days: int) -> datetime:
    if days < 1:
        raise CommandError("At least a day")
    return timezone.now() - timedelta(days=days)
