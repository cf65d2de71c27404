"""Reading what reports are made of: few columns of many incidents, all of one moment."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import compress, groupby
from operator import not_
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Double, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.clock import from_micros, micros
from alertline.incidents.reporting.alerts import EpisodeLine, Firing, Heard, Rule
from alertline.incidents.reporting.cohort import excluded
from alertline.incidents.reporting.figures import METRICS, UNMEASURED, Measured, Question
from alertline.store.engine import columns, reading
from alertline.store.port import Summary
from alertline.store.rows import fit, key, read_alert, read_episode, read_summary, unfit
from alertline.store.tables import (
    alerts,
    episodes,
    incident_metrics,
    stream_clocks,
    summaries,
    summary_services,
)
from schemas.vocabulary import Excluded, GroupBy

__all__ = ["Figures", "ReportReader"]

_FEW: Final = 500  # that are named one by one in a question to the database
_INCIDENT: Final = incident_metrics.c.incident_id
_COUNTS: Final = (
    incident_metrics.c.merged_into.is_not(None),
    incident_metrics.c.classification,
    incident_metrics.c.detected_at.is_not(None),
    incident_metrics.c.status,
)
_COLUMNS: Final = (
    *(_INCIDENT, incident_metrics.c.cohort_at, incident_metrics.c.bases, *_COUNTS),
    *(func.coalesce(incident_metrics.c[name], UNMEASURED, type_=Double) for name in METRICS),
)
_KEYS: Final = {GroupBy.SEVERITY: incident_metrics.c.severity, GroupBy.SCOPE: incident_metrics.c.scope}


class Figures(msgspec.Struct, frozen=True):
    """What one report is made of; `as_of`: log time of the newest record that was applied, None before the first."""

    measured: Measured
    as_of: datetime | None


class ReportReader:
    """What reports are read with. It leaves the engine open: whoever made that disposes of it.

    Any method may raise `StoreUnavailable`: the database does not answer now.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def figures(self, asked: Question) -> Figures:
        """The incidents that a report is about, in no order; with their services, or sources, if it groups by them."""
        keys = [_KEYS[asked.group_by]] if asked.group_by in _KEYS else []
        async with reading(self._engine) as connection:
            found = await columns(connection, select(*_COLUMNS, *keys).where(*_within(asked)))
            number = dict(zip(found[0], range(len(found[0])), strict=True))
            members = await _members(connection, asked, number)
            as_of = await connection.scalar(select(func.max(stream_clocks.c.log_time)))
        return Figures(_measured(found, members), None if as_of is None else from_micros(as_of))

    async def summaries(self, asked: Question, wanted: Collection[str]) -> list[Summary]:
        """Some of these incidents, by time of detection, then by id, with all that a list line holds."""
        query = select(summaries.c.body).join(incident_metrics, summaries.c.id == _INCIDENT).where(*_within(asked))
        if len(wanted) <= _FEW:
            query = query.where(_INCIDENT.in_(wanted))
        async with reading(self._engine) as connection:
            bodies = await connection.scalars(query.order_by(incident_metrics.c.cohort_at, _INCIDENT))
            return [line for line in map(read_summary, bodies) if line.id in wanted]

    async def firings(self, asked: Question) -> list[Firing]:
        """When each rule first fired in each of these incidents, one after another; pages where nothing else fired."""
        rule = (alerts.c.rule, alerts.c.service)
        query = (
            select(episodes.c.incident, *rule, func.min(episodes.c.started_at), episodes.c.paging)
            .join(alerts, alerts.c.id == episodes.c.alert)
            .join(incident_metrics, episodes.c.incident == _INCIDENT)
            .where(episodes.c.absorbed.is_(False), *_within(asked))
            .group_by(episodes.c.incident, *rule, episodes.c.paging)
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query.order_by(episodes.c.incident))).all()
        return [
            Firing(incident, _rule(name, service), began)
            for incident, own in groupby(rows, key=lambda row: row[0])
            for _, name, service, began, _ in _witnesses(list(own))
        ]

    async def heard(self, asked: Question) -> list[Heard]:
        """How many episodes of each rule began in the time that is asked for; pages are none."""
        rule = (alerts.c.rule, alerts.c.service)
        query = _episodes(asked, *rule, episodes.c.incident.is_not(None), *_COUNTS, func.count())
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query.group_by(*rule, episodes.c.incident.is_not(None), *_COUNTS))).all()
        return [
            Heard(_rule(name, service), bool(in_one) and _excluded(*counts) is None, count)
            for name, service, in_one, *counts, count in rows
        ]

    async def episodes(self, asked: Question, rule: Rule) -> list[EpisodeLine]:
        """The episodes of one rule among these, in order of time."""
        query = _episodes(asked, alerts.c.body, episodes.c.body, *_COUNTS).where(
            func.coalesce(alerts.c.rule, "") == fit(rule.name),
            alerts.c.service.is_(None) if rule.service is None else alerts.c.service == fit(rule.service),
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query.order_by(episodes.c.started_at, episodes.c.id))).all()
        return [_episode_line(*row) for row in rows]


