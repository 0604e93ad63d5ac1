"""The admin's part about bots; only superusers come in (accounts.admin_site)."""

from bots.admin import connections, read_only

__all__ = ["connections", "read_only"]
