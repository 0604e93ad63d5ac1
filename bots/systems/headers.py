"""Header lines of requests as they are sent: made once for many requests, most of which carry the same."""

import re
from base64 import b64encode
from typing import NewType

from bots.systems.errors import WrongSettings

HeaderLines = NewType("HeaderLines", bytes)  # each ended; only `header_lines` makes them of texts
NO_HEADERS = HeaderLines(b"")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def header_lines(*lines: str) -> HeaderLines:
    """Raises WrongSettings: each may have one line alone, of signs that a header may have."""
    if any(map(_CONTROL.search, lines)):
        raise WrongSettings("A header may have one line alone, and no control signs")
    try:
        return HeaderLines("".join(f"{line}\r\n" for line in lines).encode("latin-1"))
    except UnicodeEncodeError:
        raise WrongSettings("A header may have Latin signs alone") from None


def basic_authorization(username: str, password: str) -> HeaderLines:
    """Carries a name and a password."""
    return header_lines("Authorization: Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii"))
