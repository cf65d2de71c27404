"""The alerts of a stream and their episodes in order of start: what a notification is about is found here.

Two kinds of order, both of ids and starts alone: the episodes of one alert, and those of one condition (a source's
identity in a scope, under any dedup key). Episodes that are not in memory have their place in both, once a key of
their alert was asked for; such a key is *settled* until one of its alerts is let go. An alert that fires every hour
would have thousands of places there: only the newest are kept, and the others are asked for where a rule looks that
far back.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, Protocol

from alertline.incidents.memory.archive import Archive, Resting, resting
from alertline.incidents.model import AlertRow, EpisodeRow

__all__ = ["PLACES", "Conditions"]

_NEAR: Final = 4  # how many neighbours in time are looked at where a rule asks for the nearest
_LAST: Final = "\uffff"  # after every id
PLACES: Final = 16  # of episodes of one alert that are not in memory

Condition = tuple[str, str, str]
Start = tuple[datetime, str]


class HasArchive(Protocol):
    """Whose archive it is: which one may be another with every batch."""

    archive: Archive


class Conditions:
    """The alerts and episodes of one stream.

    Attributes:
        alerts, episodes: those that are in memory. Whoever looks one up by its id may have it recalled (`StreamState`).
    """

    def __init__(self, of: HasArchive, alerts: dict[str, AlertRow], episodes: dict[str, EpisodeRow]) -> None:
        self._of = of
        self.alerts, self.episodes = alerts, episodes
        self._by_key: dict[tuple[str, str, str], str] = {}
        self._known_as: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_start: defaultdict[str, list[Start]] = defaultdict(list)
        self._recurrences: defaultdict[Condition, list[Start]] = defaultdict(list)
        self._since: dict[str | Condition, datetime] = {}  # older places of an alert, or condition, are not there
        self._firing: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
        self._resting: dict[str, Resting] = {}
        self._settled: set[str] = set()
        self._asked: tuple[dict[str, None], dict[str, None]] = ({}, {})

    # ---------------------------------------------------------------- writing

    def put_alert(self, row: AlertRow) -> None:
        """Let an alert be as it is now."""
        if row.id not in self.alerts:
            self._by_key[row.scope, row.source, row.dedup_key] = row.id
            for key in (row.dedup_key, row.identity):
                self._known_as[key][row.id] = None
        self.alerts[row.id] = row

    def put_episode(self, row: EpisodeRow, old: EpisodeRow | None) -> None:
        """Let an episode be as it is now; one that another has absorbed counts no more."""
        if row.absorbed_by is None:
            self.episodes[row.id] = row
        else:
            self.episodes.pop(row.id, None)
        if row.absorbed_by is None and row.ended_at is None:
            self._firing[row.alert][row.id] = row.started_at
        elif row.id in self._firing.get(row.alert, ()):
            del self._firing[row.alert][row.id]
            if not self._firing[row.alert]:
                del self._firing[row.alert]
        known = self._resting.pop(row.id, None)
        if known is not None:
            self._place(row.alert, (known.started_at, known.id), None)
        start = None if row.absorbed_by is not None else (row.started_at, row.id)
        self._place(row.alert, None if old is None else (old.started_at, old.id), start)

    def _place(self, alert: str, old: Start | None, new: Start | None) -> None:
        """Keep both orders: an episode stands where it starts now, no more where it did."""
        if old == new:
            return
        row = self.alerts[alert]
        for index in (self._by_start[alert], self._recurrences[_condition(row)]):
            if old is not None:
                del index[bisect_left(index, old)]
            if new is not None:
                insort(index, new)

    # ---------------------------------------------------------------- memory

    def settle(self, keys: Iterable[str]) -> None:
        """See to it that everything is known that is known by these keys."""
        new = {key: None for key in keys if key not in self._settled}
        if not new:
            return
        self._settled.update(new)
        keys_asked, alerts_asked = self._asked
        keys_asked |= new
        known = self._of.archive.known_as(new, PLACES)
        for alert in known.alerts:
            if alert.id not in self.alerts:
                self.put_alert(alert)
                alerts_asked[alert.id] = None
        self._rest(known.episodes)
        for name, since in known.since.items():
            self._cut(self.alerts[name], since)

    def _rest(self, episodes: Iterable[Resting]) -> None:
        for each in episodes:
            if each.id not in self.episodes and each.id not in self._resting:
                self._resting[each.id] = each
                self._place(each.alert, None, (each.started_at, each.id))

    def _cut(self, alert: AlertRow, since: datetime) -> None:
        """Note that places before a time are not kept."""
        for name in (alert.id, _condition(alert)):
            self._since[name] = max(self._since.get(name, since), since)

    def _complete(self, alerts: Iterable[AlertRow]) -> None:
        """Let every place of some alerts be there, and of their conditions."""
        known = {each.id: each for each in alerts}
        self._rest(self._of.archive.episodes_of(known))
        for alert in known.values():
            self._since.pop(alert.id, None)
            self._since.pop(_condition(alert), None)

    def let_go(self, rows: Iterable[EpisodeRow]) -> list[AlertRow]:
        """Let episodes leave the memory; gives the alerts that leave with them, because nothing of them is left."""
        (keys, alerts), self._asked = self._asked, ({}, {})
        for row in rows:
            del self.episodes[row.id]
            self._resting[row.id] = resting(row)
            alerts[row.alert] = None
        over = [self.alerts[each] for each in alerts if each in self.alerts and not any(self._present(each))]
        for alert in over:
            self._forget(alert)
        for name in alerts:
            self._shorten(name)
        self._settled.difference_update(key for key in keys if key not in self._known_as)
        return over

    def _shorten(self, alert: str) -> None:
        """Keep no more than the newest places of an alert, and those of what is in memory."""
        index = self._by_start.get(alert, [])
        if len(index) < 2 * PLACES:
            return
        old = index[:-PLACES]
        present = next((place for place, (_, each) in enumerate(old) if each in self.episodes), len(old))
        for start in old[:present]:
            self._place(alert, start, None)
            del self._resting[start[1]]
        if present:
            self._cut(self.alerts[alert], index[0][0])

    def _present(self, alert: str) -> Iterator[bool]:
        return (True for _, each in reversed(self._by_start[alert]) if each in self.episodes)

    def _forget(self, row: AlertRow) -> None:
        """Know nothing of an alert any more. Its keys are no longer settled."""
        condition = _condition(row)
        self._since.pop(row.id, None)
        index = self._recurrences[condition]
        for start in self._by_start.pop(row.id, ()):
            del index[bisect_left(index, start)]
            del self._resting[start[1]]
        if not index:
            del self._recurrences[condition]
            self._since.pop(condition, None)
        for key in {row.dedup_key, row.identity}:
            self._settled.discard(key)
            names = self._known_as[key]
            del names[row.id]
            if not names:
                del self._known_as[key]
        del self.alerts[row.id], self._by_key[row.scope, row.source, row.dedup_key]

    def recall_alert(self, alert: str) -> None:
        """Let an alert that is named by its id be in memory, if there is one."""
        row = None if alert in self.alerts else self._of.archive.alert(alert)
        if row is not None:
            self.put_alert(row)
            self._asked[1][row.id] = None

    def incident_of(self, episode: str) -> str | None:
        """The incident of an episode that is not in memory."""
        known = self._resting.get(episode)
        return None if known is None else known.incident

    # ---------------------------------------------------------------- reading

    def by_key(self, scope: str, source: str, dedup_key: str) -> AlertRow | None:
        """The alert of a source and dedup key in a scope."""
        if dedup_key not in self._settled:
            self.settle((dedup_key,))
        found = self._by_key.get((scope, source, dedup_key))
        return None if found is None else self.alerts[found]

    def known_as(self, keys: Iterable[str]) -> list[AlertRow]:
        """The alerts, of any scope, whose dedup key or identity is one of these: an explicit key knows no scope."""
        keys = tuple(keys)
        self.settle(keys)
        found = {each: None for key in keys for each in self._known_as.get(key, ())}
        return [self.alerts[each] for each in sorted(found)]

    def in_memory(self, alert: str) -> list[EpisodeRow]:
        """The episodes of one alert that are in memory, by start."""
        return [self.episodes[each] for _, each in self._by_start.get(alert, ()) if each in self.episodes]

    def fires(self, alert: str) -> bool:
        """Whether any episode of an alert has no end."""
        return alert in self._firing

    def fires_since(self, alert: str, by: datetime | None, but: Container[str]) -> bool:
        """Whether an alert fires under a start up to a time (None: any), other than those of some episodes."""
        firing = self._firing.get(alert, {}).items()
        return any(each not in but and (by is None or started_at <= by) for each, started_at in firing)

    def around(self, alert: str, at: datetime, reach: timedelta) -> list[EpisodeRow]:
        """The episodes of one alert that lasted at some time within reach of another, by start, and perhaps more."""
        return [
            self.episodes[each]
            for started_at, each in self._starts(alert, at - reach)
            if started_at <= at + reach and not self._rested(each, at - reach)
        ]

    def newest(self, alert: str) -> EpisodeRow | None:
        """The episode of an alert that started last."""
        index = self._starts(alert)
        return self.episodes[index[-1][1]] if index else None

    def near(
        self, alert: str, start: datetime | None, end: datetime | None, about: datetime | None = None
    ) -> list[EpisodeRow]:
        """Those episodes of an alert that a notification of this start and end can touch, by start.

        Episodes of one alert never overlap. So it can touch the one that begins at or before its start, those that
        begin before its end, and the next one, into which a firing without an end goes on; without a start, the newest.

        Args:
            about: no time that the notification names is earlier: what is not in memory and was over by then stays
                where it is. None: it may name any.
        """
        index = self._starts(alert, start)
        if start is None:
            found = index[-_NEAR:]
        elif index and index[-1][0] <= start:
            found = index[-1:]  # what mostly comes is about the newest
        else:
            first = max(bisect_right(index, (start, _LAST)) - 1, 0)
            found = index[first : bisect_right(index, (max(start, end or start), _LAST)) + 1]
        if not self._resting:
            return [self.episodes[each] for _, each in found]
        return [self.episodes[each] for _, each in found if about is None or not self._rested(each, about)]

    def _rested(self, episode: str, by: datetime) -> bool:
        """Whether an episode is not in memory and was over before a time."""
        known = self._resting.get(episode)
        return known is not None and known.until is not None and known.until < by

    def recurrences_near(self, alert: AlertRow, start: datetime) -> list[EpisodeRow | Resting]:
        """The episodes of the same condition, under any dedup key, that start next before and after a time."""
        self.settle((alert.identity,))
        condition = _condition(alert)
        index = self._recurrences[condition]
        place = bisect_left(index, (start, ""))
        since = self._since.get(condition)
        if since is not None and (place < _NEAR or index[place - _NEAR][0] < since):
            known = (self.alerts[each] for each in self._known_as[alert.identity])
            self._complete(each for each in known if _condition(each) == condition)
            place = bisect_left(index, (start, ""))
        found = index[max(place - _NEAR, 0) : place + _NEAR]
        return [self._resting.get(each) or self.episodes[each] for _, each in found]

    def _starts(self, alert: str, back_to: datetime | None = None) -> list[Start]:
        """Where the newest episodes of an alert start, back to the one that lasts at a time."""
        row = self.alerts.get(alert)
        if row is not None and row.dedup_key not in self._settled:
            self.settle((row.dedup_key,))
        since, index = self._since.get(alert), self._by_start.get(alert, [])
        if row is not None and since is not None and (len(index) < _NEAR if back_to is None else back_to < since):
            self._complete((row,))
        return index


def _condition(alert: AlertRow) -> Condition:
    return alert.scope, alert.source, alert.identity
