"""The endpoints about oneself: tokens, and who one is."""

from typing import Any, cast

from django.db.models import F
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import login, throttle, tokens
from accounts.authentication import CHALLENGE
from accounts.caller import caller_of
from accounts.models import User


class Credentials(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False, style={"input_type": "password"})


class RefreshText(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class TokenPair(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class TeamOfMine(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()


class Me(serializers.Serializer[Any]):
    username = serializers.CharField()
    email = serializers.CharField()
    time_zone = serializers.CharField()
    is_superuser = serializers.BooleanField()
    teams = TeamOfMine(many=True)


class TokenDoor(APIView):
    """Base of the endpoints that hand out tokens: open to everybody, deaf to cookies."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = ()
    permission_classes = ()

    def get_authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class IssueToken(TokenDoor):
    @extend_schema(request=Credentials, responses=TokenPair, operation_id="token_create", auth=[])
    def post(self, request: Request) -> Response:
        """Exchanges name and password for an access token (10 minutes) and a refresh token (14 days, one use).

        429 with Retry-After after too many failures."""
        given = checked(Credentials, request)
        try:
            user = login.person_with(request, given["username"], given["password"])
            pair = tokens.issue(user, caller_of(request))
        except throttle.TooManyTries as error:
            raise exceptions.Throttled(wait=error.retry_after) from error
        except (login.WrongCredentials, tokens.BadToken) as error:
            raise exceptions.AuthenticationFailed(str(error), code="wrong_credentials") from error
        return Response(TokenPair(pair).data)


class RefreshToken(TokenDoor):
    @extend_schema(request=RefreshText, responses=TokenPair, operation_id="token_refresh", auth=[])
    def post(self, request: Request) -> Response:
        """Exchanges a refresh token for a new pair. A refresh token used twice ends its session."""
        try:
            pair = tokens.rotate(checked(RefreshText, request)["refresh"], caller_of(request))
        except tokens.BadToken as error:
            raise exceptions.AuthenticationFailed(str(error), code="token_not_valid") from error
        return Response(TokenPair(pair).data)


class RevokeToken(TokenDoor):
    @extend_schema(request=RefreshText, responses={200: None}, operation_id="token_revoke", auth=[])
    def post(self, request: Request) -> Response:
        """Ends the session of a refresh token: its access token is dead at once too."""
        try:
            tokens.revoke(checked(RefreshText, request)["refresh"], caller_of(request))
        except tokens.BadToken as error:
            raise exceptions.AuthenticationFailed(str(error), code="token_not_valid") from error
        return Response({})


class WhoAmI(APIView):
    @extend_schema(responses=Me, operation_id="me")
    def get(self, request: Request) -> Response:
        """The person these credentials belong to, and what he is in which team."""
        user = cast(User, request.user)
        teams = user.memberships.values("role", slug=F("team__slug"), name=F("team__name"))
        facts = {name: getattr(user, name) for name in ("username", "email", "time_zone", "is_superuser")}
        return Response(Me({**facts, "teams": list(teams)}).data)


def checked(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    validated: dict[str, Any] = serializer.validated_data
    return validated
