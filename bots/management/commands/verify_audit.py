from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from bots.domain.audit import Finding, Report, verify


class Command(BaseCommand):
    help = "Read the whole audit and name every entry that is not as it was written. Ends with 1 when one is found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--archives", type=Path, metavar="FOLDER", help="read the files of archive_audit, too")

    def handle(self, archives: Path | None, **options: object) -> None:
        if archives is not None and not archives.is_dir():
            raise CommandError(f"{archives} is not a folder")
        report = verify(self.tell, archives)
        head = f"head: entry {report.head_id}, {report.head_digest}" if report.entries else "no head"
        self.stdout.write(f"{report.entries} entries, {head}")
        if report.anchored_id:
            anchored = f"anchored: entry {report.anchored_id} at {report.anchored_at}"
            self.stdout.write(f"{anchored}, {report.not_anchored} written since")
        self.tell_archives(report)
        if not report.fine:
            raise CommandError(f"{report.bad} findings: the audit was changed or cannot be trusted", returncode=1)
        self.stdout.write("Every entry is as it was written")

    def tell(self, finding: Finding) -> None:
        about = f" [{finding.about}]" if finding.about else ""
        self.stdout.write(f"{finding.wrong.value}: {finding.sentence}{about}")

    def tell_archives(self, report: Report) -> None:
        for part in report.archived:
            read = "not read: give its folder with --archives" if part in report.unread else "read"
            where = f"at {part.at}, {part.file}" if part.file else "in earlier archives"
            self.stdout.write(f"archived: entries {part.first_id} to {part.last_id} {where} ({read})")
