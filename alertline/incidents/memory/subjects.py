"""Which incidents are about what: those that something which starts may join, by scope, service and configured key.

Only a cache: what an incident is about, its members say.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Final

from alertline.incidents.memory.whereabouts import Listing
from alertline.incidents.model import Order

__all__ = ["ENDLESS", "Subject", "Subjects"]

ENDLESS: Final = datetime.max.replace(tzinfo=UTC)

Subject = tuple[str, ...]
Place = tuple[datetime, Order, str]


class _Listed:
    """The incidents about one thing: those that may last yet, and those that are past by the time of their end."""

    def __init__(self) -> None:
        self.lasting = Listing()
        self.past: list[Place] = []

    def add(self, place: Place) -> None:
        """List an incident."""
        until, opened, incident = place
        if until == ENDLESS:
            self.lasting.add(incident, opened)
        else:
            insort(self.past, place)

    def remove(self, place: Place) -> None:
        """List it no more."""
        if place[0] == ENDLESS:
            self.lasting.remove(place[2])
        else:
            del self.past[bisect_left(self.past, place)]

    def newest_first(self, at: datetime) -> Iterator[str]:
        """The incidents that last at a time, or later."""
        found = self.past[bisect_left(self.past, (at,)) :]
        if not found:
            return self.lasting.newest_first()
        reached = sorted(((opened, incident) for _, opened, incident in found), reverse=True)
        return (incident for _, incident in merge(self.lasting.places(), reached, reverse=True))


class Subjects:
    """The incidents of one stream under everything that they are, or were, about."""

    def __init__(self) -> None:
        self._listed: defaultdict[Subject, _Listed] = defaultdict(_Listed)
        self._of: dict[str, dict[Subject, None]] = {}
        self._opened: dict[str, Order] = {}
        self._place: dict[str, Place] = {}
        self._moved: dict[str, None] = {}

    def add(self, incident: str, opened: Order, subjects: Iterable[Subject]) -> None:
        """List an incident under something that it is about."""
        own, place = self._of.setdefault(incident, {}), self._place.get(incident)
        self._opened[incident] = opened
        for subject in subjects:
            if subject not in own:
                own[subject] = None
                if place is not None:
                    self._listed[subject].add(place)
        if place is None:
            self._moved[incident] = None

    def changed(self, incident: str) -> None:
        """An incident may last longer than it did, or less long."""
        if incident in self._of:
            self._moved[incident] = None

    def forget(self, incident: str) -> None:
        """List an incident no more."""
        self._move(incident, None)
        self._moved.pop(incident, None)
        self._of.pop(incident, None)
        self._opened.pop(incident, None)

    def clear(self) -> None:
        """List nothing."""
        for each in (self._listed, self._of, self._opened, self._place, self._moved):
            each.clear()

    def has(self, incident: str, subject: Subject) -> bool:
        """Whether an incident is, or was, about something."""
        return subject in self._of.get(incident, ())

    def newest(
        self,
        subject: Subject,
        count: int,
        at: datetime,
        until: Callable[[str], datetime | None],
        wanted: Callable[[str], bool],
    ) -> list[str]:
        """Of the incidents about something, so many that are wanted and last at a time, or later: the newest first.

        Args:
            until: how long an incident lasts, for this purpose (event time); ENDLESS: nobody knows yet; None: it is
                never found. Asked once after each change of an incident, before it is needed next.
        """
        while self._moved:
            incident, _ = self._moved.popitem()
            lasts = until(incident)
            self._move(incident, None if lasts is None else (lasts, self._opened[incident], incident))
        listed = self._listed.get(subject)
        return [] if listed is None else list(islice(filter(wanted, listed.newest_first(at)), count))

    def _move(self, incident: str, to: Place | None) -> None:
        place = self._place.pop(incident, None)
        if to is not None:
            self._place[incident] = to
        if place == to:
            return
        for subject in self._of[incident]:
            listed = self._listed[subject]
            if place is not None:
                listed.remove(place)
            if to is not None:
                listed.add(to)
            elif not (listed.lasting or listed.past):
                del self._listed[subject]
