"""What readers are told of incidents: their list lines, their metrics without overrides, their timelines. Pure.

A list line is made of the few episodes that stand for all (`gist.py`); a timeline is made of all of them. So in the
transaction of a batch only what is short is told, and the timeline of a large incident waits for its turn
(`later.py`), when it is made of what the store holds.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from alertline.incidents.derived.durations import durations
from alertline.incidents.derived.gist import sums_of
from alertline.incidents.derived.milestones import Stamps, is_overridden, stamp
from alertline.incidents.derived.storms import bounded
from alertline.incidents.derived.sums import Sums
from alertline.incidents.derived.timeline import bounds, timeline
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import IncidentFacts
from alertline.incidents.present import overview, services_of
from alertline.store.port import Automatic, Summary, Timeline
from schemas.vocabulary import CommandName

__all__ = ["Told", "tell", "tell_stored"]

_SHORT: Final = 100  # episodes and statements of an incident whose timeline is told at once
_MOST: Final = 400  # of all that are told at once with a batch


class Told(msgspec.Struct, frozen=True):
    """What is written of some incidents; the timeline of an incident that has none here is told later."""

    summaries: Sequence[Summary] = ()
    automatic: Sequence[Automatic] = ()
    timelines: Sequence[Timeline] = ()


def tell(touched: Iterable[tuple[StreamState, str]], changed: Iterable[tuple[StreamState, str]]) -> Told:
    """Tell of incidents as they are in memory.

    Args:
        touched: something was decided about them.
        changed: a change of the observed system came in that may stand on their timeline.
    """
    telling = _Telling()
    for state, incident in touched:
        telling.line(state, incident)
        telling.rows(state, incident)
    for state, incident in changed:
        if incident not in telling.summaries and not telling.rows(state, incident):
            telling.line(state, incident)  # its timeline is not current any more: that is written with its line
    return Told(list(telling.summaries.values()), telling.automatic, telling.timelines)


class _Telling:
    """What is told with a batch so far."""

    def __init__(self) -> None:
        self.summaries: dict[str, Summary] = {}
        self.automatic: list[Automatic] = []
        self.timelines: list[Timeline] = []
        self._left = _MOST

    def line(self, state: StreamState, incident: str) -> None:
        facts, members = state.outline(incident), state.members[incident]
        sums = members.sums(state.policy)
        self.summaries[incident] = _summary(facts, state.stamps(incident), sums, members.services)
        self.automatic += _automatic(facts, sums)

    def rows(self, state: StreamState, incident: str) -> bool:
        """Tell its timeline, if that is short, and there is room."""
        members = state.members[incident]
        size = len(members.episodes) + len(members.items)
        if size > min(_SHORT, self._left):
            return False
        self._left -= size
        self.timelines.append(_timeline(state.facts(incident), state.stamps(incident)))
        return True


def tell_stored(facts: IncidentFacts) -> Told:
    """Tell all of an incident as the store holds it."""
    stamps = stamp(facts.row, facts.episodes, facts.items, facts.policy)
    sums = sums_of(facts.episodes, facts.policy)
    summary = _summary(facts, stamps, sums, services_of(facts.alerts))
    return Told([summary], list(_automatic(facts, sums)), [_timeline(facts, stamps)])


def _timeline(facts: IncidentFacts, stamps: Stamps) -> Timeline:
    return Timeline(facts.row.id, bounded(timeline(facts, stamps), facts))


def _automatic(facts: IncidentFacts, sums: Sums) -> Iterable[Automatic]:
    """What the milestones would be without overrides; nothing where none holds."""
    if not is_overridden(facts.row, facts.items):
        return ()
    said = [item for item in facts.items if item.command != CommandName.OVERRIDE_MILESTONE or not item.accepted]
    stamps = stamp(facts.row, facts.episodes, said, facts.policy)
    return (Automatic(facts.row.id, stamps.milestones, durations(facts, stamps, sums)),)


def _summary(facts: IncidentFacts, stamps: Stamps, sums: Sums, services: Iterable[str]) -> Summary:
    row, whole = facts.row, overview(facts, stamps, sums, services)
    return Summary(
        id=row.id,
        stream=row.stream,
        scope=row.scope,
        status=row.status,
        title=whole.title,
        severity=whole.severity,
        classification=whole.classification,
        services=whole.services,
        started_at=bounds(row, stamps)[0],
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        milestones=stamps.milestones,
        metrics=whole.metrics,
        alerts=sums.alerts,
        flags=whole.flags,
        reopen_count=row.reopen_count,
        recurrence_of=row.recurrence_of,
        merged_into=row.merged_into,
    )
