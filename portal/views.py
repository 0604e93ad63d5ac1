import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.defaults import page_not_found

RETRY_AFTER = {"Retry-After": "5"}
OF_PROGRAMS = ("/api/", "/gateway/")


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
        return answered(request, 503, "database_unavailable", "The database does not answer. Try again.", RETRY_AFTER)
    return answered(request, 500, "error", "The portal failed; its log says what.", {})


def answered(request: HttpRequest, status: int, code: str, detail: str, headers: dict[str, str]) -> HttpResponse:
    if request.path_info.startswith(OF_PROGRAMS):
        return JsonResponse({"detail": detail, "code": code}, status=status, headers=headers)
    template = "503_database.html" if status == 503 else "500.html"
    page = render(None, template, status=status)
    for name, value in headers.items():
        page[name] = value
    return page
