"""Gathering everything that one incident is computed from, following merges to the survivor."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertline.clock import micros
from alertline.incidents.model import AlertRow, ChangeRow, EpisodeRow, IncidentFacts, IncidentRow, ItemRow
from alertline.incidents.policy import Policy, policy_of
from alertline.incidents.scopes import EVERYWHERE
from alertline.store.rows import (
    fit,
    key,
    read_alert,
    read_change,
    read_configuration,
    read_episode,
    read_incident,
    read_item,
)
from alertline.store.tables import alerts, changes, configurations, episodes, incidents, items
from schemas.vocabulary import IncidentStatus

__all__ = ["read_facts"]

# Candidates are sought from so long before the impact's start to so long after it (contract §8.16).
_BEFORE: Final = Policy().candidate_before
_AFTER: Final = Policy().candidate_after


async def read_facts(connection: AsyncConnection, incident_id: str) -> IncidentFacts | None:
    """Read the facts of the incident that an id leads to; None for an unknown id.

    Episodes and items come in the order in which they were made, alerts and aliases by id, changes by time.
    """
    row = await _survivor(connection, incident_id)
    if row is None:
        return None
    members = await _episodes(connection, row.id)
    said = await _items(connection, row.id)
    return IncidentFacts(
        row=row,
        alerts=await _alerts(connection, row.id),
        episodes=members,
        items=said,
        changes=await _changes(connection, row, members, said),
        aliases=await _aliases(connection, row.id),
        policy=await _policy(connection, row.stream),
    )


async def _policy(connection: AsyncConnection, stream: str) -> Policy:
    """What the rules go by in a stream; the defaults, where nothing was configured."""
    body = await connection.scalar(select(configurations.c.body).where(configurations.c.stream == fit(stream)))
    return Policy() if body is None else _read_policy(body)


@lru_cache(maxsize=16)
def _read_policy(body: str) -> Policy:
    """Of the same text the same policy: a topology is large, and asked for with every incident."""
    return policy_of(read_configuration(body).configuration)


async def _survivor(connection: AsyncConnection, incident_id: str) -> IncidentRow | None:
    seen: set[str] = set()
    wanted: str | None = incident_id
    row: IncidentRow | None = None
    while wanted is not None and wanted not in seen:  # merges never make a circle; a reader hangs on none either
        seen.add(wanted)
        body = await connection.scalar(select(incidents.c.body).where(incidents.c.id == wanted))
        if body is None:
            return None
        row = read_incident(body)
        wanted = row.merged_into
    return row


async def _aliases(connection: AsyncConnection, survivor: str) -> tuple[str, ...]:
    found: set[str] = set()
    newest: Sequence[str] = [survivor]
    while newest:
        losers = await connection.scalars(select(incidents.c.id).where(incidents.c.merged_into.in_(newest)))
        newest = sorted(set(losers) - found)
        found.update(newest)
    return tuple(sorted(found))


async def _episodes(connection: AsyncConnection, incident: str) -> tuple[EpisodeRow, ...]:
    query = select(episodes.c.body).where(episodes.c.incident == incident)
    bodies = await connection.scalars(query.order_by(episodes.c.made_offset, episodes.c.made_n))
    return tuple(map(read_episode, bodies))


async def _alerts(connection: AsyncConnection, incident: str) -> tuple[AlertRow, ...]:
    members = select(episodes.c.alert).where(episodes.c.incident == incident)
    bodies = await connection.scalars(select(alerts.c.body).where(alerts.c.id.in_(members)).order_by(alerts.c.id))
    return tuple(map(read_alert, bodies))


async def _items(connection: AsyncConnection, incident: str) -> tuple[ItemRow, ...]:
    query = select(items.c.body).where(items.c.incident == incident)
    bodies = await connection.scalars(query.order_by(items.c.made_offset, items.c.made_n))
    return tuple(map(read_item, bodies))


async def _changes(
    connection: AsyncConnection, row: IncidentRow, members: Sequence[EpisodeRow], said: Sequence[ItemRow]
) -> tuple[ChangeRow, ...]:
    since, until = _bounds(row, members, said)
    query = select(changes.c.body).where(
        changes.c.stream == fit(row.stream),
        changes.c.scope.in_((key(row.scope), key(EVERYWHERE))),
        changes.c.at >= micros(since),
    )
    if until is not None:
        query = query.where(changes.c.at <= micros(until))
    bodies = await connection.scalars(query.order_by(changes.c.at, changes.c.id))
    return tuple(map(read_change, bodies))


def _bounds(
    row: IncidentRow, members: Sequence[EpisodeRow], said: Sequence[ItemRow]
) -> tuple[datetime, datetime | None]:
    """Times between which a change can matter to the incident: generous, the rules themselves look closer."""
    starts = [episode.started_at - timedelta(seconds=episode.pending_for or 0) for episode in members]
    stated = [item.at for item in said]
    stated += [datetime.fromisoformat(item.args["to"]) for item in said if item.args.get("to")]  # an override moves it
    first = min([row.opened_at, *starts, *stated])
    if row.status is IncidentStatus.OPEN:
        return first - _BEFORE, None
    ends = [episode.ended_at for episode in members if episode.ended_at is not None]
    return first - _BEFORE, max([row.opened_at, row.settled_at or row.updated_at, *starts, *ends, *stated]) + _AFTER
