"""Opening a confirmation and pressing its button, as a browser does."""

import re

from bots.models import Command
from tests.bots.pages.reading import page

ALL_ACTIONS = [
    "start", "stop", "pause", "reload_config", "force_exit", "force_exit_all", "force_enter", "cancel_order",
    "delete_trade", "reload_trade", "lock_pair", "unlock", "blacklist_add", "blacklist_remove", "force_exit_partial",
    "force_exit_order_type", "force_exit_price", "force_enter_side",
]  # fmt: skip
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def exit_of(trade, action="force_exit"):
    return f"/trades/{trade.pk}/do/{action}/"


def form_of(markup):
    """The hidden fields a browser would send back."""
    return {name: value for name, value in HIDDEN.findall(markup) if name != "csrfmiddlewaretoken"}


def confirmed(browser, path, **typed):
    """Open the confirmation and press its button."""
    return browser.post(path, form_of(page(browser.get(path))) | typed)


def only_command():
    (command,) = Command.objects.all()
    return command
