from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # Registers the system checks, and the app that every task belongs to.
        from portal import celery, checks  # noqa: F401
