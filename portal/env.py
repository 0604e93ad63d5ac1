"""Typed readers of the environment. Each fails loudly and names the variable."""

import base64
import ipaddress
import math
import os
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set")
    return value


def optional(name: str) -> str | None:
    return os.environ.get(name) or None


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")
    return value.lower() in TRUE


def number(name: str, default: float, least: float, most: float) -> float:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise ImproperlyConfigured(f"{name} must be a number from {least:g} to {most:g}, not {value!r}")
    return found


def listing(name: str, default: list[str] | None = None) -> list[str]:
    """Comma-separated words."""
    value = os.environ.get(name)
    if value is None:
        return list(default or [])
    return [word.strip() for word in value.split(",") if word.strip()]


def choice(name: str, options: tuple[str, ...], default: str) -> str:
    value = os.environ.get(name, default)
    if value not in options:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(options)}, not {value!r}")
    return value


def secret(name: str) -> str | None:
    """The secret in NAME, or the content of the file that NAME_FILE names; None when neither is set."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or None
    try:
        value = Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}: {path}") from None
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE is empty: {path}")
    return value


NETWORK_WORDS = {"public", "loopback", "private", "cgnat"}


def networks(name: str, default: list[str] | None) -> list[str]:
    """Words for ranges, or CIDR."""
    found = listing(name, default)
    for network in found:
        if network not in NETWORK_WORDS:
            try:
                ipaddress.ip_network(network)
            except ValueError as wrong:
                raise ImproperlyConfigured(f"{name}: {network!r} is no address range: {wrong}") from None
    return found


def checked_key(name: str, value: str) -> str:
    """A key of 32 bytes in base64, as `rotate_keys` prints them."""
    try:
        whole = len(base64.b64decode(value, altchars=b"-_", validate=True)) == 32
    except ValueError:
        whole = False
    if not whole:
        raise ImproperlyConfigured(f"{name} is no key: 32 bytes in base64 are one")
    return value


def url(name: str, schemes: tuple[str, ...], default: str | None = None) -> str | None:
    """May carry a password, so NAME_FILE is read too."""
    value = secret(name) or default
    if value is not None and parts_of(name, value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must begin with one of {', '.join(s + '://' for s in schemes)}")
    return value


def parts_of(name: str, value: str) -> SplitResult:
    """Raises ImproperlyConfigured with no word of the value: what cannot be read may be its password."""
    try:
        parts = urlsplit(value)
        _ = parts.port  # read when asked for
        lost = f"{parts.path}{parts.query}{parts.fragment}" if parts.netloc else ""
    except ValueError:
        lost = "@"
    if "@" in lost:
        raise ImproperlyConfigured(
            f"{name} cannot be read: in user name and password write / ? # @ : % [ ] as %2F %3F %23 %40 %3A %25 %5B %5D"
        )
    return parts


def parameters(parts: SplitResult) -> dict[str, str]:
    """What stands after the question mark. A plus is a plus there, as PostgreSQL and Redis read it."""
    pairs = (pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {name: unquote(value) for name, value in pairs}


def broker(name: str, value: str) -> str:
    """The Redis of NAME in Celery's words: it calls a unix socket by another name, and must be told to look whose
    certificate it is shown."""
    parts = parts_of(name, value)
    asked = parameters(parts)
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in asked:
        return f"{value}{'&' if parts.query else '?'}ssl_cert_reqs=required"
    if parts.scheme != "unix":
        return value
    unknown = sorted(asked.keys() - {"db"})
    if unknown:
        raise ImproperlyConfigured(f"{name}: unix:// takes db after the question mark, not {', '.join(unknown)}")
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={quote(asked.get('db', '0'))}"


DATABASES = ("sqlite", "postgres", "postgresql")


def database(name: str, default_path: Path, patience: float, kept: float) -> dict[str, object]:
    """Django's description of the database in NAME (sqlite:///path or postgres://user:password@host:port/name).

    patience: seconds PostgreSQL may take for one answer; 0: as long as it likes. kept: seconds for which a thread keeps
    its connection to PostgreSQL; 0: until its request is answered."""
    value = url(name, DATABASES)
    if value is None or value.startswith("sqlite"):
        path = default_path if value is None else Path(urlsplit(value).path.removeprefix("/") or default_path)
        return sqlite(path)
    return postgresql(parts_of(name, value), patience, kept)


def sqlite(path: Path) -> dict[str, object]:
    # IMMEDIATE takes the write lock at BEGIN and waits its turn; DEFERRED fails at the first write instead.
    # Through mmap a report reads a large database without copying each page (measured: a third less time).
    mapped = "PRAGMA mmap_size=1073741824;"
    pragmas = f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; {mapped}"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas},
    }


def postgresql(parts: SplitResult, patience: float, kept: float) -> dict[str, object]:
    asked = parameters(parts)
    # PostgreSQL takes the last word: a limit in the URL is the person's own, all others stay.
    options = " ".join(filter(None, [server_limits(patience), asked.pop("options", "")]))
    return {
        "ENGINE": "portal.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": asked.pop("host", unquote(parts.hostname or "")),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": kept,
        "CONN_HEALTH_CHECKS": True,
        # Without it a hung server holds a request for ever (measured: over 30 s).
        "OPTIONS": {"connect_timeout": 3, **asked, "patience": patience, **({"options": options} if options else {})},
    }


def server_limits(patience: float) -> str:
    """What we no longer wait for, the server shall not go on with; nor keep the locks of a process that was stopped."""
    if not patience:
        return ""
    limits = {"statement_timeout": f"{patience:g}s", "idle_in_transaction_session_timeout": "60s"}
    return " ".join(f"-c {name}={value}" for name, value in limits.items())


def mail(value: str) -> dict[str, object]:
    """Django's mail settings of smtp://user:password@host:port; smtps is TLS from the start, smtp STARTTLS."""
    parts = urlsplit(value)
    tls_from_start = parts.scheme == "smtps"
    return {
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if tls_from_start else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": tls_from_start,
        "EMAIL_USE_TLS": not tls_from_start and bool(parts.username),
    }
