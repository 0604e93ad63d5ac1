"""How the API knows who asks."""

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.request import Request
from rest_framework_simplejwt.tokens import AccessToken

from accounts import tokens
from accounts.models import User

CHALLENGE = 'Bearer realm="api"'


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`. A bad token is 401 even beside a good session."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        scheme, _, token = get_authorization_header(request).decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return tokens.user_of(token.strip())
        except tokens.BadToken as error:
            raise exceptions.AuthenticationFailed(str(error), code="token_not_valid") from error

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class PageSession(SessionAuthentication):
    """The session of the pages, with CSRF enforced."""

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE
