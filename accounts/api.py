from rest_framework.authentication import SessionAuthentication


class PageSession(SessionAuthentication):
    pass


class TokenAuthentication(SessionAuthentication):
    pass
