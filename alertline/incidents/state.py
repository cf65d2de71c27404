"""What the correlator remembers of one stream: the current rows and indexes over them, nothing else.

The state is by construction the fold of the decisions: `put` is the only way in, whether a row was decided just now or
loaded from the store. Everything an index holds can be computed from the rows alone.
"""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from alertline.incidents.members import Members
from alertline.incidents.milestones import Stamps, stamp
from alertline.incidents.model import AlertRow, ChangeRow, EpisodeRow, IncidentFacts, IncidentRow, ItemRow, Row
from alertline.incidents.policy import Policy
from alertline.incidents.remembered import Remembered
from schemas.vocabulary import IncidentStatus

__all__ = ["StreamState"]

_NEAR: Final = 4  # how many neighbours in time are looked at where a rule asks for the nearest
_LAST: Final = "\uffff"  # after every id
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StreamState:
    """The memory of one stream's correlator."""

    def __init__(self, stream: str, policy: Policy) -> None:
        self.stream = stream
        self.policy = policy
        self.log_time = EPOCH
        self.alerts: dict[str, AlertRow] = {}
        self.episodes: dict[str, EpisodeRow] = {}
        self.incidents: dict[str, IncidentRow] = {}
        self.items: dict[str, ItemRow] = {}
        self.members: dict[str, Members] = {}
        self.changes: defaultdict[str, list[tuple[datetime, str, ChangeRow]]] = defaultdict(list)
        self.by_scope: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.waiting: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.deliveries = Remembered(policy.keyed_memory, policy.unkeyed_memory)
        self._alert_by_key: dict[tuple[str, str, str], str] = {}
        self._known_as: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_start: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._recurrences: defaultdict[tuple[str, str, str], list[tuple[datetime, str]]] = defaultdict(list)
        self._aliases: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._timers: list[tuple[datetime, str]] = []

    # ---------------------------------------------------------------- writing

    def put(self, row: Row) -> None:
        """Let a row be the current one of its id."""
        match row:
            case EpisodeRow():
                self._put_episode(row)
            case AlertRow():
                self._put_alert(row)
            case IncidentRow():
                self._put_incident(row)
            case ItemRow():
                self._put_item(row)
            case ChangeRow():
                insort(self.changes[row.scope], (row.at, row.id, row))

    def _put_alert(self, row: AlertRow) -> None:
        if row.id not in self.alerts:
            self._alert_by_key[row.scope, row.source, row.dedup_key] = row.id
            for key in (row.dedup_key, row.identity):
                self._known_as[key][row.id] = None
        self.alerts[row.id] = row

    def _put_episode(self, row: EpisodeRow) -> None:
        old = self.episodes.get(row.id)
        self.episodes[row.id] = row
        self._index_start(row, old)
        if old is not None and old.incident is not None and (old.incident != row.incident or row.absorbed_by):
            self.members[old.incident].remove_episode(old.id)
            self._schedule(old.incident)
        if row.incident is not None and row.absorbed_by is None:
            service = self.alerts[row.alert].service
            self._members(row.incident).put_episode(row, service)
            if old is None or old.spans != row.spans or old.incident != row.incident:
                self._schedule(row.incident)

    def _index_start(self, row: EpisodeRow, old: EpisodeRow | None) -> None:
        """Keep the episodes of an alert, and of its condition, in order of start."""
        if old is not None and old.started_at == row.started_at and row.absorbed_by is None:
            return
        alert = self.alerts[row.alert]
        for index in (self._by_start[row.alert], self._recurrences[alert.scope, alert.source, alert.identity]):
            if old is not None and old.absorbed_by is None:
                del index[bisect_left(index, (old.started_at, old.id))]
            if row.absorbed_by is None:
                insort(index, (row.started_at, row.id))

    def _put_incident(self, row: IncidentRow) -> None:
        self.incidents[row.id] = row
        members = self._members(row.id)
        members.forget_stamps()
        self.by_scope[row.scope][row.id] = None
        if row.merged_into is None:
            self._schedule(row.id)
        else:
            self._aliases[row.merged_into][row.id] = None

    def _put_item(self, row: ItemRow) -> None:
        old = self.items.get(row.id)
        self.items[row.id] = row
        if old is not None and old.incident is not None and old.incident != row.incident:
            self.members[old.incident].remove_item(row.id)
        if row.incident is None:
            if row.retry_until is not None:
                self.waiting[row.scope][row.id] = None
            return
        self.waiting[row.scope].pop(row.id, None)
        self._members(row.incident).put_item(row)

    def _members(self, incident: str) -> Members:
        members = self.members.get(incident)
        if members is None:
            members = self.members[incident] = Members()
        return members

    # ---------------------------------------------------------------- timers

    def quiet_deadline(self, incident: str) -> datetime | None:
        """Log time at which the incident is quiet for long enough; None while it fires, or a person decides."""
        row, members = self.incidents.get(incident), self.members[incident]
        if row is None or row.status is not IncidentStatus.OPEN or row.merged_into is not None:
            return None
        tally = members.tally
        read_at = tally.last_end_read
        if tally.firing or read_at is None:
            return None
        if row.held_open_from is not None and read_at <= row.held_open_from:
            return None
        return read_at + (self.policy.point_quiet if tally.ends_in_point else self.policy.quiet)

    def _schedule(self, incident: str) -> None:
        deadline = self.quiet_deadline(incident)
        if deadline is not None:
            heapq.heappush(self._timers, (deadline, incident))

    def next_deadline(self) -> datetime | None:
        """Log time of the next timer that still stands; None when none does."""
        while self._timers:
            deadline, incident = self._timers[0]
            if self.quiet_deadline(incident) == deadline:
                return deadline
            heapq.heappop(self._timers)
        return None

    def pop_due(self, log_time: datetime) -> tuple[datetime, str] | None:
        """Take the next timer that is due by then (deadline, incident), in order of deadline, then id."""
        deadline = self.next_deadline()
        if deadline is None or deadline > log_time:
            return None
        return heapq.heappop(self._timers)

    # ---------------------------------------------------------------- reading

    def incidents_of(self, scope: str) -> Iterator[IncidentRow]:
        """The incidents of a scope that were not merged away, newest opened first."""
        for incident in reversed(self.by_scope[scope]):
            row = self.incidents[incident]
            if row.merged_into is None:
                yield row

    def alert_by_key(self, scope: str, source: str, dedup_key: str) -> AlertRow | None:
        """The alert of a source and dedup key in a scope."""
        found = self._alert_by_key.get((scope, source, dedup_key))
        return None if found is None else self.alerts[found]

    def alerts_known_as(self, keys: Iterable[str]) -> list[AlertRow]:
        """The alerts, of any scope, whose dedup key or identity is one of these: an explicit key knows no scope."""
        found = {each: None for key in keys for each in self._known_as.get(key, ())}
        return [self.alerts[each] for each in sorted(found)]

    def episodes_of(self, alert: str) -> list[EpisodeRow]:
        """The episodes of one alert, by start."""
        return [self.episodes[each] for _, each in self._by_start[alert]]

    def newest_episode(self, alert: str) -> EpisodeRow | None:
        """The episode of an alert that started last."""
        index = self._by_start[alert]
        return self.episodes[index[-1][1]] if index else None

    def episodes_near(self, alert: str, start: datetime | None, end: datetime | None) -> list[EpisodeRow]:
        """Those episodes of an alert that a notification of this start and end can touch, by start.

        Episodes of one alert never overlap. So it can touch the one that begins at or before its start, those that
        begin before its end, and the next one, into which a firing without an end goes on; without a start, the newest.
        """
        index = self._by_start[alert]
        if start is None:
            return [self.episodes[each] for _, each in index[-_NEAR:]]
        first = max(bisect_right(index, (start, _LAST)) - 1, 0)
        last = bisect_right(index, (max(start, end or start), _LAST)) + 1
        return [self.episodes[each] for _, each in index[first:last]]

    def recurrences_near(self, alert: AlertRow, start: datetime) -> list[EpisodeRow]:
        """The episodes of the same condition, under any dedup key, that start next before and after a time."""
        index = self._recurrences[alert.scope, alert.source, alert.identity]
        place = bisect_left(index, (start, ""))
        return [self.episodes[each] for _, each in index[max(place - _NEAR, 0) : place + _NEAR]]

    def survivor(self, incident: str) -> IncidentRow | None:
        """The incident that an id leads to, through merges; None for an unknown id."""
        row = self.incidents.get(incident)
        while row is not None and row.merged_into is not None:
            row = self.incidents.get(row.merged_into)
        return row

    def aliases(self, incident: str) -> tuple[str, ...]:
        """Every id that leads to an incident, directly or through another."""
        found: list[str] = []
        for each in self._aliases[incident]:
            row = self.incidents[each]
            if row.merged_into == incident:
                found += [each, *self.aliases(each)]
        return tuple(sorted(found))

    def stamps(self, incident: str) -> Stamps:
        """The milestones of an incident as they stand; kept until one of its rows changes."""
        members = self.members[incident]
        if members.stamps is None:
            episodes, items = tuple(members.episodes.values()), tuple(members.items.values())
            members.stamps = stamp(self.incidents[incident], episodes, items, self.policy)
        return members.stamps

    def facts(self, incident: str) -> IncidentFacts:
        """All that the public incident is computed from."""
        row, members = self.incidents[incident], self.members[incident]
        episodes = tuple(members.episodes.values())
        return IncidentFacts(
            row=row,
            alerts=tuple(self.alerts[each] for each in sorted({episode.alert for episode in episodes})),
            episodes=episodes,
            items=tuple(members.items.values()),
            changes=tuple(change for _, _, change in self.changes[row.scope]),
            aliases=self.aliases(incident),
        )
