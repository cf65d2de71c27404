"""What the correlator remembers of one stream: the current rows and indexes over them, nothing else.

The state is by construction the fold of the decisions: `put` is the only way in, whether a row was decided just now or
loaded from the store. Everything an index holds can be computed from the rows alone.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from alertline.incidents.background import Background
from alertline.incidents.candidates import around
from alertline.incidents.leases import pace_of, silent_deadline
from alertline.incidents.maintenance import expected_over
from alertline.incidents.members import About, Members
from alertline.incidents.milestones import Stamps, stamp
from alertline.incidents.model import (
    AlertRow,
    ArrivalRow,
    ChangeRow,
    ConfigurationRow,
    EpisodeRow,
    HandledRow,
    IncidentFacts,
    IncidentRow,
    ItemRow,
    Row,
)
from alertline.incidents.policy import Policy, policy_of
from alertline.incidents.remembered import Remembered
from alertline.incidents.timeline import bounds, lasted
from alertline.incidents.timers import Due, TimerKind, Timers, quiet_deadline
from alertline.incidents.whereabouts import Lasted, Listing, Whereabouts

__all__ = ["StreamState"]

_NEAR: Final = 4  # how many neighbours in time are looked at where a rule asks for the nearest
_LAST: Final = "\uffff"  # after every id
_DAY: Final = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StreamState:
    """The memory of one stream's correlator."""

    def __init__(self, stream: str, policy: Policy) -> None:
        self.stream = stream
        self.policy = policy
        self.configuration: ConfigurationRow | None = None
        self.log_time = EPOCH
        self.alerts: dict[str, AlertRow] = {}
        self.episodes: dict[str, EpisodeRow] = {}
        self.incidents: dict[str, IncidentRow] = {}
        self.items: dict[str, ItemRow] = {}
        self.members: dict[str, Members] = {}
        self.handled: dict[str, HandledRow] = {}
        self.changes: defaultdict[str, list[tuple[datetime, str, ChangeRow]]] = defaultdict(list)
        self.by_scope: defaultdict[str, Listing] = defaultdict(Listing)
        self.waiting: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.deliveries = Remembered(policy.keyed_memory, policy.unkeyed_memory)
        self._alert_by_key: dict[tuple[str, str, str], str] = {}
        self._known_as: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_start: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._recurrences: defaultdict[tuple[str, str, str], list[tuple[datetime, str]]] = defaultdict(list)
        self._aliases: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._timers = Timers(self._deadline)
        self._backgrounds: defaultdict[str, Background] = defaultdict(Background)
        self._about: defaultdict[tuple[str, str], Listing] = defaultdict(Listing)
        self._keyed: defaultdict[tuple[str, str, str], Listing] = defaultdict(Listing)
        self._left_out: set[str] = set()
        self._whereabouts: defaultdict[str, Whereabouts] = defaultdict(Whereabouts)

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
        self._keyed.clear()
        for episode in self.episodes.values():
            if episode.incident is not None:
                self._index_keys(self.alerts[episode.alert], episode.incident)
            self._timers.set(TimerKind.SILENT, episode.id)
            self._timers.set(TimerKind.EXPECTED_OVER, episode.id)
        for incident, members in self.members.items():
            members.forget_stamps()
            self._schedule(incident)

    def _put_alert(self, row: AlertRow) -> None:
        if row.id not in self.alerts:
            self._alert_by_key[row.scope, row.source, row.dedup_key] = row.id
            for key in (row.dedup_key, row.identity):
                self._known_as[key][row.id] = None
        elif self._subject(self.alerts[row.id]) != self._subject(row):
            self.alerts[row.id] = row
            for _, each in self._by_start[row.id]:
                self._index_subject(self.episodes[each])
        self.alerts[row.id] = row

    def _put_episode(self, row: EpisodeRow) -> None:
        old = self.episodes.get(row.id)
        self.episodes[row.id] = row
        self._index_start(row, old)
        if old is None or old.spans != row.spans or pace_of(old) != pace_of(row):
            self._timers.set(TimerKind.SILENT, row.id)  # a plain repeat only moves it on
        if row.incident is None:
            self._timers.set(TimerKind.EXPECTED_OVER, row.id)
        if old is not None and old.incident is not None and (old.incident != row.incident or row.absorbed_by):
            self.members[old.incident].remove_episode(old.id)
            self._schedule(old.incident)
            self._note_move(old.incident)
        if row.incident is not None and row.absorbed_by is None:
            moved = old is None or old.spans != row.spans
            if old is not None and old.incident == row.incident and not old.absorbed_by:
                self.members[row.incident].refresh(row, moved=moved)
                if not moved:
                    return
            else:
                self._index_subject(row)
            self._schedule(row.incident)
            self._note_move(row.incident)

    def _index_subject(self, row: EpisodeRow) -> None:
        """Let an episode be a member of its incident, under what its alert is about as last described."""
        if row.incident is None or row.absorbed_by is not None:
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
        if alert.service is not None:
            self._about[alert.scope, alert.service].add(incident, self.incidents[incident].opened)
        self._index_keys(alert, incident)

    def _index_keys(self, alert: AlertRow, incident: str) -> None:
        for name in self.policy.correlate_by:
            if value := alert.labels.get(name):
                self._keyed[alert.scope, name, value].add(incident, self.incidents[incident].opened)

    def _note_move(self, incident: str) -> None:
        """When an incident lasted may have changed: it is looked at again before anything is asked of it."""
        if incident in self.incidents:
            self._whereabouts[self.incidents[incident].scope].note(incident)
        if incident in self._left_out:
            self._left_out.remove(incident)
            for episode in self.members[incident].episodes.values():
                self._list(incident, self.alerts[episode.alert])

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
        if row.merged_into is None:
            self.by_scope[row.scope].add(row.id, row.opened)
        elif row.id in self.by_scope[row.scope]:
            self.by_scope[row.scope].remove(row.id)
        self._note_move(row.id)
        if row.merged_into is None:
            self._schedule(row.id)
        else:
            self._aliases[row.merged_into][row.id] = None

    def _put_item(self, row: ItemRow) -> None:
        old = self.items.get(row.id)
        self.items[row.id] = row
        if old is not None and old.incident is not None and old.incident != row.incident:
            self.members[old.incident].remove_item(row.id)
            self._note_move(old.incident)
        if row.incident is None:
            if row.retry_until is not None:
                self.waiting[row.scope][row.id] = None
            return
        self.waiting[row.scope].pop(row.id, None)
        self._members(row.incident).put_item(row)
        self._note_move(row.incident)

    def _members(self, incident: str) -> Members:
        if incident not in self.members:
            self.members[incident] = Members()
        return self.members[incident]

    # ---------------------------------------------------------------- timers

    def _deadline(self, kind: TimerKind, name: str) -> datetime | None:
        if kind is TimerKind.SILENT:
            return silent_deadline(self.episodes[name], self.policy)
        if kind is TimerKind.EXPECTED_OVER:
            row = self.episodes[name]
            return expected_over(self.policy, self.alerts[row.alert], row)
        return quiet_deadline(self.incidents.get(name), self.members[name], self.policy)

    def _schedule(self, incident: str) -> None:
        self._timers.set(TimerKind.QUIET, incident)

    def next_deadline(self) -> datetime | None:
        """Log time of the next timer that still stands; None when none does."""
        due = self._timers.next()
        return None if due is None else due[0]

    def pop_due(self, log_time: datetime) -> Due | None:
        """Take the next timer that is due by then, in order of deadline, kind and id."""
        return self._timers.pop(log_time)

    # ---------------------------------------------------------------- reading

    def incidents_of(self, scope: str) -> Iterator[IncidentRow]:
        """The incidents of a scope that were not merged away, newest opened first."""
        return (self.incidents[each] for each in self.by_scope[scope].newest_first())

    def incidents_near(self, scope: str, at: datetime, reach: timedelta) -> Iterator[IncidentRow]:
        """The incidents of a scope that were not merged away: every open one, all within reach of a time, and more."""
        near = self._whereabouts[scope].near(at, reach, self.policy, self._lasted)
        return (self.incidents[each] for each in near)

    def _lasted(self, incident: str) -> Lasted | None:
        row = self.incidents[incident]
        return lasted(row, self.stamps(incident)) if row.merged_into is None else None

    def incidents_about(self, scope: str, service: str) -> list[IncidentRow]:
        """The incidents of the last day in which a service is a member: the newest few, newest first."""
        listed = self._about.get((scope, service))
        return [] if listed is None else self._newest(listed, lambda each: service in self.members[each].services)

    def incidents_keyed(self, alert: AlertRow) -> list[IncidentRow]:
        """The incidents of the last day of which a member shares a configured key with an alert."""
        found: dict[str, IncidentRow] = {}
        for name in self.policy.correlate_by:
            listed = self._keyed.get((alert.scope, name, alert.labels.get(name) or ""))
            if listed is not None:
                rows = self._newest(listed, lambda each: self.shared_key(each, alert) is not None)
                found |= {row.id: row for row in rows}
        return sorted(found.values(), key=lambda row: row.opened, reverse=True)[:_NEAR]

    def shared_key(self, incident: str, alert: AlertRow) -> str | None:
        """The first configured label of which a member of an incident has the same value as an alert."""
        for name in self.policy.correlate_by:
            value = alert.labels.get(name)
            if value and incident in self._keyed.get((alert.scope, name, value), ()):
                own = self.members[incident].episodes.values()
                if any(self.alerts[each.alert].labels.get(name) == value for each in own):
                    return name
        return None

    def _newest(self, listed: Listing, wanted: Callable[[str], bool]) -> list[IncidentRow]:
        """Of those that still fire or ended within the last day of log time, the few opened last, newest first.

        What is found to be over for longer leaves the list until one of its rows changes: else lists grow for ever.
        """
        found, over = [], []
        for incident in listed.newest_first():
            row = self.incidents[incident]
            if not self._lately(row):
                over.append(incident)
            elif wanted(incident):
                found.append(row)
                if len(found) == _NEAR:
                    break
        for incident in over:
            listed.remove(incident)
        self._left_out.update(over)
        return found

    def _lately(self, row: IncidentRow) -> bool:
        if row.merged_into is not None:
            return False
        tally = self.members[row.id].tally
        return bool(tally.firing) or self.log_time - (tally.last_end or row.opened_at) <= _DAY

    def background(self, scope: str) -> Background:
        """What a scope is used to, as of now (log time)."""
        background = self._backgrounds[scope]
        background.settle(self.log_time)
        return background

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
        if index and index[-1][0] <= start:
            return [self.episodes[index[-1][1]]]  # what mostly comes is about the newest
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
            items = tuple(members.items.values())
            members.stamps = stamp(self.incidents[incident], members.telling(), items, self.policy)
        return members.stamps

    def outline(self, incident: str) -> IncidentFacts:
        """As much of an incident's facts as its list line is made of: of its episodes, those that stand for all."""
        return self._facts(incident, self.members[incident].telling())

    def facts(self, incident: str) -> IncidentFacts:
        """All that the public incident is computed from."""
        facts = self._facts(incident, tuple(self.members[incident].episodes.values()))
        start, end = bounds(facts, self.stamps(incident))
        changes = around(self.changes[facts.row.scope], start, end, self.policy)
        return msgspec.structs.replace(facts, changes=changes, aliases=self.aliases(incident))

    def _facts(self, incident: str, episodes: tuple[EpisodeRow, ...]) -> IncidentFacts:
        return IncidentFacts(
            row=self.incidents[incident],
            alerts=tuple(self.alerts[each] for each in sorted({episode.alert for episode in episodes})),
            episodes=episodes,
            items=tuple(self.members[incident].items.values()),
            changes=(),
            policy=self.policy,
        )
