from django.contrib.auth import views as django_views
from django.urls import path

from accounts import team_views, views

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("setup/", views.SetUp.as_view(), name="setup"),
    path("account/", views.Account.as_view(), name="account"),
    path("account/sessions/end/", views.end_all_sessions, name="end_all_sessions"),
    path("account/sessions/<uuid:session_id>/end/", views.end_api_session, name="end_api_session"),
    path("account/password/", views.PasswordChange.as_view(), name="password_change"),
    path("password/reset/", views.PasswordReset.as_view(), name="password_reset"),
    path(
        "password/reset/sent/",
        django_views.PasswordResetDoneView.as_view(template_name="accounts/password_reset_done.html"),
        name="password_reset_done",
    ),
    path(
        "password/reset/done/",
        django_views.PasswordResetCompleteView.as_view(template_name="accounts/password_reset_complete.html"),
        name="password_reset_complete",
    ),
    path("password/reset/<uidb64>/<token>/", views.PasswordResetConfirm.as_view(), name="password_reset_confirm"),
    path("invitation/<str:token>/", team_views.Invited.as_view(), name="invitation"),
    path("team/<slug:slug>/invite/", team_views.invite, name="invite"),
    path(
        "team/<slug:slug>/invitations/<int:invitation_id>/withdraw/",
        team_views.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("team/<slug:slug>/members/<int:member_id>/role/", team_views.change_role, name="change_role"),
    path("team/<slug:slug>/members/<int:member_id>/remove/", team_views.remove_member, name="remove_member"),
]
