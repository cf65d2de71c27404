"""What changed since a reader last looked: the incidents that decisions were about, in the order of the log.

A place in the feed is, for each partition, the offset from which on nothing was told. Serial ids would not do: they
commit out of order. What one batch decided about an incident is told once.
"""

from collections.abc import Mapping

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.store.engine import reading
from alertline.store.tables import decisions, positions, stream_clocks

__all__ = ["Changed", "News", "place_in", "read_news", "words_of"]

Place = Mapping[int, int]

_MOST = 500  # decisions of a stream that are looked at in one go


class Changed(msgspec.Struct, frozen=True):
    """One incident that was decided about: what happened, in the order of its first decision."""

    incident: str
    kinds: tuple[str, ...]


class News(msgspec.Struct, frozen=True):
    """What changed, and the place from which to look on. `reset`: the place asked for is not of this store."""

    changed: tuple[Changed, ...]
    place: dict[int, int]
    reset: bool = False


def words_of(place: Place) -> str:
    """A place as an event id: `0:123,1:77`."""
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(place.items())) or "0:0"


def place_in(words: str) -> dict[int, int]:
    """A place from an event id.

    Raises:
        ValueError: it is none of ours.
    """
    pairs = [part.split(":") for part in words.split(",")]
    return {int(partition): int(offset) for partition, offset in pairs}


async def read_news(engine: AsyncEngine, since: Place | None) -> News:
    """What changed since a place; without one only where the feed is now."""
    async with reading(engine) as connection:
        rows = (await connection.execute(select(positions.c.partition, positions.c.next_offset))).all()
        now: dict[int, int] = {row.partition: row.next_offset for row in rows}
        if since is None:
            return News((), now)
        if any(offset > now.get(partition, 0) for partition, offset in since.items()):
            return News((), now, reset=True)
        changed: dict[str, dict[str, None]] = {}
        reached = dict(now)
        for partition, end in sorted(now.items()):
            begin = since.get(partition, 0)
            if begin < end:
                reached[partition] = await _told(connection, partition, begin, end, changed)
    return News(tuple(Changed(each, tuple(kinds)) for each, kinds in changed.items()), reached)


async def _told(
    connection: AsyncConnection, partition: int, begin: int, end: int, changed: dict[str, dict[str, None]]
) -> int:
    """Note what was decided from one offset to another; the offset that was reached."""
    table = decisions.c
    streams = list(
        await connection.scalars(select(stream_clocks.c.stream).where(stream_clocks.c.partition == partition))
    )
    within = (table.stream.in_(streams), table.offset >= begin, table.offset < end)
    edge = select(table.offset).where(*within).order_by(table.offset).limit(_MOST).subquery()
    last = await connection.scalar(select(func.max(edge.c.offset)))
    if last is None:
        return end
    query = select(table.incident_id, table.kind).where(*within, table.offset <= last, table.incident_id.is_not(None))
    for incident, kind in await connection.execute(query.order_by(table.offset, table.n)):
        changed.setdefault(incident, {})[kind] = None
    count = await connection.scalar(select(func.count()).select_from(edge))
    return end if (count or 0) < _MOST else last + 1
