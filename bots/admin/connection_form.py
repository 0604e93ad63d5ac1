"""The admin's form of a connection, drawn from the fields its system declares. Secrets are written, never read."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from bots.domain.connection_fields import system_called
from bots.domain.connections import Change, drafted
from bots.models import Bot

FIELD, FORGET = "connection_", "forget_"
OWN_FIELDS = ("team", "name", "tags", "enabled", "poll_plan")


class ConnectionForm(forms.ModelForm):
    """Only checks: saving is the act's part (bots.domain.connections)."""

    system_key: str
    tags = forms.CharField(required=False, help_text="Words, separated by commas")
    poll_plan = forms.JSONField(
        required=False, help_text='Seconds by kind of reading where they differ from the plan: {"state": 5}'
    )

    class Meta:
        model = Bot
        fields = OWN_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["tags"] = ", ".join(self.instance.tags)
        for name, value in self.instance.connection.items():
            self.initial[FIELD + name] = value

    def clean_tags(self) -> list[str]:
        return [word.strip() for word in self.cleaned_data["tags"].split(",") if word.strip()]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.try_out()
            except ValidationError as refused:
                self.show(refused)
        return cleaned

    def try_out(self) -> None:
        """The act itself, on a row in memory."""
        asked = self.asked()
        if self.instance.pk is None:
            team = self.cleaned_data["team"]
            drafted(team, system=self.system_key, **{name: asked[name] for name in asked if name != "enabled"})
        else:
            Change(**asked, forget=self.forgotten()).make(Bot.objects.get(pk=self.instance.pk))

    def asked(self) -> dict[str, Any]:
        """What the acts take."""
        typed = {name.removeprefix(FIELD): value for name, value in self.cleaned_data.items() if name.startswith(FIELD)}
        own = {name: self.cleaned_data[name] for name in ("name", "tags", "enabled")}
        return {**own, "poll_plan": self.cleaned_data["poll_plan"] or {}, "connection": typed}

    def forgotten(self) -> list[str]:
        ticked = [name for name, value in self.cleaned_data.items() if name.startswith(FORGET) and value]
        return [name.removeprefix(FORGET) for name in ticked]

    def show(self, refused: ValidationError) -> None:
        told: Mapping[str, list[str]] = (
            refused.message_dict if hasattr(refused, "error_dict") else {NON_FIELD_ERRORS: refused.messages}
        )
        for name, sentences in told.items():
            place = next((field for field in (FIELD + name, name) if field in self.fields), None)
            for sentence in sentences:
                self.add_error(place, sentence)


def form_for(system_key: str, bot: Bot | None) -> type[ConnectionForm]:
    """The form with the fields of this system; of a bot's stored secrets it only says that they are there."""
    stored = bot.sealed if bot is not None else {}
    fields: dict[str, Any] = {"system_key": system_key}
    for declared in system_called(system_key).fields:
        kept = declared.name in stored
        fields[FIELD + declared.name] = forms.CharField(
            label=declared.label,
            required=declared.required and not kept,
            strip=not declared.secret,
            widget=widget(declared.secret, declared.placeholder),
            help_text=f"Stored. Leave empty to keep it. {declared.help}" if kept else declared.help,
        )
        if kept and not declared.required:
            fields[FORGET + declared.name] = forms.BooleanField(
                label=f"Erase the stored {declared.label.lower()}", required=False
            )
    return type("SystemConnectionForm", (ConnectionForm,), fields)


def widget(secret: bool, placeholder: str) -> forms.Widget:
    if secret:
        return forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"})
    return forms.TextInput(attrs={"placeholder": placeholder, "class": "vTextField", "autocomplete": "off"})


def connection_fields(form: type[ConnectionForm]) -> list[str]:
    return [name for name in form.base_fields if name.startswith((FIELD, FORGET))]
