"""Which incidents are about what: those that something which starts may join, by scope, service and configured key.

Only a cache: what an incident is about, its members say.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple

from alertline.incidents.model import Order

__all__ = ["ENDLESS", "Subject", "Subjects", "Times"]

ENDLESS: Final = datetime.max.replace(tzinfo=UTC)

Subject = tuple[str, ...]
Times = tuple[datetime, datetime]


class Place(NamedTuple):
    """Where an incident is listed: by until when it is found, if not for ever; else in the order of opening."""

    until: datetime
    opened: Order
    incident: str
    since: datetime


class _Listed:
    """The incidents about one thing: those that are found for ever, as far as is known, and those that are past."""

    def __init__(self) -> None:
        self.lasting: list[tuple[Order, str, datetime]] = []
        self.past: list[Place] = []

    def __bool__(self) -> bool:
        return bool(self.lasting or self.past)

    def add(self, place: Place) -> None:
        """List an incident."""
        if place.until == ENDLESS:
            insort(self.lasting, place[1:])
        else:
            insort(self.past, place)

    def remove(self, place: Place) -> None:
        """List it no more."""
        if place.until == ENDLESS:
            del self.lasting[bisect_left(self.lasting, place[1:])]
        else:
            del self.past[bisect_left(self.past, place)]

    def newest_first(self, since: datetime, until: datetime) -> Iterator[str]:
        """The incidents that are found between two times."""
        found = [each[1:] for each in self.past[bisect_left(self.past, (since,)) :] if each.since <= until]
        lasting = ((opened, name, at) for opened, name, at in reversed(self.lasting) if at <= until)
        if not found:
            return (name for _, name, _ in lasting)
        found.sort(reverse=True)
        return (name for _, name, _ in merge(lasting, found, reverse=True))


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
        """When an incident lasts may be another time than it was."""
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

    def settle(self, found_at: Callable[[str], Times | None]) -> None:
        """Ask, of each incident that changed, from when to when it is found (ENDLESS: nobody knows yet); None: never.

        An episode can find those that are found at some time while it lasts, and others, never fewer.
        """
        while self._moved:
            incident, _ = self._moved.popitem()
            times = found_at(incident)
            place = None if times is None else Place(times[1], self._opened[incident], incident, times[0])
            self._move(incident, place)

    def newest(self, subject: Subject, count: int, lasted: Times, wanted: Callable[[str], bool]) -> list[str]:
        """Of the incidents about something that can be found then, so many that are wanted: the newest first."""
        listed = self._listed.get(subject)
        return [] if listed is None else list(islice(filter(wanted, listed.newest_first(*lasted)), count))

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
            elif not listed:
                del self._listed[subject]
