import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.defaults import page_not_found

RETRY_AFTER = {"Retry-After": "5"}
OF_PROGRAMS = ("/api/", "/gateway/")
NO_DATABASE, BUSY = "database_unavailable", "busy"
PAGES = {NO_DATABASE: "503_database.html", BUSY: "503_busy.html"}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A path that nobody answers: a program is told so in its own language."""
    if request.path_info.startswith(OF_PROGRAMS):
        return JsonResponse({"detail": "There is nothing at this path.", "code": "not_found"}, status=404)
    return page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A database that is away is no fault of the request: 503, come again. Everything else is 500."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return answered(request, 503, NO_DATABASE, "The database does not answer. Try again.", RETRY_AFTER)
    return answered(request, 500, "error", "The portal failed; its log says what.", {})


def answered(request: HttpRequest, status: int, code: str, detail: str, headers: dict[str, str]) -> HttpResponse:
    if request.path_info.startswith(OF_PROGRAMS):
        return JsonResponse({"detail": detail, "code": code}, status=status, headers=headers)
    page = render(None, PAGES.get(code, "500.html"), status=status)
    for name, value in headers.items():
        page[name] = value
    return page
