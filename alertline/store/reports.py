"""Reading what reports are made of: few columns of many incidents, all of one moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.clock import from_micros, micros
from alertline.incidents.reporting.alerts import Firing, Heard
from alertline.incidents.reporting.cohort import excluded
from alertline.incidents.reporting.figures import METRICS, Measured, Question
from alertline.store.engine import reading
from alertline.store.port import Summary
from alertline.store.rows import fit, key, read_summary, unfit
from alertline.store.tables import (
    alerts,
    episodes,
    incident_metrics,
    incident_milestones,
    stream_clocks,
    summaries,
    summary_services,
)
from schemas.vocabulary import Excluded, GroupBy, MilestoneName, Severity

__all__ = ["Figures", "ReportReader"]

_ABOUT: Final = 9  # columns before those of the metrics
_COLUMNS: Final = tuple(
    incident_metrics.c[name]
    for name in (
        *("incident_id", "cohort_at", "detected_at", "merged_into", "classification", "status", "severity", "scope"),
        *("bases", *METRICS),
    )
)


_INCIDENT: Final = incident_metrics.c.incident_id


class Figures(msgspec.Struct, frozen=True):
    """What one report is made of; `as_of`: log time of the newest record that was applied, None before the first."""

    measured: Sequence[Measured]
    as_of: datetime | None


class ReportReader:
    """What reports are read with. It leaves the engine open: whoever made that disposes of it.

    Any method may raise `StoreUnavailable`: the database does not answer now.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def figures(self, asked: Question, *, stamps: bool = False) -> Figures:
        """The incidents that a report is about, by time of detection, then by id; with their milestones, if wanted."""
        query = select(*_COLUMNS).where(*_within(asked)).order_by(incident_metrics.c.cohort_at, _INCIDENT)
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
            services = await _services(connection, asked) if asked.group_by is GroupBy.SERVICE else {}
            sources = await _sources(connection, asked) if asked.group_by is GroupBy.SOURCE else {}
            at = await _stamps(connection, asked) if stamps else {}
            as_of = await connection.scalar(select(func.max(stream_clocks.c.log_time)))
        measured = [
            _measured(row, services.get(row[0], ()), sources.get(row[0], ()), at.get(row[0], {})) for row in rows
        ]
        return Figures(measured, None if as_of is None else from_micros(as_of))

    async def summaries(self, asked: Question) -> list[Summary]:
        """The same incidents in the same order, with all that a list line holds."""
        query = select(summaries.c.body).join(incident_metrics, summaries.c.id == _INCIDENT).where(*_within(asked))
        async with reading(self._engine) as connection:
            bodies = await connection.scalars(query.order_by(incident_metrics.c.cohort_at, _INCIDENT))
            return [read_summary(body) for body in bodies]

    async def firings(self, asked: Question) -> list[Firing]:
        """When each rule first fired in each of these incidents; pages only where nothing else fired."""
        rule = (alerts.c.rule, alerts.c.service)
        query = (
            select(episodes.c.incident, *rule, func.min(episodes.c.started_at), episodes.c.paging)
            .join(alerts, alerts.c.id == episodes.c.alert)
            .join(incident_metrics, episodes.c.incident == _INCIDENT)
            .where(*_within(asked))
            .group_by(episodes.c.incident, *rule, episodes.c.paging)
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query.order_by(episodes.c.incident))).all()
        return [
            Firing(incident, *_rule(name, service), began)
            for incident, own in groupby(rows, key=lambda row: row[0])
            for _, name, service, began, _ in _witnesses(list(own))
        ]

    async def heard(self, asked: Question) -> list[Heard]:
        """How many episodes of each rule began in the time that is asked for, by incident; pages are none."""
        began = episodes.c.started_at
        wanted: list[ColumnElement[bool]] = [episodes.c.paging.is_(False), *_between(began, asked)]
        if asked.service is not None:
            wanted.append(alerts.c.service == fit(asked.service))
        query = (
            select(alerts.c.rule, alerts.c.service, episodes.c.incident, func.count())
            .join(alerts, alerts.c.id == episodes.c.alert)
            .where(*wanted)
            .group_by(alerts.c.rule, alerts.c.service, episodes.c.incident)
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return [Heard(*_rule(rule, service), incident, count) for rule, service, incident, count in rows]


def _rule(name: str | None, service: str | None) -> tuple[str, str | None]:
    return unfit(name or ""), None if service is None else unfit(service)


def _between(column: ColumnElement[int], asked: Question) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.since is not None:
        found.append(column >= micros(asked.since))
    if asked.until is not None:
        found.append(column < micros(asked.until))
    return found


def _within(asked: Question) -> list[ColumnElement[bool]]:
    """The incidents that a report is about."""
    found = _between(incident_metrics.c.cohort_at, asked)
    if asked.severity is not None:
        found.append(incident_metrics.c.severity == asked.severity)
    if asked.service is not None:
        names = summary_services.c
        found.append(_INCIDENT.in_(select(names.incident_id).where(names.service == key(asked.service))))
    return found


def _of(incident_id: ColumnElement[str], asked: Question) -> list[ColumnElement[bool]]:
    """The same for rows that name their incident; of all incidents nothing need be asked."""
    within = _within(asked)
    return [incident_id.in_(select(_INCIDENT).where(*within))] if within else []


async def _services(connection: AsyncConnection, asked: Question) -> dict[str, list[str]]:
    names = summary_services.c
    found: dict[str, list[str]] = {}
    query = select(names.incident_id, names.service).where(*_of(names.incident_id, asked))
    for incident, name in await connection.execute(query.order_by(names.incident_id, names.service)):
        found.setdefault(incident, []).append(unfit(name))
    return found


async def _sources(connection: AsyncConnection, asked: Question) -> dict[str, list[str]]:
    """The sources of the alerts of each incident; of pagers only where nothing else fired."""
    source_of = {id_: unfit(name or "") for id_, name in await connection.execute(select(alerts.c.id, alerts.c.source))}
    heard: dict[str, set[str]] = {}
    paged: dict[str, set[str]] = {}
    incident_id = episodes.c.incident
    query = select(incident_id, episodes.c.alert, episodes.c.paging).where(incident_id.is_not(None))
    for incident, alert, paging in await connection.execute(query.where(*_of(incident_id, asked))):
        (paged if paging else heard).setdefault(incident, set()).add(source_of.get(alert, ""))
    return {incident: sorted(names) for incident, names in (paged | heard).items()}


async def _stamps(connection: AsyncConnection, asked: Question) -> dict[str, dict[MilestoneName, int]]:
    table = incident_milestones.c
    query = select(table.incident_id, table.milestone, table.at).where(table.at.is_not(None))
    found: dict[str, dict[MilestoneName, int]] = {}
    for incident, name, at in await connection.execute(query.where(*_of(table.incident_id, asked))):
        found.setdefault(incident, {})[_milestone(name)] = at
    return found


def _witnesses(rows: Sequence[Any]) -> Iterable[Any]:
    """Those whose last column, whether they are pages, is false; all, where there are only pages."""
    return [row for row in rows if not row[-1]] or rows


@cache
def _excluded(merged: bool, classification: str, detected: bool, status: str) -> Excluded | None:
    """Of the same words the same reason: there are many incidents, and few such words."""
    return excluded(merged=merged, classification=classification, detected=detected, status=status)


_severity: Final = cache(Severity)
_milestone: Final = cache(MilestoneName)


def _measured(row: Any, services: Sequence[str], sources: Sequence[str], stamps: dict[MilestoneName, int]) -> Measured:
    incident, cohort, detected, merged, classification, status, severity, scope, bases = row[:_ABOUT]
    return Measured(
        incident,
        cohort,
        _excluded(merged is not None, classification, detected is not None, status),
        _severity(severity),
        unfit(scope),
        row[_ABOUT:],
        bases,
        services,
        sources,
        stamps,
    )
