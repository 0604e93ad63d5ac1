"""Files written while they are sent: however long, never whole in memory."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from rest_framework.request import Request


def download(request: Request, pieces: Iterator[str | bytes], kind: str, name: str) -> StreamingHttpResponse:
    """`kind`: the content's type; `name`: the file's."""
    # Under ASGI a plain iterator would be read to its end into memory first.
    content = without_blocking(pieces) if isinstance(request._request, ASGIRequest) else pieces
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(content, content_type=kind, headers=headers)


async def without_blocking(pieces: Iterator[str | bytes]) -> AsyncIterator[str | bytes]:
    def following() -> str | bytes | None:
        return next(pieces, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece
