"""Bodies that tell of one thing or of several: each item is read by itself, so that no bad one loses a good one."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ingest.adapter import Adapted
from ingest.reading.fields import BadField, Fields
from schemas.events import AlertEvent, Change, Rejected, TestEvent

__all__ = ["Told", "read_each"]

# an event, or in words why there is none
Told = AlertEvent | Change | TestEvent | str
_EMPTY: Final = "an empty list"


def read_each(items: Sequence[tuple[str, object]], read: Callable[[Fields, list[str]], Told]) -> Adapted:
    """What the items (each with its pointer) tell; `read` may add warnings, and raise `BadField`."""
    events: list[AlertEvent | Change | TestEvent] = []
    rejected: list[Rejected] = []
    warnings: list[str] = []
    ignored = None if items else _EMPTY
    for index, (pointer, item) in enumerate(items):
        try:
            told = read(Fields.of(item, pointer), warnings)
        except BadField as error:
            rejected.append(error.rejected(index))
            continue
        if isinstance(told, str):
            ignored = ignored or told
        else:
            events.append(msgspec.structs.replace(told, item=index) if index else told)
    nothing = not events and not rejected
    return Adapted(
        events=tuple(events),
        rejected=tuple(rejected),
        warnings=tuple(dict.fromkeys(warnings)),
        ignored=ignored if nothing else None,
    )
