"""The database connection of a thread that lives as long as its process."""

from django.db import close_old_connections, connection


def look_after_connection() -> None:
    """What Django does between requests, at the beginning of each piece of such a thread's work. A file does not go
    away, and opening it anew costs as much as writing 20 polls."""
    if connection.vendor != "sqlite":
        close_old_connections()
