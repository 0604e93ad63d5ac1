"""Tokens of the API: a short access token and a rotating refresh token, both bound to one ApiSession.

Every use asks the database: the session not ended, the person active, the credentials those of the login. So
password change, deactivation, deletion and revocation end both tokens at once. A refresh token is good for one
rotation; a second use means that two hold it, and ends the session.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import announcements
from accounts.announcements import announce
from accounts.caller import By, Caller
from accounts.models import ApiSession, User

# How exact "last used" is; more would be a write with every request.
USE_NOTED_EVERY = timedelta(minutes=1)

AnyToken = TypeVar("AnyToken", AccessToken, "Refresh")


class BadToken(Exception):
    """Log in again."""


class Refresh(RefreshToken):
    """Whether it is spent is asked at the rotation, where a spent token is a theft and not only an error."""

    def check_blacklist(self) -> None:
        return


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str


def issue(user: User, caller: Caller) -> Pair:
    """Begins a session of the API for a person whose password was right a moment ago. Raises BadToken."""
    with transaction.atomic():
        # The password may have been changed while it was being checked.
        # no_key: rows that refer to the person are written meanwhile, and must not wait.
        people = User.objects.select_for_update(no_key=True)
        current = people.filter(pk=user.pk, is_active=True, password=user.password).first()
        if current is None:
            raise BadToken("These credentials have just been changed.")
        session = ApiSession.objects.create(
            user=current,
            credentials=current.get_session_auth_hash(),
            network=caller.network,
            user_agent=caller.user_agent,
        )
        announce(announcements.token_issued, By(current, caller), current.username, api_session=str(session.pk))
    return pair_of(session)


def rotate(text: str, caller: Caller) -> Pair:
    """A new pair for an unused refresh token. Raises BadToken."""
    refresh = decoded(Refresh, text)
    with transaction.atomic():
        session = standing_session(refresh, lock=True)
        unused = spend(refresh)
        if unused:
            note_use(session)
        else:
            end(session)
            announce(
                announcements.token_theft, By(session.user, caller), session.user.username, api_session=str(session.pk)
            )
    if not unused:
        raise BadToken("This refresh token was used before: the session is ended.")
    return pair_of(session)


def revoke(text: str, caller: Caller) -> None:
    """Ends the session of a refresh or access token, both tokens at once; a second time changes nothing.

    Raises BadToken for what is no token of ours."""
    try:
        token: AccessToken | Refresh = decoded(Refresh, text)
    except BadToken:
        token = decoded(AccessToken, text)
    with transaction.atomic():
        session = ApiSession.objects.select_for_update().filter(pk=session_id(token)).first()
        if session is None:
            raise BadToken("This session is gone.")
        end_session(session, By(session.user, caller))


@transaction.atomic
def end_session(session: ApiSession, by: By) -> None:
    if end(session):
        announce(announcements.token_revoked, by, session.user.username, api_session=str(session.pk))


def user_of(text: str) -> tuple[User, AccessToken]:
    """The person who holds this access token. Raises BadToken."""
    access = decoded(AccessToken, text)
    session = standing_session(access)
    note_use(session)
    return session.user, access


def forget_old() -> int:
    """Removes sessions and spent tokens that nothing can revive; how many rows."""
    now = timezone.now()
    unusable_since = now - timedelta(seconds=settings.JWT_REFRESH_SECONDS)
    sessions = ApiSession.objects.filter(last_used_at__lt=unusable_since)
    return OutstandingToken.objects.filter(expires_at__lt=now).delete()[0] + sessions.delete()[0]


def pair_of(session: ApiSession) -> Pair:
    refresh = Refresh()
    refresh["sub"] = str(session.user_id)
    refresh["sid"] = str(session.pk)
    return Pair(str(refresh.access_token), str(refresh))


def decoded(kind: type[AnyToken], text: str) -> AnyToken:
    try:
        return kind(text)  # type: ignore[arg-type]  # annotated as Token, decodes text
    except TokenError as error:
        raise BadToken(str(error)) from error


def standing_session(token: AccessToken | Refresh, lock: bool = False) -> ApiSession:
    sessions = ApiSession.objects.select_related("user")
    if lock:
        sessions = sessions.select_for_update(of=("self",))
    session = sessions.filter(pk=session_id(token), user_id=token.get("sub")).first()
    if session is None or not session.stands():
        raise BadToken("This session is ended.")
    return session


def session_id(token: AccessToken | Refresh) -> UUID:
    try:
        return UUID(token["sid"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadToken("This token names no session.") from error


def spend(refresh: Refresh) -> bool:
    """False when it was spent before. Only spent tokens are ever stored: a stolen table opens nothing."""
    # Annotated as the row alone; it is the answer of get_or_create.
    _, unused = cast(tuple[BlacklistedToken, bool], refresh.blacklist())
    return unused


def end(session: ApiSession) -> bool:
    """False when it had ended before."""
    return bool(ApiSession.objects.running().filter(pk=session.pk).update(ended_at=timezone.now()))


def note_use(session: ApiSession) -> None:
    now = timezone.now()
    due = Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if session.last_used_at < now - USE_NOTED_EVERY:
        ApiSession.objects.filter(due, pk=session.pk).update(last_used_at=now)
