"""A page as a person reads it: the text of an element, without its markup."""

import re
from html import unescape

from django.http import HttpResponse

TAG = re.compile(r"<[^>]+>")


def text(markup: str) -> str:
    """What is written, one space between words."""
    return " ".join(unescape(TAG.sub(" ", markup)).replace("\xa0", " ").split())


def page(answer: HttpResponse) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def row(markup: str, key: str) -> str:
    """The table row (or list item) of this key, as markup."""
    start = markup.index(f'data-key="{key}"')
    return markup[markup.rindex("<", 0, start) : markup.index("</tr>", start)]


def cells(markup: str) -> list[str]:
    """The texts of a row's cells; a number's two halves are one. Cells that only hold a control are left out."""
    joined = markup.replace('</span><span class="num__f">', "")
    controls = r'<td(?! class="[^"]*(?:check-cell|card-act))'
    return [text(cell) for cell in re.findall(rf"{controls}.*?</td>", joined, re.DOTALL)]


def region(markup: str, identity: str) -> str:
    """A live region, as it stands in the page or in the fragment (regions are not nested)."""
    start = markup.index(f'<div id="{identity}" data-live>')
    depth, position = 0, start
    for tag in re.finditer(r"<(/?)div\b[^>]*>", markup[start:]):
        depth += -1 if tag.group(1) else 1
        position = start + tag.end()
        if depth == 0:
            break
    return markup[start:position]


def steady(markup: str) -> str:
    """Without what differs from one moment to the next: ages."""
    return re.sub(r'data-age="[^"]*"[^>]*>[^<]*', "", markup)
