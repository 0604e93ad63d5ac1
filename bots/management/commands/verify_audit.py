from django.core.management.base import BaseCommand, CommandError

from bots.domain.audit import Finding, verify


class Command(BaseCommand):
    help = "Read the whole audit and name every entry that is not as it was written. Ends with 1 when one is found."

    def handle(self, **options: object) -> None:
        report = verify(self.tell)
        head = f"head: entry {report.head_id}, {report.head_digest}" if report.entries else "no head"
        self.stdout.write(f"{report.entries} entries, {head}")
        if report.anchored_id:
            anchored = f"anchored: entry {report.anchored_id} at {report.anchored_at}"
            self.stdout.write(f"{anchored}, {report.not_anchored} written since")
        if not report.fine:
            raise CommandError(f"{report.bad} findings: the audit was changed or cannot be trusted", returncode=1)
        self.stdout.write("Every entry is as it was written")

    def tell(self, finding: Finding) -> None:
        about = f" [{finding.about}]" if finding.about else ""
        self.stdout.write(f"{finding.wrong.value}: {finding.sentence}{about}")
