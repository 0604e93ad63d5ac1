"""`fleet/drift/`: which settings differ between the bots, from the function that also draws the page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.doors import View, asked
from bots.api.shapes import DriftShape
from bots.domain.drift import DriftQuery, SettingRow, drift_for

FILTERS = [
    *(OpenApiParameter(name) for name in ("tag", "strategy", "system", "team")),
    OpenApiParameter("search", description="Within the name of the setting"),
    OpenApiParameter("mode", enum=["live", "dry"]),
    OpenApiParameter("lacking", bool, description="Also settings that only some bots report"),
]


class FleetDrift(View):
    @extend_schema(operation_id="fleet_drift_read", parameters=FILTERS, responses=DriftShape)
    def get(self, request: Request) -> Response:
        """Settings that are not the same at all bots you may see, with the bots that have each value."""
        drift = drift_for(self.user, asked(DriftQuery.parse, request))
        return Response(
            {
                "bots": len(drift.compared),
                "settings": drift.settings,
                "unread": [bot.slug for bot in drift.unread],
                "oldest_read_at": drift.oldest[1] if drift.oldest else None,
                "rows": [written_row(row) for row in drift.rows],
            }
        )


def written_row(row: SettingRow) -> dict[str, Any]:
    values = [
        {"value": group.value, "reported": group.reported, "bots": [bot.slug for bot in group.bots]}
        for group in row.groups
    ]
    return {"name": row.name, "values": values}
