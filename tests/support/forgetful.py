"""A memory that lets go of everything that it may, beside an archive of what was written."""

from collections.abc import Sequence

import msgspec

from alertline.incidents.engine import step
from alertline.incidents.memory.archive import MemoryArchive
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import Row
from alertline.incidents.policy import Policy
from schemas.records import Record

__all__ = ["Forgetful"]


class Forgetful:
    """A memory that lets go of everything that it may, when it is told to."""

    def __init__(self, policy: Policy) -> None:
        self.archive = MemoryArchive()
        self.state = StreamState("default", policy, self.archive)
        self._unwritten: list[Row] = []

    def step(self, offset: int, record: Record) -> bytes:
        """Take in a record; all that was decided."""
        decisions = step(self.state, offset, record).decisions
        self._unwritten += [decision.row for decision in decisions]
        return msgspec.json.encode(decisions)

    def rest(self) -> Sequence[Row]:
        """Let what was decided be written, and what is over leave."""
        self.archive.keep(self._unwritten)
        self._unwritten.clear()
        return self.state.rest()
