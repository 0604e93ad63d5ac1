"""The doors of the process: HTTP and the browsers' websocket."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# Somebody waits for each answer: a database that hangs is said within seconds.
os.environ.setdefault("PORTAL_DATABASE_SECONDS", "7")

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

pages = get_asgi_application()

from bots.live.door import websocket  # noqa: E402  needs the apps loaded

application = ProtocolTypeRouter({"http": pages, "websocket": websocket})
