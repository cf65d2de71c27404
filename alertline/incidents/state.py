"""What the correlator remembers of one stream: the current rows and indexes over them, nothing else.

The state is by construction the fold of the decisions: `put` is the only way in, whether a row was decided just now or
loaded from the store. Everything an index holds can be computed from the rows alone.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from alertline.incidents.background import Background
from alertline.incidents.leases import silent_deadline
from alertline.incidents.maintenance import expected_over
from alertline.incidents.members import About, Members
from alertline.incidents.milestones import Stamps, stamp
from alertline.incidents.model import (
    AlertRow,
    ArrivalRow,
    ChangeRow,
    ConfigurationRow,
    EpisodeRow,
    IncidentFacts,
    IncidentRow,
    ItemRow,
    Row,
)
from alertline.incidents.policy import Policy, policy_of
from alertline.incidents.remembered import Remembered
from alertline.incidents.timers import Due, TimerKind, Timers
from schemas.vocabulary import IncidentStatus

__all__ = ["StreamState"]

_NEAR: Final = 4  # how many neighbours in time are looked at where a rule asks for the nearest
_LAST: Final = "\uffff"  # after every id
_DAY: Final = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _pace(row: EpisodeRow) -> tuple[bool, int, bool]:
    return row.repeats, row.repeated, row.stale


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
        self.changes: defaultdict[str, list[tuple[datetime, str, ChangeRow]]] = defaultdict(list)
        self.by_scope: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.waiting: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.deliveries = Remembered(policy.keyed_memory, policy.unkeyed_memory)
        self._alert_by_key: dict[tuple[str, str, str], str] = {}
        self._known_as: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_start: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._recurrences: defaultdict[tuple[str, str, str], list[tuple[datetime, str]]] = defaultdict(list)
        self._aliases: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._timers = Timers(self._deadline)
        self._backgrounds: defaultdict[str, Background] = defaultdict(Background)
        self._about: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._keyed: defaultdict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)

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

    def _configure(self, row: ConfigurationRow) -> None:
        """Go by another configuration: whatever was computed by the old one is computed again."""
        self.configuration, self.policy = row, policy_of(row.configuration)
        self._keyed.clear()
        for episode in self.episodes.values():
            if episode.incident is not None:
                self._index_keys(self.alerts[episode.alert], episode.incident)
        for incident, members in self.members.items():
            members.forget_stamps()
            self._schedule(incident)

    def _put_alert(self, row: AlertRow) -> None:
        if row.id not in self.alerts:
            self._alert_by_key[row.scope, row.source, row.dedup_key] = row.id
            for key in (row.dedup_key, row.identity):
                self._known_as[key][row.id] = None
        elif _subject(self.alerts[row.id]) != _subject(row):
            self.alerts[row.id] = row
            for _, each in self._by_start[row.id]:
                self._index_subject(self.episodes[each])
        self.alerts[row.id] = row

    def _put_episode(self, row: EpisodeRow) -> None:
        old = self.episodes.get(row.id)
        self.episodes[row.id] = row
        self._index_start(row, old)
        if old is None or old.spans != row.spans or _pace(old) != _pace(row):
            self._timers.set(TimerKind.SILENT, row.id)  # a plain repeat only moves it on
        if row.incident is None:
            self._timers.set(TimerKind.EXPECTED_OVER, row.id)
        if old is not None and old.incident is not None and (old.incident != row.incident or row.absorbed_by):
            self.members[old.incident].remove_episode(old.id)
            self._schedule(old.incident)
        if row.incident is not None and row.absorbed_by is None:
            if old is not None and old.incident == row.incident and old.spans == row.spans and not old.absorbed_by:
                self.members[row.incident].refresh(row)
                return
            self._index_subject(row)
            if old is None or old.spans != row.spans or old.incident != row.incident:
                self._schedule(row.incident)

    def _index_subject(self, row: EpisodeRow) -> None:
        """Let an episode be a member of its incident, under what its alert is about as last described."""
        if row.incident is None or row.absorbed_by is not None:
            return
        alert = self.alerts[row.alert]
        self._members(row.incident).put_episode(row, About(alert.service, alert.check, alert.group))
        if alert.service is not None:
            self._about[alert.scope, alert.service][row.incident] = None
        self._index_keys(alert, row.incident)

    def _index_keys(self, alert: AlertRow, incident: str) -> None:
        for name in self.policy.correlate_by:
            if value := alert.labels.get(name):
                self._keyed[alert.scope, name, value][incident] = None

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
        quiet = read_at + (self.policy.point_quiet if tally.ends_in_point else self.policy.quiet)
        held_from = members.turns.held_from(self.policy)
        return quiet if held_from is None else max(quiet, held_from + self.policy.flap_hold)

    def _deadline(self, kind: TimerKind, name: str) -> datetime | None:
        if kind is TimerKind.SILENT:
            return silent_deadline(self.episodes[name], self.policy)
        if kind is TimerKind.EXPECTED_OVER:
            row = self.episodes[name]
            return expected_over(self.policy, self.alerts[row.alert], row)
        return self.quiet_deadline(name)

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
        for incident in reversed(self.by_scope[scope]):
            row = self.incidents[incident]
            if row.merged_into is None:
                yield row

    def incidents_about(self, scope: str, service: str) -> list[IncidentRow]:
        """The incidents of the last day in which a service is a member: the newest few, newest first."""
        found = self._about.get((scope, service), ())
        return self._newest(each for each in found if service in self.members[each].services)

    def incidents_keyed(self, alert: AlertRow) -> list[IncidentRow]:
        """The incidents of the last day of which a member shares a configured key with an alert."""
        found: dict[str, None] = {}
        for name in self.policy.correlate_by:
            if value := alert.labels.get(name):
                found |= self._keyed.get((alert.scope, name, value), {})
        return self._newest(each for each in found if self.shared_key(each, alert) is not None)

    def shared_key(self, incident: str, alert: AlertRow) -> str | None:
        """The first configured label of which a member of an incident has the same value as an alert."""
        for name in self.policy.correlate_by:
            value = alert.labels.get(name)
            if value and incident in self._keyed.get((alert.scope, name, value), ()):
                own = self.members[incident].episodes.values()
                if any(self.alerts[each.alert].labels.get(name) == value for each in own):
                    return name
        return None

    def _newest(self, incidents: Iterable[str]) -> list[IncidentRow]:
        """Those that still fire or ended within the last day of log time: the few opened last, newest first."""
        rows = [row for each in incidents if (row := self.incidents[each]).merged_into is None and self._lately(row)]
        return sorted(rows, key=lambda row: row.opened, reverse=True)[:_NEAR]

    def _lately(self, row: IncidentRow) -> bool:
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
            policy=self.policy,
        )


def _subject(row: AlertRow) -> tuple[str | None, str, dict[str, str]]:
    """What the indexes hold of an alert."""
    return row.service, row.title, row.labels
