"""What may be thrown away once an hour: failed tries, ended sessions, spent tokens, old invitations."""

from importlib import import_module

from django.conf import settings

from accounts import invitations, throttle, tokens


def forget_old() -> int:
    """How many rows of ours went; ended web sessions go too, uncounted."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return throttle.forget_old() + tokens.forget_old() + invitations.forget_old()
