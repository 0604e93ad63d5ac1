"""Refusals of the releases before 2021.1, in the pages and words of the web framework they had."""

import json

from .auth import Refused
from .wire import Answer, Request, said

PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<title>{title}</title>\n<h1>{name}</h1>\n<p>{words}</p>\n'
)
WRONG_METHOD = "The method is not allowed for the requested URL."
FAILED = (
    "The server encountered an internal error and was unable to complete your request. Either the server is overloaded"
    " or there is an error in the application."
)
BAD_REQUEST = "The browser (or proxy) sent a request that this server could not understand."


def page(status: int, name: str, words: str, **headers: str) -> Answer:
    body = PAGE.format(title=f"{status} {name}", name=name, words=words)
    return Answer(status, body.encode(), "text/html; charset=utf-8", headers)


def wrong_method(allowed: list[str]) -> Answer:
    """GET brings HEAD with it."""
    names = {"OPTIONS", *allowed} | ({"HEAD"} if "GET" in allowed else set())
    order = [name for name in ("OPTIONS", "HEAD", "GET", "DELETE", "POST") if name in names]
    return page(405, "Method Not Allowed", WRONG_METHOD, allow=", ".join(order))


def failed() -> Answer:
    return page(500, "Internal Server Error", FAILED)


def bad_request() -> Answer:
    return page(400, "Bad Request", BAD_REQUEST)


def no_call(request: Request) -> Answer:
    url = f"http://{request.headers.get('host', '')}{request.path}"
    return said(404, {"code": 404, "reason": f"There's no API call for {url}.", "status": "error"})


def denied(refusal: Refused) -> Answer:
    """A token that is none is 422, an expired one 401."""
    if refusal.challenge == "Bearer":
        if refusal.expired:
            return said(401, {"msg": "Token has expired"})
        return said(422, {"msg": "Not a valid token"})
    return Answer(401, json.dumps({"error": "Unauthorized"}).encode())
