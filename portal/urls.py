"""Which path leads to which entrance."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("accounts.api_urls")),
    path("api/v1/", include("bots.api.urls")),
    path("", include("bots.health")),
    path("", include("portal.metrics")),
    path("", include("accounts.urls")),
    path("", include("bots.urls")),
]

handler404 = "portal.views.not_found"
handler500 = "portal.views.server_error"
