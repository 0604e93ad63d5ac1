"""`fleet/`: totals per currency and mode, from the one function that also draws the Fleet page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.doors import View, asked
from bots.api.shapes import FleetShape, TotalShape
from bots.domain.fleet import FleetQuery, Total, fleet_for

FILTERS = [
    OpenApiParameter("mode", enum=["live", "dry", "both"]),
    OpenApiParameter("state"),
    OpenApiParameter("system"),
    OpenApiParameter("tag"),
    OpenApiParameter("team"),
    OpenApiParameter("currency"),
    OpenApiParameter("search"),
]
TOTAL = list(TotalShape().fields)


class FleetTotals(View):
    @extend_schema(operation_id="fleet_read", parameters=FILTERS, responses=FleetShape)
    def get(self, request: Request) -> Response:
        """What all bots you may see made. Currencies and modes are never added up."""
        fleet = fleet_for(self.user, asked(FleetQuery.parse, request))
        return Response(
            {
                "totals": [written_total(total) for total in fleet.totals],
                "converted": None,
                "converted_reason": "exchange rates are not read yet",
                "counts": fleet.states,
                "bots": fleet.bots,
                "fresh": fleet.fresh,
                "oldest_age_seconds": fleet.oldest_age_seconds,
            }
        )


def written_total(total: Total) -> dict[str, Any]:
    return {name: getattr(total, name) for name in TOTAL}
