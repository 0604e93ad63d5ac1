"""So many requests at a time: each has a thread and a connection to the database of its own while it is answered.

A hundred open pages that all hear of one fill ask in the same moment. Without turns they would take every connection
that PostgreSQL gives, and workers and commands would find none.
"""

import threading
from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.db import close_old_connections, connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.origins import is_question
from portal.middleware import PortalCors
from portal.views import BUSY, RETRY_AFTER, answered

PATIENCE_SECONDS = 5.0
ASIDE_SECONDS = 2.0
NEVER_WAIT = ("/livez", "/readyz", "/metrics")  # a busy process is alive, and whoever watches it must see that


class Turns:
    """Who waits longer than PATIENCE_SECONDS for his turn is told to come again: 503."""

    sync_capable = True
    async_capable = False  # waiting in the request's own thread holds nobody else

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.places = threading.BoundedSemaphore(settings.PORTAL_REQUESTS_AT_ONCE)
        self.refuse = cast(Callable[[HttpRequest], HttpResponseBase], CorsAside(busy))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(NEVER_WAIT):
            return self.get_response(request)
        if not self.places.acquire(timeout=PATIENCE_SECONDS):
            return self.refuse(request)
        try:
            response = self.get_response(request)
            if not response.streaming:
                let_go()
            return response
        finally:
            self.places.release()


def busy(request: HttpRequest) -> HttpResponseBase:
    return answered(request, 503, BUSY, "Too many ask at this moment. Try again.", RETRY_AFTER)


class CorsAside(PortalCors):
    """Whose origin is welcome may read that the portal is busy; every other answer passes PortalCors inside a turn, on
    the connection that the request has anyway.

    Those who got no turn ask the allow-list one after another: one more connection for all of them, not one each. Who
    waits for that too long is refused as a stranger."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        self.place = threading.BoundedSemaphore(1)

    def check_signal(self, request: HttpRequest) -> bool:
        if not is_question(request) or not self.place.acquire(timeout=ASIDE_SECONDS):
            return False
        try:
            welcome = super().check_signal(request)
            let_go()
            return welcome
        finally:
            self.place.release()


def let_go() -> None:
    """Of the connection: Django does so when the last byte is read, which is up to the reader."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:  # whoever opened a transaction ends it
        close_old_connections()
