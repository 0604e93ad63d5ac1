"""So many requests at a time: each has a thread and a connection to the database of its own while it is answered.

A hundred open pages that all hear of one fill ask in the same moment. Without turns they would take every connection
that PostgreSQL gives, and workers and commands would find none.
"""

import threading
from collections.abc import Callable

from django.conf import settings
from django.db import close_old_connections, connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.views import BUSY, RETRY_AFTER, answered

PATIENCE_SECONDS = 5.0
NEVER_WAIT = ("/livez", "/readyz", "/metrics")  # a busy process is alive, and whoever watches it must see that


class Turns:
    """Who waits longer than PATIENCE_SECONDS for his turn is told to come again: 503."""

    sync_capable = True
    async_capable = False  # waiting in the request's own thread holds nobody else

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.places = threading.BoundedSemaphore(settings.PORTAL_REQUESTS_AT_ONCE)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(NEVER_WAIT):
            return self.get_response(request)
        if not self.places.acquire(timeout=PATIENCE_SECONDS):
            return answered(request, 503, BUSY, "Too many ask at this moment. Try again.", RETRY_AFTER)
        try:
            response = self.get_response(request)
            if not response.streaming:
                let_go()
            return response
        finally:
            self.places.release()


def let_go() -> None:
    """Of the connection: Django does so when the last byte is read, which is up to the reader."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:  # whoever opened a transaction ends it
        close_old_connections()
