"""System checks: what must be in place before the process may serve."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def front_end_packages(**kwargs: object) -> list[CheckMessage]:
    if (settings.NODE_MODULES / "lightweight-charts" / "dist").is_dir() or settings.STATIC_ROOT.is_dir():
        return []
    return [Error("The front-end packages are not installed", hint="Run `npm ci` (Node 20).", id="portal.E001")]
