"""`bots/test/`: trying a connection without saving it. A worker tries, since only workers can open sealed secrets."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from kombu.exceptions import OperationalError
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from bots.api.doors import View, acting, checked
from bots.api.shapes import ConnectionTestShape, TestInput
from bots.domain.connection_tests import ask_test
from bots.models import ConnectionTest
from bots.tasks import test_connection


class NoWorker(APIException):
    status_code = 503
    default_code = "broker_unavailable"
    default_detail = "The workers cannot be reached at this moment. Try again."


class TestConnection(View):
    serializer_class: type[Serializer[Any]] = TestInput

    @extend_schema(operation_id="bots_test", request=TestInput, responses={202: ConnectionTestShape})
    def post(self, request: Request) -> Response:
        """Answers at once; ask `bots/test/{id}/` until its state is done. Forgotten after ten minutes."""
        given = checked(TestInput(data=request.data))
        team = self.managed_team(given.pop("team"))
        slug = given.pop("bot", None)
        bot = self.managed_bot(slug) if slug else None
        if bot is not None and bot.team != team:
            raise ValidationError({"bot": [f"{bot.slug} is not a bot of the team {team.slug}"]})
        with acting():
            test = ask_test(self.actor_in(team), team, bot=bot, **given)
        try:
            test_connection.delay(str(test.uuid))
        except OperationalError:
            raise NoWorker from None
        return Response(written_test(test), status=202)


class TestOutcome(View):
    @extend_schema(operation_id="bots_test_read", responses=ConnectionTestShape)
    def get(self, request: Request, uuid: str) -> Response:
        """What came of a test you asked for."""
        return Response(written_test(get_object_or_404(ConnectionTest.objects.asked_by(self.user), uuid=uuid)))


def written_test(test: ConnectionTest) -> dict[str, Any]:
    return {"id": str(test.uuid), "state": test.state, "outcome": test.outcome or None}
