"""How a bot's setting is written, and how two of its values differ."""

from collections.abc import Mapping
from typing import Any

from django import template

from bots.domain.configuration import came_and_went, written

register = template.Library()


@register.filter
def setting(value: object) -> str:
    """Text bare, a list between commas, anything else as JSON."""
    return written(value) or "empty"


@register.filter
def before_and_after(change: Mapping[str, Any]) -> tuple[str, str]:
    """Both values; a bot that did not report it has a dash there."""
    return shown(change["before"]), shown(change["after"])


def shown(value: object) -> str:
    return "–" if value is None else written(value) or "empty"


@register.filter
def list_change(change: Mapping[str, Any]) -> tuple[list[str], list[str]] | None:
    """What came to a list and what went from it; None when it is no list."""
    return came_and_went(change["before"], change["after"])
