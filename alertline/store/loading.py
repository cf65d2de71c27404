"""What a correlator starts from: all that is not over for long. The rest it recalls when it is asked for."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.clock import from_micros, micros
from alertline.incidents.memory.background import KEPT
from alertline.incidents.model import ConfigurationRow, Row
from alertline.incidents.policy import Policy, policy_of
from alertline.store.archive import with_merged
from alertline.store.engine import reading
from alertline.store.port import Claim, DeliveryRow, Loaded, StreamClock
from alertline.store.rows import fit, read_configuration, read_delivery, read_row, unfit
from alertline.store.tables import (
    alerts,
    arrivals,
    configurations,
    deliveries,
    episodes,
    handled,
    incidents,
    items,
    stream_clocks,
)

__all__ = ["load"]

# How long a delivery is remembered, in log time (contract §8.3).
_KEYED_US: Final = Policy().keyed_memory // timedelta(microseconds=1)
_KEPT_US: Final = KEPT // timedelta(microseconds=1)
_DAY_US: Final = timedelta(days=1) // timedelta(microseconds=1)
_HASHED_US: Final = 2 * Policy().unkeyed_memory // timedelta(microseconds=1)  # so far back looks what is not late


async def load(engine: AsyncEngine, claim: Claim, policy: Policy) -> Loaded:
    """Read what the memory of a partition's streams holds: all of one moment.

    `policy` is what a stream goes by that was never configured. A little more than the memory would hold may come,
    never less.

    Raises:
        StoreUnavailable: not now.
    """
    mine = stream_clocks.c.partition == claim.partition
    rows: list[Row] = []
    async with reading(engine) as connection:
        found = await connection.execute(select(stream_clocks.c.stream, stream_clocks.c.log_time).where(mine))
        clocks = [StreamClock(unfit(name), from_micros(at)) for name, at in found]
        for clock in clocks:
            rows += [row async for row in _rows(connection, clock, policy)]
        remembered = await _remembered(connection, claim.partition)
    return Loaded(
        rows=rows,
        clocks=sorted(clocks, key=lambda each: each.stream),
        deliveries=sorted(remembered, key=lambda row: row.offset),
    )


async def _rows(connection: AsyncConnection, clock: StreamClock, policy: Policy) -> AsyncIterator[Row]:
    stream = fit(clock.stream)
    configuration = await _configuration(connection, stream)
    if configuration is not None:
        yield configuration
        policy = policy_of(configuration.configuration)
    over_since = clock.log_time - policy.reopen - policy.seal
    wanted = {
        **_living(stream, over_since, policy),
        arrivals: (arrivals.c.stream == stream) & _still_known(clock),
        handled: handled.c.stream == stream,
    }
    for table, which in wanted.items():
        query = select(table.c.body).where(which).order_by(table.c.made_offset, table.c.made_n)
        for body in await connection.scalars(query):
            yield read_row(body)


async def _configuration(connection: AsyncConnection, stream: str) -> ConfigurationRow | None:
    body = await connection.scalar(select(configurations.c.body).where(configurations.c.stream == stream))
    return None if body is None else read_configuration(body)


def _living(stream: str, over_since: datetime, policy: Policy) -> dict[Table, ColumnElement[bool]]:
    """The incidents that are not over since before a time, and all that belongs to them or to none."""
    since = micros(over_since)
    own = episodes.c
    roots = select(incidents.c.id).where(
        incidents.c.stream == stream,
        incidents.c.merged_into.is_(None),
        or_(
            incidents.c.over_at.is_(None),
            incidents.c.over_at >= since,
            incidents.c.id.in_(_firing(stream)),
            incidents.c.id.in_(_overlapped(stream)),
        ),
    )
    living = select(with_merged(roots).c.id)
    lone = own.incident.is_(None) & or_(
        own.until.is_(None), own.heard_at >= since, own.id.in_(_overlapped_alone(stream))
    )
    present = (own.stream == stream) & own.absorbed.is_(False) & or_(own.incident.in_(living), lone)
    waiting = items.c.incident.is_(None) & (items.c.read_at >= micros(over_since - policy.retry))
    return {
        alerts: alerts.c.id.in_(select(own.alert).where(present)),
        incidents: incidents.c.id.in_(living),
        episodes: present,
        items: (items.c.stream == stream) & or_(items.c.incident.in_(living), waiting),
    }


def _is_running(table: Any, stream: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = (table.c.stream == stream) & table.c.until.is_(None) & table.c.absorbed.is_(False)
    return found


def _firing(stream: str) -> Select[Any]:
    """Incidents that are said to be over, of which something fires all the same."""
    return select(episodes.c.incident).where(_is_running(episodes, stream), episodes.c.incident.is_not(None))


def _beneath(stream: str) -> Select[Any]:
    """Episodes of alerts that fire under an older or another start (`StreamMemory.rest` keeps them)."""
    running = episodes.alias("running")
    own = episodes.c
    joined = select(own.id, own.incident).join(running, running.c.alert == own.alert)
    return joined.where(_is_running(running, stream), own.id != running.c.id, own.until >= running.c.started_at)


def _overlapped(stream: str) -> Select[Any]:
    found = _beneath(stream).subquery()
    return select(found.c.incident).where(found.c.incident.is_not(None))


def _overlapped_alone(stream: str) -> Select[Any]:
    found = _beneath(stream).subquery()
    return select(found.c.id)


def _still_known(clock: StreamClock) -> ColumnElement[bool]:
    """Arrivals from which habits are still learned: of whole days, so that a fold of them equals the fold of all."""
    since = micros(clock.log_time) - _KEPT_US
    return arrivals.c.read_at >= since - since % _DAY_US


async def _remembered(connection: AsyncConnection, partition: int) -> list[DeliveryRow]:
    found: list[DeliveryRow] = []
    for keyed, age in ((True, _KEYED_US), (False, _HASHED_US)):
        query = (
            select(deliveries.c.body)
            .join(stream_clocks, stream_clocks.c.stream == deliveries.c.stream)
            .where(stream_clocks.c.partition == partition)
            .where(deliveries.c.keyed.is_(keyed))
            .where(deliveries.c.received_at >= stream_clocks.c.log_time - age)
        )
        found += map(read_delivery, await connection.scalars(query))
    return found
