"""Replaying a log in memory: the correlator alone, no server, no database. The receive times are the only clock."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from alertline.incidents.engine import Step, advance, step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import ItemRow
from alertline.incidents.policy import Policy
from alertline.incidents.present import present
from schemas.incident import Incident
from schemas.records import Delivery, Record
from schemas.vocabulary import MilestoneName

__all__ = ["Replay", "Replayed"]


class Replayed(msgspec.Struct, frozen=True):
    """What a log comes to: its incidents by start, and what found no incident."""

    incidents: tuple[Incident, ...]
    unattached: tuple[ItemRow, ...]


class Replay:
    """A correlator for every stream of a log, fed record by record in log order.

    `policy` is what a stream goes by until its log holds a configuration.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._offset = 0
        self.states: dict[str, StreamState] = {}

    def feed(self, record: Record) -> Step:
        """Take in the next record."""
        self._offset += 1
        return step(self._of(record.stream), self._offset, record)

    def _of(self, stream: str) -> StreamState:
        state = self.states.get(stream)
        if state is None:
            state = self.states[stream] = StreamState(stream, self._policy)
        return state

    def leave_out(self, record: Record) -> None:
        """Pass over the next record, on which the core fails; a copy of it is known."""
        self._offset += 1
        if isinstance(record, Delivery):
            known = self._of(record.stream).deliveries
            known.add(record.id, record.received_at, self._offset, keyed=record.keyed)

    def run_on(self) -> None:
        """Let log time run on by the quiet period: what was quiet already resolves, what still fires stays open."""
        for state in self.states.values():
            advance(state, self._offset + 1, state.log_time + state.policy.quiet)

    def result(self) -> Replayed:
        """The incidents (merged ones left out) in order of start, and the unattached statements."""
        found = [
            present(state.facts(row.id), state.policy)
            for state in self.states.values()
            for row in state.incidents.values()
            if row.merged_into is None
        ]
        items = [each for state in self.states.values() for each in state.items.values() if each.incident is None]
        return Replayed(in_order(found), tuple(sorted(items, key=lambda each: (each.at, each.id))))


def in_order(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Incidents by start (impact, else detection, else opening), then id."""
    return tuple(sorted(incidents, key=lambda each: (_start(each), each.id)))


def _start(incident: Incident) -> datetime:
    for name in (MilestoneName.IMPACT_STARTED, MilestoneName.DETECTED):
        milestone = incident.milestones[name]
        if milestone is not None:
            return milestone.at
    return incident.created_at
