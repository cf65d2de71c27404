"""Deliveries of which a person disposed: the marks on records that say so, and what is read of such a record.

The marks are headers of the record, so that they go wherever it goes: into an export, through a replay, to a server on
recorded time. Headers of these names that a sender made up are dropped at the edge (`ingest/reading/secrets.py`).

- `alertline-replay-of`, in JSON: this is that delivery of the quarantine, read again.
- `alertline-disposed`, `all` or a list of items: they were read again, or discarded, later. Whatever today's adapter
  could make of them now, they have no effect here. `ingest/disposals.py` puts it on the lines of a recording.
- `alertline-test`: a person asked for a test of the integration; whatever its body is, it tells of nothing.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from ingest.adapter import Adapted
from ingest.reading.secrets import DISPOSED, REPLAY_OF, TEST
from schemas.events import Rejected, TestEvent
from schemas.records import ReplayOf

__all__ = ["ALL", "as_marked", "mark_of", "marked", "with_marks"]

ALL: Final = "all"
_LATER: Final = "a person disposed of it later"

_decoder: msgspec.json.Decoder[ReplayOf] = msgspec.json.Decoder(ReplayOf)


def marked(headers: Mapping[str, str], replay_of: ReplayOf, key: str) -> dict[str, str]:
    """The headers of a delivery that is read again: its own, the mark, and a key, which makes it a new delivery."""
    own = {name: value for name, value in headers.items() if name != DISPOSED}
    # a header holds ASCII only, whatever a reason says
    return {**own, "idempotency-key": key, REPLAY_OF: json.dumps(msgspec.to_builtins(replay_of))}


def with_marks(kept: dict[str, str], headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The kept headers, and the marks among headers that may carry them: those of a recording."""
    for name, value in headers:
        if (lower := name.lower()) in (REPLAY_OF, DISPOSED, TEST):
            kept[lower] = value
    return kept


def mark_of(headers: Mapping[str, str]) -> ReplayOf | None:
    """Of which delivery this is another reading; None where there is no such mark, or one that says nothing."""
    value = headers.get(REPLAY_OF)
    if value is None:
        return None
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError:
        return None


def as_marked(adapted: Adapted, headers: Mapping[str, str], replay_of: ReplayOf | None) -> Adapted:
    """What counts of what was made of a body, by the marks of its record."""
    if TEST in headers:
        return Adapted(events=(TestEvent(title="a test that was asked for on the page of sources"),))
    if replay_of is not None and replay_of.items is not None:
        adapted = _only(adapted, replay_of.items)
    disposed = headers.get(DISPOSED)
    if disposed is None:
        return adapted
    if disposed == ALL:
        return Adapted(unusable=_LATER)
    return _without(adapted, {int(item) for item in disposed.split(",") if item.isdecimal()})


def _only(adapted: Adapted, items: tuple[int, ...]) -> Adapted:
    """Some items of a batch: the others were taken in with the delivery itself."""
    return msgspec.structs.replace(
        adapted,
        events=tuple(event for event in adapted.events if event.item in items),
        rejected=tuple(each for each in adapted.rejected if each.index in items),
    )


def _without(adapted: Adapted, items: set[int]) -> Adapted:
    later = sorted({event.item for event in adapted.events} & items)
    return msgspec.structs.replace(
        adapted,
        events=tuple(event for event in adapted.events if event.item not in items),
        rejected=(*adapted.rejected, *(Rejected(item, "", _LATER) for item in later)),
    )
