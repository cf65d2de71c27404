"""The reply that nearly every webhook gets: 202 with a small JSON body, at a fraction of the price of a `web.Response`.

It is for senders that keep their connection (HTTP/1.1); for any other it becomes the usual response, which knows the
rest of the protocol. It stands outside of aiohttp's `on_response_prepare`, which nobody here uses.
"""

from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

from alertline.clock import monotonic

__all__ = ["Receipt", "receipt_bytes"]

_HEAD: Final = (
    "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nDate: {date}\r\nServer: Alertline\r\nContent-Length: "
)


class _Head:
    """The head up to the length, made anew every second."""

    def __init__(self) -> None:
        self._second, self._bytes = -1, b""

    def get(self) -> bytes:
        second = int(monotonic())
        if second != self._second:
            self._second, self._bytes = second, _HEAD.format(date=rfc822_formatted_time()).encode()
        return self._bytes


_head: Final = _Head()


def receipt_bytes(body: bytes, *, last: bool = False) -> bytes:
    """The whole reply as it goes over the wire; `last`: it says that the connection ends with it."""
    if last:
        return b"%s%d\r\nConnection: close\r\n\r\n%s" % (_head.get(), len(body), body)
    return b"%s%d\r\n\r\n%s" % (_head.get(), len(body), body)


class Receipt(web.Response):
    """202 with a JSON body. One object answers one request."""

    _keep_alive: bool | None = True

    def __init__(self, body: bytes) -> None:
        # Not the parent's: it would set up headers that are the same for all.
        self._receipt = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it whole, or become the usual response."""
        if request.version != HttpVersion11 or not request.keep_alive:
            super().__init__(status=202, body=self._receipt, headers={"Content-Type": "application/json"})
            self._keep_alive = None
            return await super().prepare(request)
        writer = request.writer
        await writer.write(receipt_bytes(self._receipt))
        self._eof_sent = True
        return writer
