from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled
        from django.db.models.signals import post_delete, post_save

        from accounts import origins, schema  # noqa: F401  schema registers itself
        from accounts.models import AllowedOrigin

        check_request_enabled.connect(origins.decide, dispatch_uid="accounts.origins")
        post_save.connect(origins.changed, sender=AllowedOrigin, dispatch_uid="accounts.origins.saved")
        post_delete.connect(origins.changed, sender=AllowedOrigin, dispatch_uid="accounts.origins.deleted")


class PortalAdminConfig(AdminConfig):
    """The Django admin behind the portal's own login."""

    default_site = "accounts.admin_site.PortalAdminSite"
