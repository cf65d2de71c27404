"""What the map of calls says of two services. Pure; nothing is computed before it is asked for.

Directed calls count: a service that reaches another by calls fails with it. Two services that a third one calls are
kin, unless that third one is a *hub*: it stands before most of the map, and what it calls falls apart into systems that
have nothing to do with each other (an edge gateway). What two services both call says nothing: an identity service that
every entry point calls would tie all systems together, and a cascade from it is seen on the way up anyway.
"""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from functools import cache
from typing import Final

import msgspec

__all__ = ["CallMap", "Kinship", "Relation"]

_HUB_REACH: Final = 0.6  # a hub reaches at least this share of the map
_HUB_WHOLE: Final = 0.85  # and no group of what it calls makes up this share of what it reaches
_GROUP: Final = 0.3  # two callees are of one group if what they reach overlaps by this share of the smaller


class Kinship(Enum):
    """How two services are related."""

    REACHES = auto()
    SIBLINGS = auto()
    HUB_ONLY = auto()
    STRANGERS = auto()


class Relation(msgspec.Struct, frozen=True):
    """How two services are related.

    Attributes:
        hops: for `REACHES`, how many calls it takes.
        via: the caller that siblings share, or the hub; for `REACHES`, the service that does the calling.
    """

    kinship: Kinship
    hops: int = 0
    via: str | None = None


class CallMap:
    """Services and whom they call."""

    def __init__(self, depends_on: Mapping[str, Iterable[str]]) -> None:
        self._calls = {caller: tuple(callees) for caller, callees in depends_on.items()}
        callers: dict[str, list[str]] = {}
        for caller, callees in self._calls.items():
            for callee in callees:
                callers.setdefault(callee, []).append(caller)
        self._callers = {callee: tuple(sorted(found)) for callee, found in callers.items()}
        self.services = frozenset(self._calls) | frozenset(self._callers)
        # per map, not per class: a method's cache would keep every map alive
        self.relation = cache(self._relation)
        self.reached = cache(self._reached)
        self._is_hub = cache(self._compute_is_hub)
        self._above = cache(lambda service: _walk(service, self._callers))

    def callers(self, service: str) -> dict[str, int]:
        """All that reach a service by calls, itself among them, with how many calls it takes."""
        return self._above(service)

    def __eq__(self, other: object) -> bool:
        """Maps of the same calls are the same map."""
        return self._calls == other._calls if isinstance(other, CallMap) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # what is compared by value may hold dictionaries

    def neighbours(self, service: str) -> tuple[str, ...]:
        """The services one call away, in either direction, by name."""
        return tuple(sorted({*self._calls.get(service, ()), *self._callers.get(service, ())}))

    def _reached(self, service: str) -> dict[str, int]:
        """All that a service reaches by calls, itself among them, with how many calls it takes."""
        return _walk(service, self._calls)

    def _relation(self, one: str, other: str) -> Relation:
        """How two services of the map are related; the order in which they are named does not matter."""
        first, second = sorted((one, other))
        ways = [
            (hops, caller)
            for caller, callee in ((first, second), (second, first))
            if (hops := self.reached(caller).get(callee)) is not None
        ]
        if ways:
            hops, caller = min(ways)
            return Relation(Kinship.REACHES, hops, caller)
        above, beside = self._above(first), self._above(second)
        shared = sorted((above[each] + beside[each], each) for each in above if each in beside)
        for _, caller in shared:
            if not self._is_hub(caller):
                return Relation(Kinship.SIBLINGS, via=caller)
        return Relation(Kinship.HUB_ONLY, via=shared[0][1]) if shared else Relation(Kinship.STRANGERS)

    def _compute_is_hub(self, service: str) -> bool:
        """Whether a service stands before most of the map, and what it calls falls apart."""
        reached = self.reached(service)
        if len(reached) <= _HUB_REACH * len(self.services):
            return False
        groups: list[set[str]] = []
        for callee in self._calls.get(service, ()):
            part = set(self.reached(callee))
            if len(part) < 2:
                continue  # a service that calls nothing holds nothing together
            own = [group for group in groups if len(group & part) >= _GROUP * min(len(group), len(part))]
            groups = [*(group for group in groups if group not in own), part.union(*own)]
        return max(map(len, groups), default=0) < _HUB_WHOLE * (len(reached) - 1)


def _walk(start: str, ways: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Breadth first: every service that can be got to, with the fewest steps."""
    steps = {start: 0}
    queue = [start]
    for service in queue:
        for each in ways.get(service, ()):
            if each not in steps:
                steps[each] = steps[service] + 1
                queue.append(each)
    return steps
