"""What people fill in about themselves and each other."""

from typing import Any

from django import forms
from django.contrib.auth import forms as django_forms
from django.contrib.auth import password_validation

from accounts.access import Role
from accounts.models import User, zones

WHAT_A_ROLE_MAY = {
    Role.VIEWER: "viewer: sees everything of the team",
    Role.OPERATOR: "operator: also starts, stops and pauses bots",
    Role.TRADER: "trader: also forces entries and exits, cancels orders",
    Role.MANAGER: "manager: also connections, members and alert rules",
}


class Dressed(forms.BaseForm):
    """Gives every field the look of the portal's pages, and Django's password fields our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in self.fields.values():
            look = "select" if isinstance(field.widget, forms.Select) else "input input--lg"
            field.widget.attrs.setdefault("class", look)
        for name in self.fields.keys() & {"password1", "new_password1"}:
            self.fields[name].help_text = " ".join(password_validation.password_validators_help_texts())
        for name in self.fields.keys() & {"password2", "new_password2"}:
            self.fields[name].label = "Password again"
            self.fields[name].help_text = ""


class SignInForm(Dressed, forms.Form):
    username = forms.CharField(
        label="Name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        max_length=4096, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class PasswordChangeForm(Dressed, django_forms.PasswordChangeForm):
    field_order = ["old_password", "new_password1", "new_password2"]


class SetPasswordForm(Dressed, django_forms.SetPasswordForm):
    pass


class PasswordResetForm(Dressed, django_forms.PasswordResetForm):
    pass


class NewPersonForm(Dressed, django_forms.BaseUserCreationForm):
    """A name and a password; `save(commit=False)` gives the person with the password set, not saved."""

    class Meta(django_forms.BaseUserCreationForm.Meta):
        model = User
        labels = {"username": "Name"}
        help_texts = {"username": "Letters, digits and @ . + - _"}
        widgets: dict[str, forms.Widget] = {"username": forms.TextInput(attrs={"autocomplete": "username"})}

    def clean_username(self) -> str:
        username: str = User.normalize_username(self.cleaned_data["username"])
        # Compared here: what a database calls equal without case differs, and none of them folds ß into ss.
        names = User.objects.values_list("username", flat=True)
        if any(folded(name) == folded(username) for name in names.iterator()):
            raise forms.ValidationError("That name is taken.")
        return username


def folded(username: str) -> str:
    return User.normalize_username(username).casefold()


class SetUpForm(NewPersonForm):
    code = forms.CharField(
        label="One-time code",
        max_length=40,
        help_text="It stands where the portal was started or manage.py setup_code was typed.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )
    team = forms.CharField(label="Name of the first team", max_length=100)
    field_order = ["code", "team", "username", "email", "password1", "password2"]

    class Meta(NewPersonForm.Meta):
        fields = ("username", "email")  # type: ignore[assignment]
        labels = {"username": "Your name", "email": "Your mail address"}
        widgets: dict[str, forms.Widget] = {
            "username": forms.TextInput(attrs={"autocomplete": "username"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }


class InviteForm(Dressed, forms.Form):
    email = forms.EmailField(label="Mail address", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=WHAT_A_ROLE_MAY.items(), initial=Role.VIEWER)


class RoleForm(Dressed, forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class AccountForm(Dressed, forms.ModelForm):
    time_zone = forms.ChoiceField(label="Time zone", help_text="Times are shown in this zone.")

    class Meta:
        model = User
        # Not the mail address: whoever found an open browser could turn a password reset to himself.
        fields = ("time_zone",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = [(name, name) for name in sorted(zones())]  # type: ignore[attr-defined]
