"""The admin of people and doors. Saves and deletes go through the same acts as the pages, with their announcements."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet, BaseModelFormSet, ModelForm
from django.http import HttpRequest

from accounts import membership, origins, people
from accounts.access import RANK, Role
from accounts.caller import By, by
from accounts.models import AllowedOrigin, Invitation, Membership, Team, User


class PasswordForm(AdminPasswordChangeForm):
    """The superuser who asks is attached to the person by PersonAdmin.get_object."""

    def save(self, commit: bool = True) -> User:
        usable = self.cleaned_data["set_usable_password"]
        password = self.cleaned_data["password1"] if usable else None
        people.set_password(self.user, password, self.user.asked_by, how="set" if usable else "taken away")
        return self.user


class PersonForm(UserChangeForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        kept = cleaned.get("is_superuser") and cleaned.get("is_active")
        if self.instance.pk and not kept:
            check_superuser_remains(self.instance)
        return cleaned


def check_superuser_remains(user: User) -> None:
    try:
        people.check_superuser_remains(without=User.objects.get(pk=user.pk))
    except people.LastSuperuser as error:
        raise ValidationError(str(error)) from error


@admin.register(User)
class PersonAdmin(UserAdmin):
    form = PersonForm
    change_password_form = PasswordForm
    list_display = ("username", "email", "is_superuser", "is_active", "last_login")
    list_filter = ("is_superuser", "is_active", "memberships__team")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password", "email", "time_zone")}),
        ("May come in", {"fields": ("is_active", "is_superuser")}),
        ("Seen", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> User | None:
        user = super().get_object(request, object_id, from_field)
        if user is not None:
            user.asked_by = by(request)
        return user

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            people.register(obj, by(request))
            return
        values = {name: form.cleaned_data[name] for name in form.changed_data if name != "password"}
        active = values.pop("is_active", None)
        # The form has written its values into `obj` already: the act begins from what is stored.
        stored = User.objects.get(pk=obj.pk)
        people.change(stored, by(request), **values)
        if active is not None:
            (people.reactivate if active else people.deactivate)(stored, by(request))

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        people.delete(obj, by(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            people.delete(user, by(request))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Nobody deletes himself: so one superuser always remains.
        return super().has_delete_permission(request, obj) and (obj is None or obj != request.user)


class MembersOfTeam(BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        had_manager = self.instance.pk and membership.active_managers(self.instance).exists()
        if had_manager and not any(map(self.leaves_manager, self.forms)):
            raise ValidationError("The last manager of a team stays: make somebody else manager first.")

    def leaves_manager(self, form: ModelForm) -> bool:
        """Whether the row, once saved, is a manager who can log in."""
        row: dict[str, Any] = getattr(form, "cleaned_data", {})
        user = row.get("user")
        return (
            form not in self.deleted_forms and row.get("role") == Role.MANAGER and user is not None and user.is_active
        )


class MembershipInline(admin.TabularInline):
    model = Membership
    formset = MembersOfTeam
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "time_zone", "reporting_currency")
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)
    inlines = (MembershipInline,)

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            membership.change_team(Team.objects.get(pk=obj.pk), by(request), **values)
        else:
            membership.save_new_team(obj, by(request))

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        membership.delete_team(obj, by(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        for team in queryset:
            membership.delete_team(team, by(request))

    def save_formset(self, request: HttpRequest, form: Any, formset: BaseModelFormSet, change: bool) -> None:
        if formset.model is Membership:
            save_members(formset, by(request))
        else:
            super().save_formset(request, form, formset, change)


def save_members(formset: BaseModelFormSet, asked_by: By) -> None:
    """Newcomers first, then rises before falls: a team never stands without a manager in between."""
    formset.save(commit=False)
    for new in formset.new_objects:
        membership.add(new.team, new.user, new.role, asked_by)
    for changed, fields in sorted(formset.changed_objects, key=lambda pair: -RANK[Role(pair[0].role)]):
        replace_member(changed, asked_by) if "user" in fields else membership.change_role(
            changed, changed.role, asked_by
        )
    for gone in formset.deleted_objects:
        membership.remove(gone, asked_by)


def replace_member(changed: Membership, asked_by: By) -> None:
    """Another person in the same row is a removal and an addition."""
    membership.add(changed.team, changed.user, changed.role, asked_by)
    membership.remove(Membership.objects.get(pk=changed.pk), asked_by)


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Invitation)
class InvitationAdmin(ReadOnly):
    list_display = ("email", "team", "role", "invited_by", "created_at", "expires_at", "accepted_at")
    exclude = ("token_hash",)


class OriginForm(ModelForm):
    def clean_origin(self) -> str:
        return origins.normalized(self.cleaned_data["origin"])


@admin.register(AllowedOrigin)
class OriginAdmin(admin.ModelAdmin):
    form = OriginForm
    list_display = ("origin", "enabled", "note", "created_by", "created_at", "last_used_at")
    readonly_fields = ("created_by", "created_at", "last_used_at")

    def save_model(self, request: HttpRequest, obj: AllowedOrigin, form: Any, change: bool) -> None:
        origins.save(obj, by(request))

    def delete_model(self, request: HttpRequest, obj: AllowedOrigin) -> None:
        origins.remove(obj, by(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AllowedOrigin]) -> None:
        for origin in queryset:
            origins.remove(origin, by(request))
