"""What an audit row says: who did what to what, from where. Holds no secret, and nothing without bounds."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from accounts.caller import By
from accounts.models import Team
from bots.models import Bot
from bots.models.sealing import secret_names

LONGEST_TEXT = 500
MOST_DETAILS_BYTES = 16 * 1024

Detail = str | int | bool | None | Sequence["Detail"] | Mapping[str, "Detail"]

SECRET_WORDS = {"password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "apikey", "authorization"}
SECRET_WORDS |= {"cookie", "credential", "credentials", "sealed", "bearer", "jwt"}
SECRET_PAIRS = {("api", "key"), ("private", "key"), ("developer", "key"), ("access", "key")}
# "token_id" names a thing, it is not the thing.
HARMLESS_ENDINGS = {"id", "fields", "count", "names", "changed", "kind"}
USERINFO = re.compile(r"(?<=://)[^/?#\s@]*@")
# PostgreSQL stores neither NUL nor half a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class SecretInAudit(ValueError):
    """A detail is named like a secret. The code that wrote it is wrong."""


@dataclass(frozen=True)
class Actor:
    """Who acts, with which role, from where. `session`: fingerprint or id of the session or token, never itself."""

    name: str = ""
    id: int | None = None
    role: str = ""
    address: str = ""
    client: str = ""
    session: str = ""

    @classmethod
    def of(cls, by: By, team: Team | None = None) -> Self:
        """The person of a request (accounts.caller.by), with the role held in the team."""
        caller = by.caller
        session = caller.token or caller.session
        if by.user is None:
            return cls(address=caller.address, client=caller.user_agent, session=session)
        role = (by.user.role_in(team) if team else None) or ("superuser" if by.user.is_superuser else "")
        return cls(by.user.username, by.user.pk, role, caller.address, caller.user_agent, session)

    @classmethod
    def process(cls, command: str) -> Self:
        """The installation itself, acting through a command on its machine."""
        return cls(name="portal", role="process", client=f"manage.py {command}")


@dataclass(frozen=True)
class Act:
    """One thing done. `details` holds JSON values without floats; every text is cut at 500 characters."""

    action: str
    actor: Actor
    subject: str = ""
    team: str = ""
    team_id: int | None = None
    bot: str = ""
    bot_id: int | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)

    @classmethod
    def on_bot(cls, action: str, actor: Actor, bot: Bot, **details: Detail) -> Self:
        team = bot.team
        return cls(action, actor, bot.name, team.slug, team.pk, bot.slug, bot.pk, details)


def checked_details(details: Mapping[str, Detail]) -> dict[str, Detail]:
    """The details as stored. Raises SecretInAudit; ValueError when over 16 kB of UTF-8; TypeError for a float."""
    clean = {storable(name): _checked(name, value) for name, value in details.items()}
    # Escaped as \uXXXX, permitted tags in Chinese would be twice as large as what anybody typed.
    size = len(json.dumps(clean, ensure_ascii=False).encode())
    if size > MOST_DETAILS_BYTES:
        raise ValueError(f"audit details of {size} bytes: at most {MOST_DETAILS_BYTES}")
    return clean


def _checked(name: str, value: Detail) -> Detail:
    if looks_secret(name):
        raise SecretInAudit(f"{name!r} looks like a secret and may not enter the audit")
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list | tuple):
        return [_checked("", item) for item in value]
    if isinstance(value, Mapping):
        return {storable(key): _checked(key, item) for key, item in value.items()}
    if value is None or isinstance(value, int):
        return value
    raise TypeError(f"audit detail {name!r} is a {type(value).__name__}: write figures as text")


def looks_secret(name: str) -> bool:
    """Also true for every field that some bot system declares secret."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("-", "_").split("_")
    if name in secret_names():
        return True
    if words[-1] in HARMLESS_ENDINGS:
        return False
    return bool(SECRET_WORDS & set(words)) or any(pair in SECRET_PAIRS for pair in pairwise(words))


def storable(text: str, most: int = LONGEST_TEXT) -> str:
    """The text without a password inside an address, without what databases refuse, and not longer than `most`."""
    clean = USERINFO.sub("", UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text))
    return clean if len(clean) <= most else clean[: most - 1] + "…"
