"""Coming in with a name and a password: one way for the page, the admin and the API."""

import logging

from django.contrib.auth import authenticate
from django.contrib.auth import login as begin_session
from django.contrib.auth import logout as end_session
from django.db import transaction
from django.http import HttpRequest
from rest_framework.request import Request

from accounts import announcements, throttle
from accounts.announcements import announce
from accounts.caller import By, by, caller_of
from accounts.models import User

log = logging.getLogger(__name__)


class WrongCredentials(Exception):
    """No such name, a wrong password, or a deactivated person: nobody is told which."""

    def __init__(self, tries_left: int) -> None:
        super().__init__("That name and password do not match.")
        self.tries_left = tries_left


def person_with(request: HttpRequest | Request, username: str, password: str) -> User:
    """The person these credentials belong to. Raises WrongCredentials or throttle.TooManyTries.

    The throttle is asked again after the password was right: of many tries at once, a right one that comes after too
    many wrong ones is refused like them."""
    network = caller_of(request).network
    throttle.check(username, network)
    user = authenticate(getattr(request, "_request", request), username=username, password=password)
    if user is None:
        raise refused(request, username, network)
    throttle.check(username, network)
    throttle.forget_failures(username, network)
    return user  # type: ignore[return-value]  # our backend knows only accounts.User


def refused(request: HttpRequest | Request, username: str, network: str) -> WrongCredentials:
    crowded_before = throttle.is_crowded(network)
    tries_left = throttle.count_failure(username, network)
    crowded = throttle.is_crowded(network)
    # Beyond the network's bound invented names are no longer written down one by one: they could fill the audit.
    if not crowded_before or is_somebody(username):
        tell_failure(request, username, tries_left, network_crowded=crowded and not crowded_before)
    return WrongCredentials(tries_left)


def tell_failure(request: HttpRequest | Request, username: str, tries_left: int, network_crowded: bool) -> None:
    asked_by = By(None, caller_of(request))
    # People type passwords into the field of the name: only names that exist are written down.
    subject = username if is_somebody(username) else "(unknown name)"
    network = asked_by.caller.network
    with transaction.atomic():
        announce(announcements.login_failed, asked_by, subject, network=network, tries_left=tries_left)
        if tries_left == 0:
            announce(announcements.login_blocked, asked_by, subject, network=network)
        if network_crowded:
            announce(announcements.login_blocked, asked_by, "(all names)", network=network)


def is_somebody(username: str) -> bool:
    return User.objects.filter(username=username).exists()


def log_in(request: HttpRequest, user: User) -> None:
    with transaction.atomic():
        begin_session(request, user)
        announce(announcements.logged_in, by(request), user.username)


def log_out(request: HttpRequest) -> None:
    asked_by = by(request)
    with transaction.atomic():
        end_session(request)
        if asked_by.user:
            announce(announcements.logged_out, asked_by, asked_by.user.username)
