"""`reports/profit/`: the rows that the Reports page shows, as JSON or as CSV."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.doors import View, asked
from bots.api.rendering import Json
from bots.api.shapes import ReportRowShape
from bots.domain.reports import GROUPINGS, Report, ReportQuery, report_for
from bots.domain.reports.csv_text import csv_text
from bots.domain.reports.query import PERIODS, SORTS
from bots.domain.reports.report import written

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
    OpenApiParameter("format", enum=["json", "csv"], description="csv: every row, not only one page"),
]


class Csv(BaseRenderer):
    """What the view wrote as text."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return str(data).encode()


class ProfitReport(View):
    renderer_classes: tuple[type[BaseRenderer], ...] = (Json, Csv)

    @extend_schema(operation_id="reports_profit", parameters=PARAMETERS, responses=ReportRowShape(many=True))
    def get(self, request: Request) -> Response:
        """Realized profit of every bot you may see, group by group. Every row and every total is of one currency and
        one mode: unlike ones are never added. Money in the row's currency, ratios as ratios; null is not known."""
        report = report_for(self.user, asked(ReportQuery.parse, request))
        if getattr(request, "accepted_renderer", None) and request.accepted_renderer.format == "csv":
            headers = {"Content-Disposition": f'attachment; filename="{file_name(report)}"'}
            return Response(csv_text(report), headers={**headers, "Cache-Control": "private, no-store"})
        return self.paged(report.rows, lambda rows: [written(row) for row in rows], **beside(report))

    def handle_exception(self, exc: Exception) -> Response:
        """Problems are told as JSON whatever was asked for."""
        answer = super().handle_exception(exc)
        self.request.accepted_renderer, self.request.accepted_media_type = Json(), Json.media_type
        return answer


def file_name(report: Report) -> str:
    return f"profit-by-{report.query.group_by}-{report.first}-{report.last}.csv"


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
