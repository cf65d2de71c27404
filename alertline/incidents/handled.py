"""The row that says what people made of a delivery in quarantine."""

from datetime import datetime

import msgspec

from alertline.incidents.ids import mark_id
from schemas.vocabulary import HeldState

__all__ = ["HandledRow", "handled_id"]


class HandledRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="row", tag="handled"):
    """One copy of a delivery in quarantine that no longer waits. What still waits has no such row.

    Attributes:
        delivery, received_at: which copy of which delivery.
        command: id of the delivery that did it: the command, or the record of its being read again.
        at, actor, reason: when, by whom and why.
    """

    id: str
    stream: str
    delivery: str
    received_at: datetime
    state: HeldState
    command: str
    at: datetime
    actor: str | None = None
    reason: str | None = None


def handled_id(stream: str, delivery: str, received_at: datetime) -> str:
    """The id of the row about one copy of a delivery."""
    return mark_id("hd", "\0".join((stream, delivery, received_at.isoformat())))
