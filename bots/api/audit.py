"""`audit/`: who did what, to read, to search, to take along, and to verify."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.audit_shapes import AuditEntryShape, AuditReportShape
from bots.api.doors import View, asked
from bots.api.streaming import download
from bots.domain.audit import AuditQuery, Finding, Report, csv_text, entries_for, json_lines, may_verify, verify
from bots.models import AuditEntry

LEFT_OUT = {"previous", "key_id"}
PLAIN = [field.name for field in AuditEntry._meta.fields if field.name not in LEFT_OUT]
ARCHIVE = ("first_id", "last_id", "at", "file", "sha256")
FILTERS = [
    OpenApiParameter("actor", description="User name"),
    OpenApiParameter("action", description="One action; with an underscore at its end (`command_`) all that begin so"),
    OpenApiParameter("team", description="Slug"),
    OpenApiParameter("bot", description="Slug"),
    OpenApiParameter("address"),
    OpenApiParameter("from", description="ISO date or date-time"),
    OpenApiParameter("to", description="ISO date or date-time"),
    OpenApiParameter("q", description="Within the texts and the details"),
]


class Audit(View):
    @extend_schema(operation_id="audit_list", parameters=FILTERS, responses=AuditEntryShape(many=True))
    def get(self, request: Request) -> Response:
        """Newest first. Everybody of a team reads the rows about its commands, its managers all of the team's rows,
        superusers all."""
        found = entries_for(self.user, asked(AuditQuery.parse, request))
        return self.paged(found, written_entries)


class VerifyAudit(View):
    @extend_schema(operation_id="audit_verify", request=None, responses=AuditReportShape)
    def post(self, request: Request) -> Response:
        """Reads the whole chain, those rows too that you may not see (about a minute for a million). For managers."""
        if not may_verify(self.user):
            raise PermissionDenied("Only managers of a team may do this.")
        report = verify()
        return Response(written_report(report, set(self.readable(report.findings))))

    def readable(self, findings: list[Finding]) -> Iterable[int]:
        about = [finding.id for finding in findings]
        return entries_for(self.user).filter(pk__in=about).values_list("pk", flat=True)


class ExportAudit(View):
    """A file of everything the filter finds, however long, written while it is read."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """The path says which format; errors are JSON whatever is accepted."""
        return super().perform_content_negotiation(request, force=True)

    def streamed(self, request: Request, lines: Iterator[str], kind: str, ending: str) -> StreamingHttpResponse:
        return download(request, lines, kind, f"audit-{timezone.now():%Y-%m-%d-%H%M%S}.{ending}")


class ExportAuditCsv(ExportAudit):
    @extend_schema(operation_id="audit_export_csv", parameters=FILTERS, responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request) -> StreamingHttpResponse:
        """The last line says how many rows were asked for with which filter; a file without it is not whole."""
        query = asked(AuditQuery.parse, request)
        lines = csv_text(entries_for(self.user, query), query.told(), self.user.username)
        return self.streamed(request, lines, "text/csv; charset=utf-8", "csv")


class ExportAuditJson(ExportAudit):
    @extend_schema(
        operation_id="audit_export_jsonl", parameters=FILTERS, responses={(200, "application/jsonl"): OpenApiTypes.STR}
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """One row a line; the first line says what was asked for, the last how many rows there were."""
        query = asked(AuditQuery.parse, request)
        lines = json_lines(entries_for(self.user, query), query.told(), self.user.username)
        return self.streamed(request, lines, "application/jsonl; charset=utf-8", "jsonl")


def written_entries(entries: list[AuditEntry]) -> list[dict[str, Any]]:
    return [{name: getattr(entry, name) for name in PLAIN} for entry in entries]


def written_report(report: Report, readable: set[int]) -> dict[str, Any]:
    """What a row claims to be is told only to who may read it."""
    plain = ("fine", "entries", "head_id", "head_digest", "anchored_id", "anchored_at", "not_anchored", "bad")
    findings = [
        {
            "id": finding.id,
            "wrong": finding.wrong.value,
            "sentence": finding.sentence,
            "about": finding.about if finding.id in readable else "",
        }
        for finding in report.findings
    ]
    archived = [{name: getattr(part, name) for name in ARCHIVE} for part in report.archived]
    return {**{name: getattr(report, name) for name in plain}, "archived": archived, "findings": findings}
