"""The memory of one stream: the fold of its decisions, indexes over it, and what leaves it and comes back.

`put` is the only way in, whether a row was decided just now, loaded from the store or recalled from the archive.
Everything an index holds can be computed from the rows alone. What is over for long leaves (`rest`), and is recalled
when it is asked for by its id.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, cast

from alertline.incidents.memory.archive import NO_ARCHIVE, Archive, Recalled, resting
from alertline.incidents.memory.background import Background
from alertline.incidents.memory.conditions import Conditions
from alertline.incidents.memory.ending import alone_rests_at, rests_at, said_rests_at
from alertline.incidents.memory.leases import pace_of, silent_deadline
from alertline.incidents.memory.maintenance import expected_over
from alertline.incidents.memory.members import About, Members
from alertline.incidents.memory.remembered import Remembered
from alertline.incidents.memory.subjects import Subject, Subjects
from alertline.incidents.memory.timers import Due, TimerKind, Timers, quiet_deadline
from alertline.incidents.memory.whereabouts import Listing, Whereabouts
from alertline.incidents.model import (
    AlertRow,
    ArrivalRow,
    ChangeRow,
    ConfigurationRow,
    EpisodeRow,
    HandledRow,
    IncidentRow,
    ItemRow,
    Row,
    load_order,
)
from alertline.incidents.policy import Policy, policy_of

__all__ = ["EPOCH", "StreamMemory"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Rest(StrEnum):
    """What may leave the memory at some time."""

    EPISODE = "episode"  # without an incident
    INCIDENT = "incident"
    ITEM = "item"  # without an incident


class StreamMemory:
    """The rows of one stream that are in memory, and indexes over them."""

    def __init__(self, stream: str, policy: Policy, archive: Archive = NO_ARCHIVE) -> None:
        self.stream = stream
        self.policy = policy
        self.archive = archive
        self.configuration: ConfigurationRow | None = None
        self.log_time = EPOCH
        self.alerts: dict[str, AlertRow] = {}
        self.episodes: dict[str, EpisodeRow] = Recalled(self._recall_episode)
        self.incidents: dict[str, IncidentRow] = Recalled(self._recall_incident)
        self.items: dict[str, ItemRow] = Recalled(self._recall_item)
        self.members: dict[str, Members] = Recalled(self._recall_incident)
        self.handled: dict[str, HandledRow] = {}
        self.changes: defaultdict[str, list[tuple[datetime, str, ChangeRow]]] = defaultdict(list)
        self.by_scope: defaultdict[str, Listing] = defaultdict(Listing)
        self.waiting: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.deliveries = Remembered(policy.keyed_memory, policy.unkeyed_memory)
        self._conditions = Conditions(self, self.alerts, self.episodes)
        self._subjects = Subjects()
        self._aliases: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._timers = Timers[TimerKind](self._deadline)
        self._rests = Timers[_Rest](self._rests_at)
        self._backgrounds: defaultdict[str, Background] = defaultdict(Background)
        self._whereabouts: defaultdict[str, Whereabouts] = defaultdict(Whereabouts)
        self._looked_up: set[tuple[str, datetime, timedelta]] = set()
        self._changes_since: dict[str, datetime] = {}  # of a scope: from when on all its changes are in memory

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
            case ArrivalRow():
                self._backgrounds[row.scope].note(row)
            case ConfigurationRow():
                self._configure(row)
            case HandledRow():
                self.handled[row.id] = row

    def _configure(self, row: ConfigurationRow) -> None:
        """Go by another configuration: whatever was computed by the old one is computed again."""
        self.configuration, self.policy = row, policy_of(row.configuration)
        self._subjects.clear()
        for known in self.incidents.values():
            self._subjects.add(known.id, known.opened, [("scope", known.scope)])
        for episode in self.episodes.values():
            if episode.incident is not None:
                self._list(episode.incident, self.alerts[episode.alert])
            self._timers.set(TimerKind.SILENT, episode.id)
            self._timers.set(TimerKind.EXPECTED_OVER, episode.id)
            self._rests.set(_Rest.EPISODE, episode.id)
        for item in self.items.values():
            self._rests.set(_Rest.ITEM, item.id)
        for incident, members in self.members.items():
            members.forget_derived()
            self._schedule(incident)

    def _put_alert(self, row: AlertRow) -> None:
        old = self.alerts.get(row.id)
        self._conditions.put_alert(row)
        if old is None:
            return
        moved = self._subject(old) != self._subject(row)
        for each in self._conditions.in_memory(row.id):
            if moved:
                self._index_subject(each)
            if each.incident is None:
                self._timers.set(TimerKind.EXPECTED_OVER, each.id)  # another maintenance window may be meant now

    def _put_episode(self, row: EpisodeRow) -> None:
        old = self.episodes.get(row.id)
        self._conditions.put_episode(row, old)
        if old is None or old.spans != row.spans or pace_of(old) != pace_of(row):
            self._timers.set(TimerKind.SILENT, row.id)  # a plain repeat only moves it on
        if row.incident is None:
            self._timers.set(TimerKind.EXPECTED_OVER, row.id)
            self._rests.set(_Rest.EPISODE, row.id)
        if old is not None and old.incident is not None and (old.incident != row.incident or row.absorbed_by):
            self.members[old.incident].remove_episode(old.id)
            self._schedule(old.incident)
            self._note_move(old.incident)
        if row.incident is not None and row.absorbed_by is None:
            moved = old is None or old.spans != row.spans or old.paging is not row.paging
            if old is not None and old.incident == row.incident:
                self.members[row.incident].refresh(row, moved=moved)
                if not moved:
                    return
            else:
                self._index_subject(row)
            self._schedule(row.incident)
            self._note_move(row.incident)

    def _index_subject(self, row: EpisodeRow) -> None:
        """Let an episode be a member of its incident, under what its alert is about as last described."""
        if row.incident is None:
            return
        alert = self.alerts[row.alert]
        about, _ = self._subject(alert)
        self._members(row.incident).put_episode(row, about)
        self._list(row.incident, alert)

    def _subject(self, alert: AlertRow) -> tuple[About, tuple[str | None, ...]]:
        """What an alert is about, and its values of the labels that tie alerts together."""
        keys = tuple(alert.labels.get(name) for name in self.policy.correlate_by)
        return About(alert.service, alert.check, alert.group), keys

    def _list(self, incident: str, alert: AlertRow) -> None:
        """Let an incident be found by what one of its alerts is about."""
        subjects: list[Subject] = [] if alert.service is None else [("service", alert.scope, alert.service)]
        subjects += self.keys_of(alert).values()
        if subjects:
            self._subjects.add(incident, self.incidents[incident].opened, subjects)

    def keys_of(self, alert: AlertRow) -> dict[str, Subject]:
        """What ties an alert to others that carry the same, by the configured label that says so."""
        return {
            name: ("key", alert.scope, name, value)
            for name in self.policy.correlate_by
            if (value := alert.labels.get(name))
        }

    def _note_move(self, incident: str) -> None:
        """When an incident lasted may have changed: it is looked at again before anything is asked of it."""
        row = self.incidents.get(incident)
        if row is not None:
            self._whereabouts[row.scope].note(incident)
            self._subjects.changed(incident)

    def _put_incident(self, row: IncidentRow) -> None:
        new = row.id not in self.incidents
        self.incidents[row.id] = row
        members = self._members(row.id)
        members.forget_derived()
        if new:
            self._subjects.add(row.id, row.opened, [("scope", row.scope)])
        if row.merged_into is None:
            self.by_scope[row.scope].add(row.id, row.opened)
            self._schedule(row.id)
        else:
            self.by_scope[row.scope].remove(row.id)
            self._aliases[row.merged_into][row.id] = None
        self._note_move(row.id)

    def _put_item(self, row: ItemRow) -> None:
        old = self.items.get(row.id)
        self.items[row.id] = row
        if old is not None and old.incident is not None and old.incident != row.incident:
            self.members[old.incident].remove_item(row.id)
            self._note_move(old.incident)
        if row.incident is None:
            if row.retry_until is not None:
                self.waiting[row.scope][row.id] = None
            self._rests.set(_Rest.ITEM, row.id)
            return
        self.waiting[row.scope].pop(row.id, None)
        self._members(row.incident).put_item(row)
        self._note_move(row.incident)

    def _members(self, incident: str) -> Members:
        found = self.members.get(incident)
        if found is None:
            found = self.members[incident] = Members()
        return found

    # ---------------------------------------------------------------- timers

    def _deadline(self, kind: TimerKind, name: str) -> datetime | None:
        if kind is TimerKind.QUIET:
            members = self.members.get(name)
            return None if members is None else quiet_deadline(self.incidents.get(name), members, self.policy)
        row = self.episodes.get(name)
        if row is None:
            return None
        if kind is TimerKind.SILENT:
            return silent_deadline(row, self.policy)
        return expected_over(self.policy, self.alerts[row.alert], row)

    def _schedule(self, incident: str) -> None:
        self._timers.set(TimerKind.QUIET, incident)
        self._rests.set(_Rest.INCIDENT, incident)

    def next_deadline(self) -> datetime | None:
        """Log time of the next timer that still stands; None when none does."""
        due = self._timers.next()
        return None if due is None else due[0]

    def pop_due(self, log_time: datetime) -> Due[TimerKind] | None:
        """Take the next timer that is due by then, in order of deadline, kind and id."""
        return self._timers.pop(log_time)

    # ---------------------------------------------------------------- what leaves

    def _rests_at(self, kind: _Rest, name: str) -> datetime | None:
        if kind is _Rest.INCIDENT:
            row, members = self.incidents.get(name), self.members.get(name)
            return None if row is None or members is None else rests_at(row, members, self.policy)
        if kind is _Rest.ITEM:
            item = self.items.get(name)
            return None if item is None or item.incident is not None else said_rests_at(item, self.policy)
        episode = self.episodes.get(name)
        return None if episode is None or episode.incident is not None else alone_rests_at(episode, self.policy)

    def rest(self) -> list[Row]:
        """Let what is over for long leave the memory; gives its rows. They must be in the archive by then."""
        rows: list[Row] = []
        stay: list[tuple[_Rest, str]] = []
        while (due := self._rests.pop(self.log_time)) is not None:
            _, kind, name = due
            if self._is_held(kind, name):
                stay.append((kind, name))
            elif kind is _Rest.INCIDENT:
                rows += self._rest_incident(name)
            elif kind is _Rest.ITEM:
                rows.append(self.items.pop(name))
                self.waiting[cast(ItemRow, rows[-1]).scope].pop(name, None)
            else:
                rows.append(self.episodes[name])
        rows += self._rest_changes()
        rows += self._conditions.let_go([row for row in rows if isinstance(row, EpisodeRow)])
        for kind, name in stay:
            self._rests.set(kind, name)
        self._looked_up.clear()
        return rows

    def _is_held(self, kind: _Rest, name: str) -> bool:
        """Whether an alert fires that did so already then: what is heard of it next may tie its episodes together."""
        if kind is _Rest.ITEM:
            return False
        own = self.members[name].episodes if kind is _Rest.INCIDENT else {name: self.episodes[name]}
        firing = [row for row in own.values() if self._conditions.fires(row.alert)]
        until = {row.alert: resting(row).until for row in sorted(firing, key=lambda row: row.started_at)}
        return any(self._conditions.fires_since(alert, over, own) for alert, over in until.items())

    def _rest_incident(self, incident: str) -> Iterable[Row]:
        """An incident leaves with all that leads to it."""
        for each in (*self._aliases.pop(incident, ()), incident):
            row = self.incidents.get(each)
            if row is None or (each != incident and row.merged_into != incident):
                continue
            if each != incident:
                yield from self._rest_incident(each)
                continue
            members = self.members.pop(each)
            yield self.incidents.pop(each)
            yield from members.episodes.values()
            yield from (self.items.pop(item) for item in members.items)
            self.by_scope[row.scope].remove(each)
            self._whereabouts[row.scope].forget(each)
            self._subjects.forget(each)

    def _rest_changes(self) -> Iterable[Row]:
        before = self.log_time - self.policy.reopen - self.policy.seal
        for changes in self.changes.values():
            count = bisect_left(changes, (before,))
            yield from (row for _, _, row in changes[:count])
            del changes[:count]
        self._changes_since = {scope: max(since, before) for scope, since in self._changes_since.items()}

    # ---------------------------------------------------------------- and comes back

    def _recall_incident(self, incident: str) -> None:
        self._admit(self.archive.family(incident))

    def _recall_episode(self, episode: str) -> None:
        incident = self._conditions.incident_of(episode)
        if incident is not None:
            self._recall_incident(incident)
        elif (row := self.archive.episode(episode)) is not None:
            self._admit([row])

    def _recall_item(self, item: str) -> None:
        row = self.archive.item(item)
        if row is not None and row.incident is not None:
            self._recall_incident(row.incident)
        elif row is not None:
            self._admit([row])

    def changes_from(self, scope: str, since: datetime) -> Sequence[tuple[datetime, str, ChangeRow]]:
        """The changes of a scope by time: all from a time on, and perhaps some before it."""
        own, known = self.changes[scope], self._changes_since.get(scope)
        if known is None or since < known:
            here = {row.id for _, _, row in own}
            for row in self.archive.changes(scope, since, known):
                if row.id not in here:
                    insort(own, (row.at, row.id, row))
            self._changes_since[scope] = since
        return own

    def recall_all(self) -> None:
        """Let every incident be in memory."""
        self._admit(self.archive.every_family())

    def _admit(self, rows: Iterable[Row]) -> None:
        """Take rows in again; what is in memory is newer."""
        for row in sorted(rows, key=load_order):
            if not any(row.id in each for each in (self.alerts, self.incidents, self.episodes, self.items)):
                self.put(row)
