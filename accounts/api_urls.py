from django.urls import path

from accounts import api

urlpatterns = [
    path("token/", api.IssueToken.as_view(), name="token"),
    path("token/refresh/", api.RefreshToken.as_view(), name="token_refresh"),
    path("token/revoke/", api.RevokeToken.as_view(), name="token_revoke"),
    path("me/", api.WhoAmI.as_view(), name="me"),
]
