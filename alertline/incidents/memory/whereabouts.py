"""Finding incidents without looking at all of them: near a time, or by what they are about. Only caches."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain

from alertline.incidents.model import Order
from alertline.incidents.policy import Policy

__all__ = ["Lasted", "Listing", "Whereabouts"]

Lasted = tuple[datetime, datetime | None]


class Whereabouts:
    """Incidents by the days that they touch; those without an end are near every time."""

    def __init__(self) -> None:
        self._endless: dict[str, None] = {}
        self._on: dict[int, dict[str, None]] = {}
        self._days: dict[str, range] = {}
        self._moved: dict[str, None] = {}
        self._policy: Policy | None = None

    def forget(self, incident: str) -> None:
        """Let an incident be near no time."""
        self._moved.pop(incident, None)
        self._put(incident, None)

    def note(self, incident: str) -> None:
        """When an incident lasted may have changed: that is asked before it is needed next."""
        self._moved[incident] = None

    def near(
        self, at: datetime, reach: timedelta, policy: Policy, lasted: Callable[[str], Lasted | None]
    ) -> Iterator[str]:
        """Every incident within reach of a time, each once, and some that are not. `lasted`: None: it is no more.

        By another policy they may all have lasted from and to other times.
        """
        if policy is not self._policy:
            self._policy = policy
            self._moved |= dict.fromkeys(chain(self._endless, self._days))
        while self._moved:
            incident, _ = self._moved.popitem()
            self._put(incident, lasted(incident))
        day, more = at.toordinal(), reach.days + 2  # a day more: a time may have another offset than UTC
        found = (self._on.get(each, {}) for each in range(day - more, day + more + 1))
        return chain(self._endless, {each: None for names in found for each in names})

    def _put(self, incident: str, lasted: Lasted | None) -> None:
        self._endless.pop(incident, None)
        for day in self._days.pop(incident, ()):
            del self._on[day][incident]
            if not self._on[day]:
                del self._on[day]
        if lasted is None:
            return
        start, end = lasted
        if end is None:
            self._endless[incident] = None
            return
        first, last = start.toordinal(), end.toordinal()
        self._days[incident] = range(min(first, last), max(first, last) + 1)
        for day in self._days[incident]:
            self._on.setdefault(day, {})[incident] = None


class Listing:
    """Incidents in the order in which they were opened."""

    def __init__(self) -> None:
        self._opened: dict[str, Order] = {}
        self._in_order: list[tuple[Order, str]] = []

    def __bool__(self) -> bool:
        return bool(self._opened)

    def add(self, incident: str, opened: Order) -> None:
        """List an incident, if it is not."""
        if incident not in self._opened:
            self._opened[incident] = opened
            insort(self._in_order, (opened, incident))

    def remove(self, incident: str) -> None:
        """Let an incident be listed no more, if it is."""
        if incident in self._opened:
            del self._in_order[bisect_left(self._in_order, (self._opened.pop(incident), incident))]

    def newest_first(self) -> Iterator[str]:
        """The incidents that are listed now."""
        return (incident for _, incident in reversed(self._in_order))
