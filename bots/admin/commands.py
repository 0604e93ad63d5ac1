"""What was asked of bots: to look at. Asking, approving, cancelling and closing are done as a member, never here."""

from django.contrib import admin

from bots.admin.read_only import ReadOnlyAdmin
from bots.models import Command, CommandBatch, FourEyes


@admin.register(Command)
class CommandAdmin(ReadOnlyAdmin):
    list_display = ("id", "requested_at", "requested_by_name", "role", "action", "bot", "state", "code", "sent_at")
    list_display_links = ("id", "requested_at")
    list_filter = ("state", "action", "team", "requested_at")
    list_select_related = ("bot",)
    search_fields = ("bot__name", "bot__slug", "requested_by_name", "reason", "address", "code")
    ordering = ("-id",)


@admin.register(CommandBatch)
class CommandBatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "requested_at", "requested_by_name", "team", "kind", "action", "stopped_at", "checked_at")
    list_display_links = ("id", "requested_at")
    list_filter = ("kind", "action", "team")
    list_select_related = ("team",)
    search_fields = ("requested_by_name", "reason", "team__name")
    ordering = ("-id",)


@admin.register(FourEyes)
class FourEyesAdmin(ReadOnlyAdmin):
    list_display = ("team", "actions", "wait_minutes")
    list_select_related = ("team",)
