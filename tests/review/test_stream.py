"""The stream of changes: told in order, resumed where a reader was, ended with the server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertline.store.feed import place_in, words_of
from tests.story.test_people import firing, two_incidents
from tests.support.reviewing import Review, reviewing


@pytest.fixture
async def review(tmp_path: Path) -> AsyncIterator[Review]:
    """A service with one open incident."""
    async with reviewing(tmp_path) as started:
        await started.happens(firing())
        yield started


async def events(review: Review, count: int, last: str | None = None) -> list[dict[str, str]]:
    """The first few events of a new connection."""
    headers = {"Last-Event-ID": last} if last else {}
    found: list[dict[str, str]] = []
    async with asyncio.timeout(10), review.client.get("/v1/stream", headers=headers) as response:
        assert response.content_type == "text/event-stream"
        event: dict[str, str] = {}
        while len(found) < count:
            line = (await response.content.readline()).decode().rstrip("\r\n")
            if line.startswith(":"):
                continue
            if not line and event:
                found.append(event)
                event = {}
            elif line:
                name, _, value = line.partition(": ")
                event[name] = value
    return found


async def test_a_reader_is_told_what_changes_from_now_on(review: Review) -> None:
    """The first event says where the stream is; what was before is not told."""
    incident = (await review.the_incident())["id"]
    listening = asyncio.create_task(events(review, 2))
    await asyncio.sleep(0)
    while not listening.done():
        await review.asks("PATCH", f"/v1/incidents/{incident}", {"title": "new"})
        await asyncio.wait({listening}, timeout=0.2)
    begin, told = await listening

    assert begin["event"] == "begin"
    assert (told["event"], incident in told["data"]) == ("incident", True)
    assert place_in(told["id"])[0] > place_in(begin["id"])[0]


async def test_a_reader_goes_on_where_it_was(review: Review) -> None:
    """With the id of the last event it had, it is told all that came since, once for each incident."""
    (begin,) = await events(review, 1)
    await review.happens(two_incidents())
    incidents = {str(each["id"]) for each in await review.incidents()}
    again = await events(review, 2, begin["id"])
    new = [each for each in again[1:] if each["event"] == "incident"]

    assert len(new) == 1
    assert any(each in new[0]["data"] for each in incidents)
    assert (await events(review, 1, new[0]["id"]))[0]["event"] == "begin"


async def test_a_place_of_another_store_begins_anew(review: Review) -> None:
    """The reader is told to ask for everything again; nonsense is refused."""
    assert (await events(review, 1, "0:999999"))[0]["event"] == "reset"
    assert (await review.asks("GET", "/v1/stream", Last_Event_ID="yesterday"))[0] == 400
    assert words_of(place_in("0:12,3:4")) == "0:12,3:4"
