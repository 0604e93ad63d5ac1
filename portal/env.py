"""Typed readers of the environment. Each fails loudly and names the variable."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

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


def number(name: str, default: float) -> float:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}") from None


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


def url(name: str, schemes: tuple[str, ...], default: str | None = None) -> str | None:
    value = os.environ.get(name) or default
    if value is not None and urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must begin with one of {', '.join(s + '://' for s in schemes)}")
    return value


def database(name: str, default_path: Path) -> dict[str, object]:
    """Django's description of the database in NAME (sqlite:///path or postgres://user:password@host:port/name)."""
    value = url(name, ("sqlite", "postgres", "postgresql"))
    if value is None or value.startswith("sqlite"):
        path = default_path if value is None else Path(urlsplit(value).path.removeprefix("/") or default_path)
        return sqlite(path)
    return postgresql(value)


def sqlite(path: Path) -> dict[str, object]:
    # IMMEDIATE takes the write lock at BEGIN and waits its turn; DEFERRED fails at the first write instead.
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas},
    }


def postgresql(value: str) -> dict[str, object]:
    parts = urlsplit(value)
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.pop("host", parts.hostname or "")),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Without it a hung server holds a request for ever (measured: over 30 s).
        "OPTIONS": {"connect_timeout": 3, **query},
    }


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
