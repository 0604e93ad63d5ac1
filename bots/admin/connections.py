"""The admin of connections: through the same acts as pages and API. Deleting is retiring."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.caller import by
from bots.admin.connection_form import OWN_FIELDS, ConnectionForm, connection_fields, form_for
from bots.domain.audit import Actor, AuditUnavailable
from bots.domain.connections import add_bot, change_bot, pause_polling, resume_polling, retire_bot
from bots.models import Bot

View = Callable[..., HttpResponse]


def refusals_as_messages(view: View) -> View:
    """What an act refuses after the form was fine (retired meanwhile, audit full) is told, not a crash."""

    @wraps(view)
    def guarded(self: "BotAdmin", request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(self, request, *args, **kwargs)
        except ValidationError as refused:
            self.message_user(request, " ".join(refused.messages), messages.ERROR)
        except AuditUnavailable as refused:
            self.message_user(request, str(refused), messages.ERROR)
        return HttpResponseRedirect(reverse("admin:bots_bot_changelist"))

    return guarded


@admin.register(Bot)
class BotAdmin(admin.ModelAdmin):
    list_display = ("name", "team", "system", "state", "address", "enabled", "retired_at")
    list_filter = ("team", "system", "status__state", "enabled", ("retired_at", admin.EmptyFieldListFilter))
    list_select_related = ("team", "status")
    search_fields = ("name", "slug", "team__name")
    ordering = ("retired_at", "name")
    actions = ("pause_selected", "resume_selected")
    delete_confirmation_template = "admin/bots/bot/retire.html"
    add_form_template = "admin/bots/bot/add.html"

    changeform_view = refusals_as_messages(admin.ModelAdmin.changeform_view)
    delete_view = refusals_as_messages(admin.ModelAdmin.delete_view)
    changelist_view = refusals_as_messages(admin.ModelAdmin.changelist_view)

    @admin.display(ordering="status__state")
    def state(self, bot: Bot) -> str:
        return bot.status.state

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Retiring is done one by one, with its own question."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def has_change_permission(self, request: HttpRequest, obj: Bot | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.retired_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Bot | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.retired_at is None)

    def get_form(self, request: HttpRequest, obj: Bot | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **{**kwargs, "form": self.system_form(request, obj)})

    def get_fieldsets(self, request: HttpRequest, obj: Bot | None = None) -> Any:
        own = [name for name in OWN_FIELDS if name != "poll_plan"]
        if obj is not None:
            own = ["slug", "system", *own]
        if obj is not None and obj.retired_at is not None:
            return [(None, {"fields": [*own, "connection", "retired_at", "created_at"]})]
        return [
            (None, {"fields": own}),
            ("Connection", {"fields": connection_fields(self.system_form(request, obj))}),
            ("Polling", {"fields": ["poll_plan"], "classes": ["collapse"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Bot | None = None) -> tuple[str, ...]:
        return ("slug", "system", "team", "retired_at", "created_at") if obj is not None else ()

    def system_form(self, request: HttpRequest, bot: Bot | None) -> type[ConnectionForm]:
        return form_for(bot.system if bot is not None else chosen_system(request), bot)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """One form per system; `?system=` chooses."""
        context = {"systems": system_choices(), "chosen_system": chosen_system(request), **(extra_context or {})}
        return super().add_view(request, form_url, context)

    def save_model(self, request: HttpRequest, obj: Bot, form: Any, change: bool) -> None:
        actor = Actor.of(by(request), form.cleaned_data.get("team") or obj.team)
        if change:
            saved = change_bot(actor, obj, **form.asked(), forget=form.forgotten())
        else:
            saved = add_bot(actor, form.cleaned_data["team"], system=form.system_key, **form.asked())
        obj.pk, obj.slug = saved.pk, saved.slug

    def delete_model(self, request: HttpRequest, obj: Bot) -> None:
        retire_bot(Actor.of(by(request), obj.team), obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing is deleted: trades and audit stay."""
        return [str(bot) for bot in objs], {}, set(), []

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        self.message_user(request, f"{obj_display} is retired: its secrets are erased, its trades stay.")
        return HttpResponseRedirect(reverse("admin:bots_bot_changelist"))

    @admin.action(description="Pause: do not ask the selected bots")
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Bot]) -> None:
        for bot in queryset.filter(retired_at=None).select_related("team"):
            pause_polling(Actor.of(by(request), bot.team), bot)

    @admin.action(description="Resume: ask the selected bots again")
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Bot]) -> None:
        for bot in queryset.filter(retired_at=None).select_related("team"):
            resume_polling(Actor.of(by(request), bot.team), bot)


def system_choices() -> list[tuple[str, str]]:
    return list(Bot._meta.get_field("system").flatchoices)


def chosen_system(request: HttpRequest) -> str:
    asked = request.GET.get("system")
    keys = [key for key, _ in system_choices()]
    return asked if asked in keys else keys[0]
