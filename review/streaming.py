"""`/v1/stream`: what changes, as server-sent events; a reader that was away goes on where it was (`Last-Event-ID`).

An event says which incident changed and by what kind of decision; what it is now, the reader asks for. So nothing is
ever told from an old state, and a reader that missed a hundred changes of one incident asks once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import orjson
from aiohttp import web
from aiohttp_sse import EventSourceResponse

from alertline.store.engine import StoreUnavailable
from alertline.store.feed import News, place_in, words_of
from alertline.tasks import heed
from alertline.web.access import Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from review.reading import Reader

__all__ = ["STREAMS", "Streams", "end_streams", "stream_routes"]

_LOOK_S: Final = 0.5
_LONGEST_ID: Final = 500
_RETRY_MS: Final = 2000

_Look = Callable[[dict[int, int]], Awaitable[News]]


class Streams:
    """The streams that are open now, and what they read."""

    def __init__(self) -> None:
        self.told: set[asyncio.Task[None]] = set()
        self._reads: set[asyncio.Task[News]] = set()

    async def read(self, reader: Reader, place: dict[int, int]) -> News:
        """What is new, by a read that goes on when its stream ends: one that is given up halfway costs a connection."""
        reading = asyncio.ensure_future(reader.news(place))
        self._reads.add(reading)
        reading.add_done_callback(self._reads.discard)
        reading.add_done_callback(heed)
        return await asyncio.shield(reading)

    async def end(self) -> None:
        """End them all, and come back when nothing reads any more."""
        for task in list(self.told):
            task.cancel()
        for unfinished in (self.told, self._reads):
            if unfinished:
                await asyncio.wait(set(unfinished))


STREAMS: Final = web.AppKey("streams", Streams)


def stream_routes(reader: Reader) -> list[Route]:
    """The route of the stream."""
    return [Route("GET", "/v1/stream", Permission.READ, _stream(reader))]


async def end_streams(app: web.Application) -> None:
    """Let every open stream end: a server that stops waits for nobody's page."""
    await app[STREAMS].end()


def _stream(reader: Reader) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        since = _since(request)
        news = await reader.news(since)
        response = EventSourceResponse()
        await response.prepare(request)
        async with response:
            streams = request.app[STREAMS]
            place = news.place if since is None or news.reset else since
            told = asyncio.ensure_future(_tell(partial(streams.read, reader), response, place, reset=news.reset))
            streams.told.add(told)
            told.add_done_callback(streams.told.discard)
            try:
                await asyncio.wait({told})
            finally:
                told.cancel()  # the reader went away
        return response

    return handle


async def _tell(look: _Look, response: EventSourceResponse, place: dict[int, int], *, reset: bool) -> None:
    """Look again and again until the reader goes away; the first event says where the stream is."""
    await response.send("{}", id=words_of(place), event="reset" if reset else "begin", retry=_RETRY_MS)
    while response.is_connected():
        try:
            news = await look(place)
        except StoreUnavailable:
            await asyncio.sleep(_LOOK_S)
            continue
        for number, each in enumerate(news.changed, start=1):
            data = orjson.dumps({"incident": each.incident, "kinds": each.kinds}).decode()
            # only the last one moves the place on: who is cut off in between is told the batch again
            at = news.place if number == len(news.changed) else place
            await response.send(data, id=words_of(at), event="incident")
        moved, place = news.place != place, news.place
        if not moved:
            await asyncio.sleep(_LOOK_S)


def _since(request: web.Request) -> dict[int, int] | None:
    """The place that the reader knows: from the header, as a browser sends it, or from the query."""
    words = request.headers.get("Last-Event-ID") or request.query.get("last_event_id") or ""
    if not words:
        return None
    try:
        if len(words) <= _LONGEST_ID:
            return place_in(words)
    except ValueError:
        pass
    raise Problem(400, "Last-Event-ID is none of ours", "such as 0:123; without one the stream begins now")
