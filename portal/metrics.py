"""/metrics, in Prometheus' text format: the installation's figures, and those of the process that answers.

With PORTAL_METRICS_TOKEN it asks for that token; without one it is there for programs on the same machine as an
embedded portal, and for nobody in a team installation.
"""

import resource
import sys
import time
from ipaddress import ip_address
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bots.live import hub
from bots.metrics import Metric, gauge, installation, text_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BEGAN = time.time()
STATM = Path("/proc/self/statm")
CPU_TIME = "CPU time of the process that answers"


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    refusal = refused(request)
    if refusal is not None:
        return refusal
    try:
        text = text_of([*installation(), gauge("portal_database_up", "Whether the database answers", ({}, 1))])
    except DatabaseError:
        text = text_of([gauge("portal_database_up", "Whether the database answers", ({}, 0))])
    return HttpResponse(text + text_of(process()), content_type=CONTENT_TYPE)


def refused(request: HttpRequest) -> HttpResponse | None:
    """None: the caller may know."""
    if not settings.PORTAL_METRICS_TOKEN:
        return None if settings.EMBEDDED and from_this_machine(request) else HttpResponse(status=404)
    given = request.headers.get("Authorization", "")
    if constant_time_compare(given, f"Bearer {settings.PORTAL_METRICS_TOKEN}"):
        return None
    return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})


def from_this_machine(request: HttpRequest) -> bool:
    """Behind a proxy on this machine everybody would seem to be here: what was forwarded is not."""
    if "portal.forwarded" in request.META:
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def process() -> list[Metric]:
    """Of this process alone: scrape each web process by its own address."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return [
        gauge("portal_process_sockets", "Browsers connected to the process that answers", ({}, hub.sockets())),
        gauge("portal_process_uptime_seconds", "Since the process that answers began", ({}, time.time() - BEGAN)),
        gauge("portal_process_peak_memory_bytes", "Most memory the process that answers ever had", ({}, peak)),
        gauge("portal_process_memory_bytes", "Memory the process that answers has now", ({}, resident())),
        Metric("portal_process_cpu_seconds_total", "counter", CPU_TIME, [({}, time.process_time())]),
    ]


def resident() -> int | None:
    """Only Linux tells it at no cost."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return None


urlpatterns = [path("metrics", metrics, name="metrics")]
