"""Links that keep what the page is filtered and sorted by: everything stands in the URL."""

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
# Parameters that name a moment's view, not a choice: they never travel into a link.
PASSING = ("fragment", "page", "theme")


@register.simple_tag(takes_context=True)
def link(context: template.Context, **changes: object) -> str:
    """This page's address with some parameters changed; an empty value takes one away."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    for name in PASSING:
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return f"{request.path}?{query.urlencode()}" if query else request.path


@register.simple_tag(takes_context=True)
def sortable(context: template.Context, name: str, label: str, first: str = "", param: str = "sort") -> SafeString:
    """A column's heading as a link: another column sorts by it, the same one turns round. first="-": highest first."""
    sort = str(context.get("sort", ""))
    target = turned(sort) if sort.lstrip("-") == name else first + name
    return format_html('<a href="{}">{}</a>', link(context, **{param: target}), label)


@register.simple_tag(takes_context=True)
def sorted_by(context: template.Context, *names: str) -> SafeString | str:
    """The aria-sort attribute of a column that the table is sorted by."""
    sort = str(context.get("sort", ""))
    if sort.lstrip("-") not in names:
        return ""
    return format_html(' aria-sort="{}"', "descending" if sort.startswith("-") else "ascending")


def turned(sort: str) -> str:
    return sort[1:] if sort.startswith("-") else f"-{sort}"
