"""The Django admin, entered by the portal's own doors: one login form, one throttle, one way to change a password."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse


class PortalAdminSite(AdminSite):
    site_header = "Portal administration"
    site_title = "Portal administration"
    # Roles are the portal's own; spent tokens are nobody's reading.
    hidden = frozenset({"auth.group", "token_blacklist.outstandingtoken", "token_blacklist.blacklistedtoken"})

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        models = model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        shown = [model for model in models if model._meta.label_lower not in self.hidden]
        super().register(shown, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)  # type: ignore[union-attr]

    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        from accounts.views import AdminSignIn

        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if request.user.is_authenticated:
            return render(request, "accounts/superusers_only.html", status=403)
        return AdminSignIn.as_view()(request)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        from accounts.views import SignOut

        return SignOut.as_view()(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponseRedirect(reverse("password_change"))
