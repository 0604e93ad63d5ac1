from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled

        from accounts import origins, schema  # noqa: F401  schema registers itself

        check_request_enabled.connect(origins.decide, dispatch_uid="accounts.origins")


class PortalAdminConfig(AdminConfig):
    """The Django admin behind the portal's own login."""

    default_site = "accounts.admin_site.PortalAdminSite"
