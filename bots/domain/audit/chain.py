"""The keyed chain: every row carries a digest over itself and the digest of the row before it.

The key lives outside the database (derived from SECRET_KEY), so its owner can break the chain but not mend it. The id
is not signed: the order is what the chain says, and ids without gaps are checked beside it.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

SIGNED = (
    *("at", "action", "actor", "actor_id", "role", "team", "team_id", "bot", "bot_id", "subject"),
    *("address", "client", "session", "details", "key_id", "previous"),
)
COLUMNS = ("id", *SIGNED, "digest")
# `previous` of the very first row.
BEGINNING = ""


class UnknownKey(Exception):
    """The row was signed with a key that SECRET_KEY and SECRET_KEY_FALLBACKS do not give."""


def current_key_id() -> str:
    return next(iter(settings.PORTAL_AUDIT_KEYS))


def digest_of(row: Mapping[str, Any]) -> str:
    """HMAC-SHA256 (hex) over every signed column. Raises UnknownKey."""
    key = settings.PORTAL_AUDIT_KEYS.get(row["key_id"])
    if key is None:
        raise UnknownKey(str(row["key_id"]))
    return hmac.new(key, canonical(row), hashlib.sha256).hexdigest()


def canonical(row: Mapping[str, Any]) -> bytes:
    """One spelling for one content, on every database."""
    return json.dumps(
        {name: row[name] for name in SIGNED}, sort_keys=True, separators=(",", ":"), default=_moment
    ).encode()


def _moment(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"a {type(value).__name__} cannot be signed")
    return value.astimezone(UTC).isoformat(timespec="microseconds")
