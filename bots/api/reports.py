"""`reports/profit/`: the rows that the Reports page shows, as JSON, as CSV or as a workbook."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.doors import View, asked
from bots.api.rendering import Json
from bots.api.shapes import ReportRowShape
from bots.api.streaming import download
from bots.domain.reports import GROUPINGS, Report, ReportQuery, report_for
from bots.domain.reports.csv_text import csv_pieces
from bots.domain.reports.query import PERIODS, SORTS
from bots.domain.reports.report import written
from bots.domain.reports.workbook import workbook

PARAMETERS = [
    OpenApiParameter("group_by", enum=list(GROUPINGS), default="day"),
    OpenApiParameter("from", description="ISO date: closed on this day or later"),
    OpenApiParameter("to", description="ISO date: closed on this day or earlier"),
    OpenApiParameter(
        "period", enum=list(PERIODS), description="Days up to and including today, instead of from and to"
    ),
    OpenApiParameter("bot", description="The bot's slug"),
    OpenApiParameter("bot_tag"),
    OpenApiParameter("team", description="The team's slug"),
    OpenApiParameter("mode", enum=["live", "dry"]),
    OpenApiParameter("currency"),
    OpenApiParameter("tz", description="Where days begin, as Europe/Berlin; else in each team's own zone"),
    OpenApiParameter("ordering", enum=sorted({*SORTS, *(f"-{name}" for name in SORTS)})),
    OpenApiParameter("format", enum=["json", "csv", "xlsx"], description="csv, xlsx: every row, not only one page"),
]


class File(BaseRenderer):
    """What the view streams by itself; here only for `format` and `Accept`."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        raise TypeError("a file is streamed, not rendered")


class Csv(File):
    media_type = "text/csv"
    format = "csv"


class Xlsx(File):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    format = "xlsx"


# What is downloaded: its type and its pieces.
FILES: dict[str, tuple[str, Callable[[Report], Iterator[Any]]]] = {
    "csv": ("text/csv; charset=utf-8", csv_pieces),
    "xlsx": (Xlsx.media_type, workbook),
}
ANSWERS = {
    (200, "application/json"): ReportRowShape(many=True),
    (200, Csv.media_type): OpenApiTypes.STR,
    (200, Xlsx.media_type): OpenApiTypes.BINARY,
}


class ProfitReport(View):
    renderer_classes: tuple[type[BaseRenderer], ...] = (Json, Csv, Xlsx)

    @extend_schema(operation_id="reports_profit", parameters=PARAMETERS, responses=ANSWERS)
    def get(self, request: Request) -> HttpResponseBase:
        """Realized profit of every bot you may see, group by group. Every row and every total is of one currency and
        one mode: unlike ones are never added. Money in the row's currency, ratios as ratios; null is not known."""
        report = report_for(self.user, asked(ReportQuery.parse, request))
        form = getattr(request, "accepted_renderer", Json).format
        if form in FILES:
            kind, pieces = FILES[form]
            return download(request, pieces(report), kind, f"{file_name(report)}.{form}")
        return self.paged(report.rows, lambda rows: [written(row) for row in rows], **beside(report))

    def handle_exception(self, exc: Exception) -> Response:
        """Problems are told as JSON whatever was asked for."""
        answer = super().handle_exception(exc)
        self.request.accepted_renderer, self.request.accepted_media_type = Json(), Json.media_type
        return answer


def file_name(report: Report) -> str:
    return f"profit-by-{report.query.group_by}-{report.first}-{report.last}"


def beside(report: Report) -> dict[str, Any]:
    """What stands next to the rows: totals, the period, and how whole and how old all of it is."""
    return {
        "totals": [written(total) for total in report.totals],
        "group_by": report.query.group_by,
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "tz": report.zone,
        "bots": report.bots,
        "fresh": report.fresh,
        "oldest_age_seconds": report.oldest_age_seconds,
        "not_whole": report.not_whole,
    }
