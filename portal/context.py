"""What stands around every page."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def chrome(request: HttpRequest) -> dict[str, object]:
    """`chrome`: the open trades in the navigation and where the person works; asked only by pages that show it."""
    from bots.pages.chrome import chrome_for

    return {"chrome": SimpleLazyObject(lambda: chrome_for(request.user))}
