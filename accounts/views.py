"""Pages about oneself: signing in and out, passwords, the first set-up, the own account."""

from typing import Any, cast
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as django_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.generic import FormView, UpdateView, View

from accounts import announcements, forms, login, people, setup, throttle, tokens
from accounts.announcements import announce
from accounts.caller import By, by, caller_of
from accounts.models import User

never_kept = method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")


class Throttled(FormView):
    """A form that can be tried too often: 429 with Retry-After, the cause in words on the page."""

    def admit(self) -> None:
        """Asked before the form is looked at. May raise throttle.TooManyTries."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.admit()
            return super().post(request, *args, **kwargs)
        except throttle.TooManyTries as error:
            headers = {"Retry-After": str(error.retry_after)}
            context = self.get_context_data(form=self.empty_form(), blocked=in_minutes(error))
            return self.render_to_response(context, status=429, headers=headers)

    def empty_form(self) -> BaseForm:
        kwargs = self.get_form_kwargs()
        return self.get_form_class()(**{name: kwargs[name] for name in kwargs if name not in ("data", "files")})

    def refuse(self, form: BaseForm, field: str | None, cause: str) -> HttpResponse:
        form.add_error(field, cause)  # type: ignore[attr-defined]  # every form of ours has it
        return self.form_invalid(form)


def in_minutes(error: throttle.TooManyTries) -> str:
    minutes = -(-error.retry_after // 60)
    return f"Too many failed tries. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}."


@never_kept
class SignIn(django_views.RedirectURLMixin, Throttled):
    template_name = "accounts/login.html"
    form_class = forms.SignInForm
    next_page = settings.LOGIN_REDIRECT_URL

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: BaseForm) -> HttpResponse:
        try:
            user = login.person_with(self.request, form.cleaned_data["username"], form.cleaned_data["password"])
        except login.WrongCredentials as error:
            return self.refuse(form, None, f"{error} {tries(error.tries_left)}")
        login.log_in(self.request, user)
        return super().form_valid(form)

    def get_redirect_url(self) -> str:  # type: ignore[override]  # the stubs are of a later Django
        """Empty when nothing usable was asked for; the way back to this page would go round for ever."""
        target = super().get_redirect_url()
        leads_here = urlsplit(urljoin(self.request.path, target)).path == self.request.path
        return "" if leads_here else target

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(next=self.get_redirect_url(), **kwargs)


def tries(left: int) -> str:
    return "1 try left." if left == 1 else f"{left or 'No'} tries left."


class AdminSignIn(SignIn):
    next_page = "admin:index"


class SignOut(View):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        login.log_out(request)
        return redirect(settings.LOGOUT_REDIRECT_URL)


@never_kept
class PasswordChange(LoginRequiredMixin, Throttled):
    template_name = "accounts/password_change.html"
    form_class = forms.PasswordChangeForm
    success_url = reverse_lazy("account")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def admit(self) -> None:
        throttle.check(person(self.request).username, caller_of(self.request).network)

    def form_valid(self, form: BaseForm) -> HttpResponse:
        user = person(self.request)
        people.set_password(user, form.cleaned_data["new_password1"], by(self.request), how="changed")
        update_session_auth_hash(self.request, user)
        messages.success(self.request, "Your password is changed. All your other sessions and tokens are ended.")
        return super().form_valid(form)

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        # Who found an open browser must not guess the password here.
        if "old_password" in form.errors:
            throttle.count_failure(person(self.request).username, caller_of(self.request).network)
        return super().form_invalid(form)


class PasswordReset(Throttled, django_views.PasswordResetView):
    template_name = "accounts/password_reset.html"
    form_class = forms.PasswordResetForm
    email_template_name = "accounts/password_reset_mail.txt"
    subject_template_name = "accounts/password_reset_subject.txt"

    def form_valid(self, form: BaseForm) -> HttpResponse:
        address, caller = form.cleaned_data["email"], caller_of(self.request)
        # Mail goes out for every spelling of the address, so all of them count as one.
        counted_as = f"(reset) {address.casefold()}"
        throttle.check(counted_as, caller.network)
        throttle.count_failure(counted_as, caller.network)
        with transaction.atomic():
            for user in form.get_users(address):  # type: ignore[attr-defined]
                announce(announcements.password_reset_asked, By(None, caller), user.username)
        # Never from the Host header, which the asker writes; and now, for the port may be known only since the start.
        self.extra_email_context = {"portal_url": settings.PORTAL_URL}
        return super().form_valid(form)


@never_kept
class PasswordResetConfirm(django_views.PasswordResetConfirmView):
    template_name = "accounts/password_reset_confirm.html"
    form_class = forms.SetPasswordForm

    def form_valid(self, form: BaseForm) -> HttpResponse:
        user, caller = cast(User, self.user), caller_of(self.request)
        people.set_password(user, form.cleaned_data["new_password1"], By(None, caller), how="reset")
        throttle.forget_failures(user.username, caller.network)
        del self.request.session[django_views.INTERNAL_RESET_SESSION_TOKEN]
        return HttpResponseRedirect(str(self.get_success_url()))


@never_kept
class SetUp(Throttled):
    template_name = "accounts/setup.html"
    form_class = forms.SetUpForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not setup.needed():
            return redirect("login")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: BaseForm) -> HttpResponse:
        first, caller = form.save(commit=False), caller_of(self.request)  # type: ignore[attr-defined]
        try:
            setup.check_code(form.cleaned_data["code"], caller)
            setup.take_over(first, form.cleaned_data["team"], caller)
        except setup.WrongCode as error:
            return self.refuse(form, "code", str(error))
        except setup.AlreadySetUp:
            return redirect("login")
        login.log_in(self.request, first)
        return redirect(settings.LOGIN_REDIRECT_URL)


class Account(LoginRequiredMixin, UpdateView):
    template_name = "accounts/account.html"
    form_class = forms.AccountForm
    success_url = reverse_lazy("account")

    def get_object(self, queryset: object = None) -> User:
        # A copy: a refused form must not change who the page says you are.
        return User.objects.get(pk=person(self.request).pk)

    def form_valid(self, form: BaseForm) -> HttpResponse:
        people.change(person(self.request), by(self.request), **form.cleaned_data)
        messages.success(self.request, "Saved.")
        return HttpResponseRedirect(str(self.success_url))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        api_sessions = person(self.request).api_sessions.running()
        return super().get_context_data(api_sessions=api_sessions, **kwargs)


@login_required
@require_POST
def end_api_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    session = person(request).api_sessions.filter(pk=session_id).first()
    if session is None:
        raise Http404
    tokens.end_session(session, by(request))
    messages.success(request, "The session and its tokens are ended.")
    return redirect("account")


@login_required
@require_POST
def end_all_sessions(request: HttpRequest) -> HttpResponse:
    """Everything but the browser this was asked from."""
    user = person(request)
    people.end_all_sessions(user, by(request))
    update_session_auth_hash(request, user)
    messages.success(request, "All your other sessions and tokens are ended.")
    return redirect("account")


def person(request: HttpRequest) -> User:
    return cast(User, request.user)  # behind login_required
