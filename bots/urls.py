"""The pages. The API's paths are in bots/api/urls.py."""

from django.urls import include, path

urlpatterns = [path("", include("bots.pages.urls"))]
