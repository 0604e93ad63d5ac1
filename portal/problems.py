"""The shape of every error the API answers: `detail`, a stable `code`, and the problem of each field."""

from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        fields = response.data if isinstance(response.data, dict) else {"non_field_errors": response.data}
        response.data = {"detail": "Some fields are not right.", "code": "invalid", "fields": fields}
    elif isinstance(response.data, dict):
        response.data.setdefault("code", code_of(error))
    return response


def code_of(error: Exception) -> str:
    codes = error.get_codes() if isinstance(error, exceptions.APIException) else "not_found"
    return codes if isinstance(codes, str) else "error"
