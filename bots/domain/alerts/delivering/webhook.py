"""A webhook: one signed JSON POST through the portal's own HTTP door (address check, no redirects, cap, deadline)."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from bots.domain.alerts.delivering.outcome import AGAIN, REFUSED, UNSURE, Outcome, of_status
from bots.models.doors import checked_webhook_url, open_webhook_door
from bots.systems.errors import BotError, TryAgain, WrongSettings

SIGNATURE = "X-Portal-Signature"
NUMBER = "X-Portal-Delivery"


def post(url: str, key: str, number: str, payload: Mapping[str, Any]) -> Outcome:
    """`number` stays the same when the same delivery is sent again: a receiver knows it by that. The address is looked
    at again: a row may be older than a check, or written by somebody else."""
    try:
        url = checked_webhook_url(url)
    except WrongSettings as problem:
        return Outcome(REFUSED, problem.code, str(problem))
    body = orjson.dumps(payload)
    stamp = int(time.time())
    lines = [
        "Content-Type: application/json",
        f"{NUMBER}: {number}",
        f"{SIGNATURE}: t={stamp},v1={signature(key, stamp, body)}",
    ]
    who = urlsplit(url).hostname or "the webhook"
    return asyncio.run(posted(url, who, body, lines))


def signature(key: str, stamp: int, body: bytes) -> str:
    """HMAC-SHA256 over "<Unix seconds>.<body>", in hexadecimal digits."""
    return hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


async def posted(url: str, who: str, body: bytes, lines: list[str]) -> Outcome:
    door = open_webhook_door()
    try:
        answer = await door.request("POST", url, body=body, more=lines)
    except BotError as error:
        return failed(error)
    finally:
        await door.aclose()
    return of_status(answer.status, who, answer.retry_after)


def failed(error: BotError) -> Outcome:
    """The door's sentences name host and port, never path or query."""
    if error.code == "redirected":  # the door's sentence is about bots
        return Outcome(REFUSED, error.code, "It answers with a redirect, and none is followed: enter where it leads")
    if not isinstance(error, TryAgain):
        return Outcome(REFUSED, error.code, str(error))
    return Outcome(UNSURE if error.may_have_happened else AGAIN, error.code, str(error))
