"""The admin's part about bots; only superusers come in (accounts.admin_site)."""

from bots.admin import alerts, commands, connections, read_only

__all__ = ["alerts", "commands", "connections", "read_only"]
