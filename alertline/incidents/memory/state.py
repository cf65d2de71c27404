"""What the rules ask of the memory of one stream."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from alertline.incidents.derived.candidates import around
from alertline.incidents.derived.milestones import Stamps, stamp
from alertline.incidents.derived.timeline import bounds, lasted
from alertline.incidents.memory.archive import Resting
from alertline.incidents.memory.background import Background
from alertline.incidents.memory.ending import is_over
from alertline.incidents.memory.members import Extent
from alertline.incidents.memory.stream import EPOCH, StreamMemory
from alertline.incidents.memory.subjects import ENDLESS, Subject, Times
from alertline.incidents.memory.whereabouts import Lasted
from alertline.incidents.model import AlertRow, ChangeRow, EpisodeRow, IncidentFacts, IncidentRow, ItemRow
from alertline.incidents.scopes import EVERYWHERE
from schemas.vocabulary import IncidentStatus, MilestoneName

__all__ = ["EPOCH", "StreamState"]

_NONE: Final = timedelta(0)
_NEAR: Final = 4  # how many incidents are looked at where a rule asks for those about something


class StreamState(StreamMemory):
    """The memory of one stream's correlator, and what can be asked of it."""

    def incidents_of(self, scope: str) -> Iterator[IncidentRow]:
        """The incidents of a scope that were not merged away, newest opened first."""
        return (self.incidents[each] for each in self.by_scope[scope].newest_first())

    def current(self, scope: str, episode: EpisodeRow, count: int) -> list[IncidentRow]:
        """The incidents of a scope that an episode may join which were opened last, newest first."""
        return self._joinable(("scope", scope), episode, count, lambda _: True)

    def incidents_near(self, scope: str, at: datetime, reach: timedelta) -> Iterator[IncidentRow]:
        """The incidents of a scope that were not merged away: every open one, all within reach of a time, and more."""
        if (scope, at, reach) not in self._looked_up:
            self._looked_up.add((scope, at, reach))
            self._look_up(self.archive.near(scope, at - reach, at + reach))
        near = self._whereabouts[scope].near(at, reach, self.policy, self._lasted)
        return (self.incidents[each] for each in near)

    def incidents_showing(self, change: ChangeRow) -> Iterator[str]:
        """The incidents on whose timeline a change stands."""
        for row in self.incidents_near(change.scope, change.at, timedelta(0)):
            start, end = bounds(row, self.stamps(row.id))
            if start <= change.at and (end is None or change.at <= end):
                yield row.id

    def _lasted(self, incident: str) -> Lasted | None:
        row = self.incidents[incident]
        return lasted(row, self.stamps(incident)) if row.merged_into is None else None

    def incidents_to_close(self, scope: str, service: str | None) -> Iterator[IncidentRow]:
        """The incidents of a scope that are not closed, or enough of them to see that there are several."""
        self._look_up(self.archive.not_closed(scope, service))
        return (row for row in self.incidents_of(scope) if row.status is not IncidentStatus.CLOSED)

    def _look_up(self, incidents: Iterable[str]) -> None:
        for each in incidents:
            if each not in self.incidents:
                self._recall_incident(each)

    def incidents_about(self, scope: str, service: str, episode: EpisodeRow) -> list[IncidentRow]:
        """The incidents that an episode may join in which a service is a member: the newest few, newest first."""
        named = ("service", scope, service)
        return self._joinable(named, episode, _NEAR, lambda each: service in self.members[each].services)

    def incidents_keyed(self, alert: AlertRow, episode: EpisodeRow) -> list[IncidentRow]:
        """The incidents that an episode may join of which a member shares a configured key with its alert."""
        found: dict[str, IncidentRow] = {}
        for subject in self.keys_of(alert).values():
            shared = self._joinable(subject, episode, _NEAR, lambda each: self.shared_key(each, alert) is not None)
            found |= {row.id: row for row in shared}
        return sorted(found.values(), key=lambda row: row.opened, reverse=True)[:_NEAR]

    def _joinable(
        self, subject: Subject, episode: EpisodeRow, count: int, about_it: Callable[[str], bool]
    ) -> list[IncidentRow]:
        self._subjects.settle(self._found_at)
        found = self._subjects.newest(
            subject,
            count,
            (episode.started_at, episode.ended_at or ENDLESS),
            lambda each: self.may_join(self.incidents[each], episode) and about_it(each),
        )
        return [self.incidents[each] for each in found]

    def _found_at(self, incident: str) -> Times | None:
        """From when to when something lasts that may join an incident; no shorter than `may_join` has it."""
        row = self.incidents[incident]
        if row.merged_into is not None:
            return None
        (start, end), reach = self._extent(row), self._reach(row)
        if row.status is IncidentStatus.OPEN or end is None or end > ENDLESS - reach:
            return start - reach, ENDLESS
        return start - reach, max(start, end + reach)  # a person may have said that it ended before it began

    def may_join(self, row: IncidentRow, episode: EpisodeRow) -> bool:
        """Whether an incident is not over, and an episode lies near enough to it (event time) to be weighed."""
        return not is_over(row, self.log_time, self.policy) and self.gap(row, episode) <= self._reach(row)

    def _reach(self, row: IncidentRow) -> timedelta:
        """What was declared reaches far."""
        return self.policy.quiet if self.members[row.id].episodes else self.policy.declared_reach

    def gap(self, row: IncidentRow, episode: EpisodeRow) -> timedelta:
        """Event time between an episode and an incident; zero where they overlap."""
        start, end = self._extent(row)
        if episode.started_at < start:
            return _NONE if episode.ended_at is None else max(start - episode.ended_at, _NONE)
        return _NONE if end is None else max(episode.started_at - end, _NONE)

    def _extent(self, row: IncidentRow) -> Extent:
        """From when to when an incident lasted so far; without an end while anything fires."""
        members = self.members[row.id]
        if members.extent is None:
            members.extent = (self.began(row), self._end(row))
        return members.extent

    def began(self, row: IncidentRow) -> datetime:
        """The earliest onset of an incident's alerts; its opening, where it has none."""
        return self.members[row.id].tally.first_start or row.opened_at

    def _end(self, row: IncidentRow) -> datetime | None:
        """Where an incident ends so far: its resolve, else its latest end; None while anything fires."""
        if row.status is not IncidentStatus.OPEN:
            resolved = self.stamps(row.id).at(MilestoneName.RESOLVED)
            if resolved is not None:
                return resolved
        members = self.members[row.id]
        if not members.episodes:
            return row.opened_at
        return None if members.tally.firing else members.tally.last_end

    def shared_key(self, incident: str, alert: AlertRow) -> str | None:
        """The first configured label of which a member of an incident has the same value as an alert."""
        for name, subject in self.keys_of(alert).items():
            if self._subjects.has(incident, subject):
                own = self.members[incident].episodes.values()
                if any(self.alerts[each.alert].labels.get(name) == alert.labels[name] for each in own):
                    return name
        return None

    def background(self, scope: str) -> Background:
        """What a scope is used to, as of now (log time)."""
        background = self._backgrounds[scope]
        background.settle(self.log_time)
        return background

    def settle(self, keys: Iterable[str]) -> None:
        """Look up all that is known by some keys at once, before it is asked for one by one."""
        self._conditions.settle(keys)

    def alert(self, alert: str) -> AlertRow | None:
        """The alert of an id."""
        self._conditions.recall_alert(alert)
        return self.alerts.get(alert)

    def alert_by_key(self, scope: str, source: str, dedup_key: str) -> AlertRow | None:
        """The alert of a source and dedup key in a scope."""
        return self._conditions.by_key(scope, source, dedup_key)

    def alerts_known_as(self, keys: Iterable[str]) -> list[AlertRow]:
        """The alerts, of any scope, whose dedup key or identity is one of these: an explicit key knows no scope."""
        return self._conditions.known_as(keys)

    def episodes_around(self, alert: str, at: datetime, reach: timedelta) -> list[EpisodeRow]:
        """The episodes of an alert that lasted at some time within reach of another, by start, and perhaps more."""
        return self._conditions.around(alert, at, reach)

    def members_of(self, incident: str, alert: str) -> list[EpisodeRow]:
        """The episodes of an alert that an incident has, by start."""
        own = (each for each in self.members[incident].episodes.values() if each.alert == alert)
        return sorted(own, key=lambda each: (each.started_at, each.id))

    def newest_episode(self, alert: str) -> EpisodeRow | None:
        """The episode of an alert that started last."""
        return self._conditions.newest(alert)

    def episodes_near(
        self, alert: str, start: datetime | None, end: datetime | None, about: datetime | None = None
    ) -> list[EpisodeRow]:
        """Those episodes of an alert that a notification of this start and end can touch (`Conditions.near`)."""
        return self._conditions.near(alert, start, end, about)

    def recurrences_near(self, alert: AlertRow, start: datetime) -> list[EpisodeRow | Resting]:
        """The episodes of the same condition, under any dedup key, that start next before and after a time."""
        return self._conditions.recurrences_near(alert, start)

    def incident(self, incident: str) -> IncidentRow | None:
        """The incident of an id, merged or not; None for an unknown id."""
        if incident not in self.incidents:
            self._recall_incident(incident)
        return self.incidents.get(incident)

    def item(self, item: str) -> ItemRow | None:
        """What was said, by its id; None for an unknown id."""
        if item not in self.items:
            self._recall_item(item)
        return self.items.get(item)

    def survivor(self, incident: str) -> IncidentRow | None:
        """The incident that an id leads to, through merges; None for an unknown id."""
        row = self.incident(incident)
        while row is not None and row.merged_into is not None:
            row = self.incident(row.merged_into)
        return row

    def aliases(self, incident: str) -> tuple[str, ...]:
        """Every id that leads to an incident, directly or through another."""
        found: list[str] = []
        for each in self._aliases.get(incident, ()):
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
        start, end = bounds(facts.row, self.stamps(incident))
        since = start - self.policy.candidate_before
        both = (self.changes_from(scope, since) for scope in (facts.row.scope, EVERYWHERE))
        found = [change for known in both for change in around(known, start, end, self.policy)]
        changes = tuple(sorted(found, key=lambda change: (change.at, change.id)))
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
