"""422: how the bots' web framework refuses a request, in the words of pydantic 1 (before 2023.8) and 2."""

import json
from datetime import datetime
from typing import Any

from . import flask
from .releases import Release
from .wire import Refusal, Request, said

Problem = dict[str, Any]


def invalid(problem: Problem) -> Refusal:
    return Refusal(said(422, {"detail": [problem]}))


def modern(release: Release) -> bool:
    return release.since("2023.8")


def body_of(release: Release, request: Request) -> Any:
    """The JSON body. Raises Refusal (422) when it is missing or no JSON."""
    if not request.body and release.flask:
        raise Refusal(flask.failed())
    if not request.body:
        raise invalid(missing(release, ["body"]))
    try:
        return json.loads(request.body)
    except json.JSONDecodeError as broken:
        if release.flask:
            raise Refusal(flask.bad_request()) from None
        raise invalid(no_json(release, broken)) from None


def object_of(release: Release, request: Request) -> dict[str, Any]:
    body = body_of(release, request)
    if not isinstance(body, dict):
        raise invalid(missing(release, ["body"], body))
    return body


def required(release: Release, body: dict[str, Any], name: str) -> Any:
    if body.get(name) is None:
        raise invalid(missing(release, ["body", name], body))
    return body[name]


def missing(release: Release, where: list[str], given: object = None) -> Problem:
    if modern(release):
        return {"type": "missing", "loc": where, "msg": "Field required", "input": given}
    return {"loc": where, "msg": "field required", "type": "value_error.missing"}


def no_json(release: Release, broken: json.JSONDecodeError) -> Problem:
    if modern(release):
        context = {"error": broken.msg}
        return {
            "type": "json_invalid",
            "loc": ["body", broken.pos],
            "msg": "JSON decode error",
            "input": {},
            "ctx": context,
        }
    where: Problem = {
        "msg": broken.msg,
        "doc": broken.doc,
        "pos": broken.pos,
        "lineno": broken.lineno,
        "colno": broken.colno,
    }
    return {"loc": ["body", broken.pos], "msg": str(broken), "type": "value_error.jsondecode", "ctx": where}


def trade_id_of(release: Release, body: dict[str, Any]) -> str:
    """A text; from 2023.8 to 2024.1 a number is refused."""
    given = required(release, body, "tradeid")
    if isinstance(given, int) and modern(release) and not release.since("2024.2"):
        words = "Input should be a valid string"
        raise invalid({"type": "string_type", "loc": ["body", "tradeid"], "msg": words, "input": given})
    return str(given)


def figure_of(release: Release, body: dict[str, Any], name: str) -> float | None:
    """A number, also as text. Raises Refusal: 422, or the page of a function that fell over."""
    given = body.get(name)
    if given is None:
        return None
    try:
        return float(given)
    except (TypeError, ValueError):
        pass
    if release.flask:
        raise Refusal(flask.failed())
    if modern(release):
        words = "Input should be a valid number, unable to parse string as a number"
        raise invalid({"type": "float_parsing", "loc": ["body", name], "msg": words, "input": given})
    raise invalid({"loc": ["body", name], "msg": "value is not a valid float", "type": "type_error.float"})


def order_type_of(release: Release, body: dict[str, Any]) -> str | None:
    """None, "limit" or "market". Before 2021.12 nobody looks."""
    if not release.since("2021.12"):
        return None
    given = body.get("ordertype")
    if given in (None, "limit", "market"):
        return given
    where = ["body", "ordertype"]
    if modern(release):
        words, context = "Input should be 'limit' or 'market'", {"expected": "'limit' or 'market'"}
        raise invalid({"type": "enum", "loc": where, "msg": words, "input": given, "ctx": context})
    words = "value is not a valid enumeration member; permitted: 'limit', 'market'"
    raise invalid({"loc": where, "msg": words, "type": "type_error.enum", "ctx": {"enum_values": ["limit", "market"]}})


def number_of(release: Release, request: Request, name: str, default: int | None) -> int | None:
    """An integer of the query. Raises Refusal (422)."""
    given = request.last(name) if name in request.query else None
    if given is None:
        return default
    return whole(release, given, ["query", name])


def whole(release: Release, given: str, where: list[str]) -> int:
    try:
        return int(given)
    except ValueError:
        pass
    if release.flask:
        raise Refusal(flask.failed())
    if modern(release):
        words = "Input should be a valid integer, unable to parse string as an integer"
        raise invalid({"type": "int_parsing", "loc": where, "msg": words, "input": given})
    raise invalid({"loc": where, "msg": "value is not a valid integer", "type": "type_error.integer"})


def at_least_one(number: int, name: str) -> int:
    if number >= 1:
        return number
    words = "Input should be greater than or equal to 1"
    where = ["query", name]
    raise invalid({"type": "greater_than_equal", "loc": where, "msg": words, "input": str(number), "ctx": {"ge": 1}})


def moment_of(given: object, number: int) -> datetime:
    """The `until` of lock `number`, which must carry a zone."""
    where = ["body", number, "until"]
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError:
        problem = {"type": "datetime_from_date_parsing", "loc": where, "msg": "Input should be a valid datetime"}
        raise invalid({**problem, "input": given}) from None
    if moment.tzinfo is None:
        words = "Input should have timezone info"
        raise invalid({"type": "timezone_aware", "loc": where, "msg": words, "input": given})
    return moment
