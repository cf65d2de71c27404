"""Replaying a log in memory: the correlator alone, no server, no database. The receive times are the only clock."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import msgspec

from alertline.incidents.engine import Step, advance, step
from alertline.incidents.memory.state import EPOCH, StreamState
from alertline.incidents.model import ItemRow, Row, load_order
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
        self._decided: defaultdict[str, dict[str, Row]] = defaultdict(dict)
        self._log_times: dict[str, datetime] = {}
        self.states: dict[str, StreamState] = {}

    def feed(self, record: Record) -> Step:
        """Take in the next record. If the core fails on it, `leave_out` must come next."""
        self._offset += 1
        state = self._of(record.stream)
        done = step(state, self._offset, record)
        self._decided[record.stream].update((each.row.id, each.row) for each in done.decisions)
        self._log_times[record.stream] = state.log_time
        return done

    def _of(self, stream: str) -> StreamState:
        state = self.states.get(stream)
        if state is None:
            state = self.states[stream] = StreamState(stream, self._policy)
        return state

    def leave_out(self, record: Record) -> None:
        """Go on without the record on which the core has just failed; a copy of it is known.

        The memory is of no use any more: it is made again of what was decided before, as a server loads it.
        """
        failed = self.states.pop(record.stream)
        state = self._of(record.stream)
        state.log_time = self._log_times.get(record.stream, EPOCH)
        for row in sorted(self._decided[record.stream].values(), key=load_order):
            state.put(row)
        state.deliveries = failed.deliveries
        if isinstance(record, Delivery):
            state.deliveries.add(record.id, record.received_at, self._offset, keyed=record.keyed)

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
