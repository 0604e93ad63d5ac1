"""What nobody types: what was read from bots, and what people did. To look at, to search, no more."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from bots.domain.audit import verify
from bots.models import AuditEntry, BotReading, BotRun, BotStatus, ConfigVersion, PollTurn, Snapshot, Trade


class ReadOnlyAdmin(admin.ModelAdmin):
    actions = None
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "at", "action", "actor", "role", "team", "bot", "subject", "address")
    list_display_links = ("id", "at")
    list_filter = ("action", "team", "role", "at")
    search_fields = ("actor", "subject", "bot", "action", "address", "team")
    ordering = ("-id",)
    change_list_template = "admin/bots/auditentry/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        check = path("verify/", self.admin_site.admin_view(self.verify_view), name="bots_auditentry_verify")
        return [check, *super().get_urls()]

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks, POST reads the whole chain (about a minute for a million rows)."""
        report = verify() if request.method == "POST" else None
        context = {**self.admin_site.each_context(request), "title": "Verify the audit", "report": report}
        return TemplateResponse(request, "admin/bots/auditentry/verify.html", context)


@admin.register(BotStatus)
class BotStatusAdmin(ReadOnlyAdmin):
    list_display = ("bot", "state", "mode", "version", "seen_at", "failures", "last_error")
    list_filter = ("state", "mode")
    search_fields = ("bot__name", "bot__slug")
    list_select_related = ("bot",)


@admin.register(PollTurn)
class PollTurnAdmin(ReadOnlyAdmin):
    list_display = ("bot", "next_poll_at", "leased_until", "fence", "held")
    list_filter = ("held",)
    search_fields = ("bot__name", "bot__slug")
    list_select_related = ("bot",)


@admin.register(BotRun)
class BotRunAdmin(ReadOnlyAdmin):
    list_display = ("bot", "number", "mode", "currency", "started_at", "ended_at", "reason")
    list_filter = ("mode", "currency")
    search_fields = ("bot__name", "bot__slug")
    list_select_related = ("bot",)


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    list_display = (
        "trade_id",
        "bot",
        "pair",
        "side",
        "mode",
        "is_open",
        "open_date",
        "close_date",
        "profit_abs",
        "currency",
    )
    list_filter = ("is_open", "mode", "side", "currency")
    search_fields = ("trade_id", "pair", "bot__name", "bot__slug")
    list_select_related = ("bot",)
    ordering = ("-id",)


@admin.register(BotReading)
class BotReadingAdmin(ReadOnlyAdmin):
    list_display = ("bot", "kind", "read_at", "error")
    list_filter = ("kind",)
    search_fields = ("bot__name", "bot__slug")
    list_select_related = ("bot",)


@admin.register(ConfigVersion)
class ConfigVersionAdmin(ReadOnlyAdmin):
    list_display = ("bot", "seen_at")
    search_fields = ("bot__name", "bot__slug")
    list_select_related = ("bot",)


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ("bot", "at", "grain", "state", "mode", "currency", "unrealized", "realized", "balance")
    list_filter = ("grain", "mode")
    search_fields = ("bot__name", "bot__slug")
    list_select_related = ("bot",)
    ordering = ("-id",)