def _episodes(asked: Question, *wanted: ColumnElement[Any]) -> Select[Any]:
    """Episodes that began in the time that is asked for, without pages, with their alerts and incidents."""
    query = (
        select(*wanted)
        .select_from(episodes)
        .join(alerts, alerts.c.id == episodes.c.alert)
        .outerjoin(incident_metrics, episodes.c.incident == _INCIDENT)
        .where(episodes.c.paging.is_(False), episodes.c.absorbed.is_(False), *_between(episodes.c.started_at, asked))
    )
    return query if asked.service is None else query.where(alerts.c.service == fit(asked.service))


def _episode_line(alert_body: str, body: str, *counts: Any) -> EpisodeLine:
    alert, episode = read_alert(alert_body), read_episode(body)
    return EpisodeLine(
        title=alert.title,
        dedup_key=alert.dedup_key,
        source=alert.source or "",
        started_at=episode.started_at,
        ended_at=episode.ended_at,
        incident=episode.incident,
        excluded=None if episode.incident is None else _excluded(*counts),
    )


@cache
def _rule(name: str | None, service: str | None) -> Rule:
    return Rule(unfit(name or ""), None if service is None else unfit(service))


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


async def _members(connection: AsyncConnection, asked: Question, number: Mapping[str, int]) -> dict[str, list[int]]:
    """The numbers of the incidents of each service, or source, if the question groups by it."""
    if asked.group_by is GroupBy.SERVICE:
        names = summary_services.c
        query = select(names.incident_id, names.service).where(*_of(names.incident_id, asked))
        found = _by_name(await columns(connection, query), number, unfit)
        return {name: list(own) for name, own in found.items()}
    return await _sources(connection, asked, number) if asked.group_by is GroupBy.SOURCE else {}


async def _sources(connection: AsyncConnection, asked: Question, number: Mapping[str, int]) -> dict[str, list[int]]:
    """The same by sources of their alerts; of pagers only where nothing else fired."""
    source_of = {id_: unfit(name or "") for id_, name in await connection.execute(select(alerts.c.id, alerts.c.source))}
    incident = episodes.c.incident
    query = select(incident, episodes.c.alert, episodes.c.paging).where(incident.is_not(None), *_of(incident, asked))
    *found, pages = await columns(connection, query)
    monitored, paged = (
        _by_name([list(compress(each, own)) for each in found], number, source_of.__getitem__)
        for own in (list(map(not_, pages)), pages)
    )
    heard = set[int]().union(*monitored.values())
    return {
        name: sorted(monitored.get(name, set()) | (paged.get(name, set()) - heard)) for name in {*monitored, *paged}
    }


def _by_name(
    found: Sequence[Sequence[str]], number: Mapping[str, int], name_of: Callable[[str], str]
) -> dict[str, set[int]]:
    """The numbers of incidents by name; `found` are ids of incidents, and beside them what has a name."""
    incidents, named = found
    own = {each: set[int]() for each in set(named)}
    for incident, each in zip(incidents, named, strict=True):
        if (n := number.get(incident)) is not None:
            own[each].add(n)
    by_name: dict[str, set[int]] = {}
    for each, numbers in own.items():
        if numbers:
            by_name.setdefault(name_of(each), set()).update(numbers)
    return by_name


def _witnesses(rows: Sequence[Any]) -> Iterable[Any]:
    """Those whose last column, whether they are pages, is false; all, where there are only pages."""
    return [row for row in rows if not row[-1]] or rows


@cache
def _excluded(merged: bool, classification: str, detected: bool, status: str) -> Excluded | None:
    """Of the same words the same reason: there are many incidents, and few such words."""
    return excluded(merged=bool(merged), classification=classification, detected=bool(detected), status=status)


def _measured(found: Sequence[Sequence[Any]], members: Mapping[str, Sequence[int]]) -> Measured:
    incidents, cohort, bases, *rest = found
    counts, seconds, keys = rest[: len(_COUNTS)], rest[len(_COUNTS) :][: len(METRICS)], rest[len(_COUNTS + METRICS) :]
    return Measured(
        incidents=incidents,
        cohort_us=cohort,
        excluded=list(map(_excluded, *counts)),
        seconds=seconds,
        bases=bases,
        keys=list(map(_key, *keys)) if keys else (),
        members=members,
    )


_key: Final = cache(unfit)
