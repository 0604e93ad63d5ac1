"""What lies below a bot: its time series, and the latest answers of its slow endpoints, each with its age."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.doors import View, asked
from bots.api.moments import from_ms
from bots.api.shapes import BalanceShape, ConfigShape, LockShape, LogLineShape, PairPerformanceShape, SnapshotShape
from bots.domain.latest import Latest, latest, plain_rows
from bots.domain.trades import moment
from bots.models import ConfigVersion, Snapshot

SNAPSHOT = list(SnapshotShape().fields)
VERSIONS_SHOWN = 50
SPAN = [
    OpenApiParameter("from", description="ISO date or date-time"),
    OpenApiParameter("to", description="ISO date or date-time"),
]
Rows = list[dict[str, Any]]


def age_of(reading: Latest[Any]) -> dict[str, Any]:
    names = ("read_at", "age_seconds", "stale", "error")
    return {name: getattr(reading, name) for name in names}


class Snapshots(View):
    @extend_schema(operation_id="bots_snapshots_list", parameters=SPAN, responses=SnapshotShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The time series, newest first: fine for 24 hours, by the minute for 14 days, by the hour for good."""
        bot = self.visible_bot(slug)
        since, until = asked(span, request)
        points = Snapshot.objects.filter(bot=bot, **span_filter(since, until))
        return self.paged(points.order_by("-at").values(*SNAPSHOT))


def span(given: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    return moment(given, "from"), moment(given, "to")


def span_filter(since: datetime | None, until: datetime | None) -> dict[str, datetime]:
    bounds = {"at__gte": since, "at__lte": until}
    return {name: bound for name, bound in bounds.items() if bound is not None}


class ReadingList(View):
    """A list the bot gives as a whole; the age of that answer stands beside the results."""

    kind: str

    def rows_of(self, slug: str, rows: Callable[[Any], Iterable[dict[str, Any]]]) -> Response:
        reading = latest(self.visible_bot(slug), self.kind, timezone.now())
        found = list(rows(reading.value)) if reading.value is not None else []
        return self.paged(found, **age_of(reading))


class PerformanceByPair(ReadingList):
    kind = "performance"

    @extend_schema(operation_id="bots_performance_list", responses=PairPerformanceShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Realized profit by pair, by the bot's own account."""

        def rows(value: Any) -> Iterable[dict[str, Any]]:
            return ({**row, "currency": value.currency} for row in plain_rows(value.pairs))

        return self.rows_of(slug, rows)


class LogLines(ReadingList):
    kind = "logs"

    @extend_schema(operation_id="bots_logs_list", responses=LogLineShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The latest log lines, oldest first."""

        def rows(value: Any) -> Iterable[dict[str, Any]]:
            return ({"at": from_ms(row.pop("at_ms")), **row} for row in plain_rows(value.lines))

        return self.rows_of(slug, rows)


class PairLocks(ReadingList):
    kind = "locks"

    @extend_schema(operation_id="bots_locks_list", responses=LockShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Pairs the bot does not enter at this moment."""

        def rows(value: Any) -> Iterable[dict[str, Any]]:
            for row in plain_rows(value.locks):
                since, until = from_ms(row.pop("from_ms")), from_ms(row.pop("until_ms"))
                yield {**row, "since": since, "until": until}

        return self.rows_of(slug, rows)


class Balance(View):
    @extend_schema(operation_id="bots_balance_read", responses=BalanceShape)
    def get(self, request: Request, slug: str) -> Response:
        """The account as the bot sees it. Null where the bot gave no figure."""
        reading = latest(self.visible_bot(slug), "balance", timezone.now())
        figures = plain_rows([reading.value])[0] if reading.value is not None else NO_BALANCE
        return Response({**figures, **age_of(reading)})


NO_BALANCE: dict[str, Any] = {
    "currency": "",
    "total": None,
    "bot_total": None,
    "starting_capital": None,
    "note": "",
    "currencies": [],
    "missing": [],
}


class Configuration(View):
    @extend_schema(operation_id="bots_config_read", responses=ConfigShape)
    def get(self, request: Request, slug: str) -> Response:
        """The settings the bot reports, and what changed in them when."""
        bot = self.visible_bot(slug)
        reading = latest(bot, "config", timezone.now())
        versions = list(ConfigVersion.objects.filter(bot=bot).values("settings", "seen_at", "changes")[:VERSIONS_SHOWN])
        settings = versions[0]["settings"] if versions else {}
        changes = [{"seen_at": version["seen_at"], "changes": version["changes"]} for version in versions]
        return Response({"settings": settings, "versions": changes, **age_of(reading)})
