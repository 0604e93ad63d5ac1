"""The API's description (OpenAPI) and its page (Swagger), for people and programs that are logged in."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import IsAuthenticated


class Schema(SpectacularAPIView):
    permission_classes = [IsAuthenticated]


class Docs(SpectacularSwaggerSplitView):
    permission_classes = [IsAuthenticated]
    url_name = "api-schema"
    template_name = "api/docs.html"
