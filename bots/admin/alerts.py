"""Alerts, their rules and silences, and what was told where: to look at. Only members act on them."""

from django.contrib import admin

from bots.admin.read_only import ReadOnlyAdmin
from bots.models import Alert, AlertRule, Delivery, Destination, Maintenance, Mute


@admin.register(AlertRule)
class AlertRuleAdmin(ReadOnlyAdmin):
    list_display = ("id", "team", "name", "kind", "enabled", "severity", "bot", "tag", "mode", "changed_at")
    list_display_links = ("id", "name")
    list_filter = ("kind", "enabled", "severity", "team")
    list_select_related = ("team", "bot")
    search_fields = ("name", "team__name", "bot__name")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "opened_at",
        "severity",
        "team",
        "bot",
        "text",
        "silent",
        "acknowledged_by_name",
        "cleared_at",
    )
    list_display_links = ("id", "opened_at")
    list_filter = ("severity", "kind", "team", "silent")
    list_select_related = ("team", "bot")
    search_fields = ("text", "detail", "bot__name", "bot__slug")
    ordering = ("-id",)


@admin.register(Mute)
class MuteAdmin(ReadOnlyAdmin):
    list_display = ("id", "team", "rule", "bot", "until", "muted_by_name", "reason", "ended_at")
    list_select_related = ("team", "rule", "bot")


@admin.register(Maintenance)
class MaintenanceAdmin(ReadOnlyAdmin):
    list_display = ("id", "team", "bot", "starts_at", "ends_at", "planned_by_name", "reason", "ended_at")
    list_select_related = ("team", "bot")


@admin.register(Destination)
class DestinationAdmin(ReadOnlyAdmin):
    list_display = ("id", "team", "name", "kind", "shown", "least", "mode", "enabled", "removed_at")
    list_display_links = ("id", "name")
    list_filter = ("kind", "enabled", "team")
    list_select_related = ("team",)
    exclude = ("sealed",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "destination", "what", "alert_id", "state", "attempts", "code", "words")
    list_display_links = ("id", "created_at")
    list_filter = ("state", "what")
    list_select_related = ("destination",)
    raw_id_fields = ("alert", "destination", "part_of")
    ordering = ("-id",)
