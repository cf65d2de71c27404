"""What a correlator's memory has let go of, read again in the middle of a batch (`alertline.incidents.memory.archive`).

The core asks in plain calls; SQLAlchemy lets such a call wait for the database (`AsyncConnection.run_sync`). It sees
the store as it was when the batch began, and that is what the core needs: what changed since is in memory.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Connection, Select, Table, or_, select, union
from sqlalchemy.exc import DBAPIError

from alertline.clock import from_micros, micros
from alertline.incidents.memory.archive import ArchiveAway, Copy, Known, Resting
from alertline.incidents.model import AlertRow, ChangeRow, EpisodeRow, ItemRow, Row
from alertline.store.rows import (
    fit,
    key,
    read_alert,
    read_change,
    read_delivery,
    read_episode,
    read_incident,
    read_item,
    read_row,
)
from alertline.store.tables import alerts, changes, deliveries, episodes, incidents, items, summaries, summary_services
from schemas.vocabulary import IncidentStatus

__all__ = ["StoreArchive", "with_merged"]

_AT_ONCE: Final = 500  # names in one statement: SQLite takes 32 766 values, PostgreSQL 32 767
_TWO: Final = 2


class StoreArchive:
    """The rows of one stream in the store."""

    def __init__(self, connection: Connection, stream: str) -> None:
        self._connection = connection
        self._stream = fit(stream)

    def known_as(self, keys: Collection[str], newest: int) -> Known:
        """As the port says."""
        found: dict[str, AlertRow] = {}
        for some in _batches(keys):
            asked = [key(each) for each in some]
            bodies = union(
                *(select(alerts.c.body).where(self._mine(alerts), column.in_(asked)) for column in _KNOWN_AS)
            )
            rows = (read_alert(body) for (body,) in self._rows(bodies))
            found |= {row.id: row for row in rows if row.dedup_key in keys or row.identity in keys}
        since = {name: at for some in _batches(found) for name, at in self._since(some, newest)}
        whole = [episodes.c.alert.in_(some) for some in _batches([each for each in found if each not in since])]
        cut = [(episodes.c.alert == name) & (episodes.c.started_at >= micros(at)) for name, at in since.items()]
        return Known(list(found.values()), [each for which in (*whole, *cut) for each in self._resting(which)], since)

    def _since(self, of: Sequence[str], newest: int) -> Iterator[tuple[str, datetime]]:
        """Of those alerts that have more episodes: where the oldest of their newest ones starts."""
        own = select(episodes.c.started_at).where(episodes.c.alert == alerts.c.id, episodes.c.absorbed.is_(False))
        newest_first = own.order_by(episodes.c.started_at.desc(), episodes.c.id.desc()).correlate(alerts).limit(1)
        last, more = (newest_first.offset(n).scalar_subquery() for n in (newest - 1, newest))
        for name, at, older in self._rows(select(alerts.c.id, last, more).where(alerts.c.id.in_(of))):
            if older is not None:
                yield name, from_micros(at)

    def episodes_of(self, alerts: Collection[str]) -> Sequence[Resting]:
        """As the port says."""
        return [each for some in _batches(alerts) for each in self._resting(episodes.c.alert.in_(some))]

    def _resting(self, which: ColumnElement[bool]) -> Iterator[Resting]:
        own = episodes.c
        query = select(own.id, own.alert, own.incident, own.started_at, own.until).where(which, own.absorbed.is_(False))
        for episode, alert, incident, started_at, until in self._rows(query):
            over = None if until is None else from_micros(until)
            yield Resting(episode, alert, incident, from_micros(started_at), over)

    def alert(self, alert: str) -> AlertRow | None:
        """As the port says."""
        body = self._body(alerts, alert)
        return None if body is None else read_alert(body)

    def family(self, incident: str) -> Sequence[Row]:
        """As the port says."""
        body = self._body(incidents, incident)
        while body is not None:  # merges never make a circle
            row = read_incident(body)
            if row.merged_into is None:
                return self._of(with_merged(select(incidents.c.id).where(incidents.c.id == row.id)))
            body = self._body(incidents, row.merged_into)
        return ()

    def every_family(self) -> Sequence[Row]:
        """Every incident of the stream with all that `family` gives of it."""
        return self._of(select(incidents.c.id).where(self._mine(incidents)).cte("named"))

    def _of(self, named: CTE) -> list[Row]:
        ids = select(named.c.id)
        own = select(episodes.c.alert).where(episodes.c.incident.in_(ids))
        queries = (
            select(alerts.c.body).where(alerts.c.id.in_(own)),
            select(incidents.c.body).where(incidents.c.id.in_(ids)),
            select(episodes.c.body).where(episodes.c.incident.in_(ids)),
            select(items.c.body).where(items.c.incident.in_(ids)),
        )
        return [read_row(body) for query in queries for (body,) in self._rows(query)]

    def episode(self, episode: str) -> EpisodeRow | None:
        """As the port says."""
        body = self._body(episodes, episode)
        return None if body is None else read_episode(body)

    def item(self, item: str) -> ItemRow | None:
        """As the port says."""
        body = self._body(items, item)
        return None if body is None else read_item(body)

    def near(self, scope: str, first: datetime, last: datetime) -> Sequence[str]:
        """As the port says."""
        own, since, by = summaries.c, micros(first), micros(last)
        began = or_(own.started_at <= by, own.ended_at <= by)
        lasted = or_(own.ended_at.is_(None), own.ended_at >= since, own.started_at >= since)
        return self._ids(self._in_scope(scope).where(began, lasted))

    def not_closed(self, scope: str, service: str | None) -> Sequence[str]:
        """As the port says."""
        query = self._in_scope(scope).where(summaries.c.status != IncidentStatus.CLOSED)
        query = query.order_by(summaries.c.started_at.desc()).limit(_TWO)
        found = self._ids(query)
        if service is not None:
            serve = summary_services.c
            found += self._ids(
                query.join(summary_services, serve.incident_id == summaries.c.id).where(serve.service == key(service))
            )
        return found

    def changes(self, scope: str, since: datetime, until: datetime | None) -> Sequence[ChangeRow]:
        """As the port says."""
        query = select(changes.c.body).where(
            self._mine(changes), changes.c.scope == key(scope), changes.c.at >= micros(since)
        )
        if until is not None:
            query = query.where(changes.c.at < micros(until))
        return [read_change(body) for (body,) in self._rows(query)]

    def copies(self, delivery: str) -> Sequence[Copy]:
        """As the port says."""
        query = select(deliveries.c.body).where(
            deliveries.c.id == fit(delivery), self._mine(deliveries), deliveries.c.keyed.is_(False)
        )
        rows = [read_delivery(body) for (body,) in self._rows(query)]
        return [
            Copy(row.offset if row.duplicate_of is None else row.duplicate_of, row.received_at)
            for row in rows
            if row.replay_of is None
        ]

    def _in_scope(self, scope: str) -> Select[Any]:
        own = summaries.c
        return select(own.id).where(self._mine(summaries), own.scope == key(scope), own.merged_into.is_(None))

    def _mine(self, table: Table) -> Any:
        return table.c.stream == self._stream

    def _ids(self, query: Select[Any]) -> list[str]:
        return [id_ for (id_,) in self._rows(query)]

    def _body(self, table: Table, name: str) -> str | None:
        found = self._rows(select(table.c.body).where(table.c.id == name, self._mine(table)))
        return found[0][0] if found else None

    def _rows(self, query: Any) -> Sequence[Any]:
        with _away():
            return self._connection.execute(query).all()


_KNOWN_AS: Final = (alerts.c.dedup_key, alerts.c.identity)


def with_merged(roots: Select[Any]) -> CTE:
    """Some incidents and all that were merged into them, directly or through others."""
    named = roots.cte("named", recursive=True)
    return named.union(select(incidents.c.id).join(named, incidents.c.merged_into == named.c.id))


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise ArchiveAway(f"the store could not be read: {error.orig}") from error


def _batches(names: Collection[str]) -> Iterator[list[str]]:
    own = iter(names)
    while some := list(islice(own, _AT_ONCE)):
        yield some
