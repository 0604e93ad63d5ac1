"""`destinations/`: where a team's alerts are told, and what became of each. Addresses are written, never read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError as WrongInput
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from bots.api.destination_shapes import DeliveryShape, DestinationChange, DestinationInput, DestinationShape
from bots.api.doors import View, acting, checked
from bots.domain.alerts import destinations as acts
from bots.models import Delivery, Destination

TEAM = OpenApiParameter("team", description="Slug; else of all your teams")


class DestinationView(View):
    def visible(self, number: int) -> Destination:
        return get_object_or_404(acts.destinations_of(self.user), pk=number)

    def written(self, number: int) -> dict[str, Any]:
        return next(iter(written_destinations([self.visible(number)])))

    def managed(self, number: int) -> Destination:
        found = self.visible(number)
        if not Destination.objects.managed_by(self.user).filter(pk=found.pk).exists():
            raise PermissionDenied("Only a manager of the team may do this.")
        return found


class Destinations(DestinationView):
    serializer_class: type[Serializer[Any]] = DestinationInput

    @extend_schema(operation_id="destinations_list", parameters=[TEAM], responses=DestinationShape(many=True))
    def get(self, request: Request) -> Response:
        """Where the alerts of your teams are told."""
        slug = request.query_params.get("team")
        team = self.visible_team(slug) if slug else None
        return self.paged(acts.destinations_of(self.user, team), written_destinations)

    @extend_schema(operation_id="destinations_create", request=DestinationInput, responses={201: DestinationShape})
    def post(self, request: Request) -> Response:
        """Add one. Its address and secret are sealed: nobody reads them again, not even you."""
        given = checked(DestinationInput(data=request.data))
        team = self.managed_team(given.pop("team"))
        with acting_on_fields():
            fresh = acts.add_destination(self.actor_in(team), team, **given)
        return Response(self.written(fresh.pk), status=201)


class OneDestination(DestinationView):
    serializer_class: type[Serializer[Any]] = DestinationChange

    @extend_schema(operation_id="destinations_read", responses=DestinationShape)
    def get(self, request: Request, number: int) -> Response:
        return Response(self.written(number))

    @extend_schema(operation_id="destinations_change", request=DestinationChange, responses=DestinationShape)
    def patch(self, request: Request, number: int) -> Response:
        """What is not given stays; so do an address and a secret left empty."""
        found = self.managed(number)
        given = checked(DestinationChange(data=request.data, partial=True))
        with acting_on_fields():
            acts.change_destination(self.actor_in(found.team), found, **given)
        return Response(self.written(number))

    @extend_schema(operation_id="destinations_remove", responses={204: None})
    def delete(self, request: Request, number: int) -> Response:
        """Its secrets are erased and nothing more is told there."""
        found = self.managed(number)
        with acting_on_fields():
            acts.remove_destination(self.actor_in(found.team), found)
        return Response(status=204)


class TestDestination(DestinationView):
    @extend_schema(operation_id="destinations_test", request=None, responses={202: DeliveryShape})
    def post(self, request: Request, number: int) -> Response:
        """A worker sends a test within seconds, once; ask `deliveries/` what became of it."""
        found = self.managed(number)
        with acting_on_fields():
            test = acts.try_destination(self.actor_in(found.team), found)
        return Response(written_delivery(test), status=202)


class Deliveries(DestinationView):
    @extend_schema(operation_id="destinations_deliveries", responses=DeliveryShape(many=True))
    def get(self, request: Request, number: int) -> Response:
        """What was told there, newest first, and what became of it."""
        return self.paged(acts.deliveries_of(self.visible(number)), lambda page: map(written_delivery, page))


@contextmanager
def acting_on_fields() -> Iterator[None]:
    """As `acting`, but each problem stands under the field's own name."""
    with acting():
        try:
            yield
        except WrongInput as problem:
            fields = problem.message_dict if hasattr(problem, "error_dict") else {"non_field_errors": problem.messages}
            raise ValidationError(fields) from None


def written_destinations(page: list[Destination]) -> Iterable[dict[str, Any]]:
    last = acts.last_deliveries(page)
    return [written_destination(destination, last.get(destination.pk)) for destination in page]


def written_destination(destination: Destination, last: Delivery | None) -> dict[str, Any]:
    return {
        "id": destination.pk,
        "team": destination.team.slug,
        "kind": destination.kind,
        "name": destination.name,
        "shown": destination.shown,
        "set_fields": sorted(destination.sealed),
        "least": destination.least,
        "mode": destination.mode,
        "enabled": destination.enabled,
        "most_per_hour": destination.most_per_hour,
        "created_at": destination.created_at,
        "created_by": destination.created_by_name,
        "last": written_delivery(last) if last else None,
    }


def written_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.pk,
        "what": delivery.what,
        "alert": delivery.alert_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "maybe_twice": bool(delivery.unsure),
        "part_of": delivery.part_of_id,
        "digest_state": delivery.part_of.state if delivery.part_of else None,
        "created_at": delivery.created_at,
        "next_try_at": delivery.next_try_at if delivery.state == Delivery.PENDING else None,
        "begun_at": delivery.begun_at,
        "ended_at": delivery.ended_at,
        "took_ms": delivery.took_ms,
        "code": delivery.code,
        "words": delivery.words,
        "asked_by": delivery.asked_by_name,
        "counts": delivery.data,
    }
