"""What every request passes before it reaches its view."""

import ipaddress
import logging
from collections.abc import Awaitable, Callable
from importlib import import_module

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from accounts import setup
from accounts.announcements import NotRecorded

log = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]

# How a proxy that speaks to us over a unix socket is named in PORTAL_TRUSTED_PROXIES.
UNIX_SOCKET = "unix"
FORWARDED = [
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
]


class Proxies:
    """The proxies of PORTAL_TRUSTED_PROXIES: addresses, ranges, or "unix". Raises ImproperlyConfigured."""

    def __init__(self, names: list[str]) -> None:
        self.unix = UNIX_SOCKET in names
        try:
            self.networks = [ipaddress.ip_network(name, strict=False) for name in names if name != UNIX_SOCKET]
        except ValueError as error:
            raise ImproperlyConfigured(f"PORTAL_TRUSTED_PROXIES: {error}") from error

    def include(self, peer: str) -> bool:
        if peer == UNIX_SOCKET:
            return self.unix
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.networks)

    def client_behind(self, peer: str, forwarded_for: str) -> str:
        """The last address in the chain that is no proxy of ours: what stands before it anybody can write."""
        client = peer
        for hop in reversed(forwarded_for.split(",")):
            address = address_in(hop.strip())
            if address is None:
                break
            client = address
            if not self.include(address):
                break
        return "" if client == UNIX_SOCKET else client


class TrustedProxies:
    """The client's address and scheme: what a trusted proxy says, else the connection's own.

    The X-Forwarded-* headers end here; nothing behind can believe them by mistake."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.proxies = Proxies(settings.PORTAL_TRUSTED_PROXIES)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        believe(self.proxies, request)
        return self.get_response(request)


class PortalCors(CorsMiddleware):
    # The allow-list stands in the database, which the event loop must not ask.
    async_capable = False


class SetUpFirst:
    """While nobody exists every page leads to the set-up page."""

    sync_capable = True
    async_capable = False
    other_doors = ("/setup/", "/static/", "/api/", "/gateway/", "/livez", "/readyz", "/metrics")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.somebody_exists = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not self.somebody_exists and not request.path_info.startswith(self.other_doors):
            if setup.needed():
                return HttpResponseRedirect(reverse("setup"))
            self.somebody_exists = True
        return self.get_response(request)


class NothingUnrecorded:
    """What the audit could not write down has not happened: 503, and the session is as it came.

    A login begins its session before it is announced; without this the session would be kept, unrecorded."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if not isinstance(exception, NotRecorded):
            return None
        log.error("not done, because the audit cannot be written: %s %s", request.method, request.path)
        sessions = import_module(settings.SESSION_ENGINE)
        request.session = sessions.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        if request.path_info.startswith("/api/"):
            return JsonResponse({"detail": str(exception), "code": "audit_unavailable"}, status=503)
        return render(request, "503.html", status=503)


def believe(proxies: Proxies, request: HttpRequest) -> None:
    peer = request.META.get("REMOTE_ADDR") or UNIX_SOCKET
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "")
    scheme = request.META.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
    if [name for name in FORWARDED if request.META.pop(name, None) is not None]:
        request.META["portal.forwarded"] = "yes"  # no header can have this name
    if not proxies.include(peer):
        return
    request.META["REMOTE_ADDR"] = proxies.client_behind(peer, forwarded_for)
    if scheme in ("http", "https"):
        set_scheme(request, scheme)


def address_in(hop: str) -> str | None:
    """The address of `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; None for anything else."""
    bare = hop[1:].partition("]")[0] if hop.startswith("[") else hop
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None


def set_scheme(request: HttpRequest, scheme: str) -> None:
    request.META["wsgi.url_scheme"] = scheme
    if isinstance(request, ASGIRequest):
        request.scope["scheme"] = scheme  # type: ignore[index]  # a dict of our own, annotated as read-only
