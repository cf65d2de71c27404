"""Deliveries of the quarantine, read again: the mark on the record that says so, and what is read of a partial one.

The mark is a header of the record, in JSON, so that it goes wherever the record goes: into an export, through a replay.
A header of that name that a sender made up is dropped at the edge (`ingest/reading/secrets.py`).
"""

import json
from collections.abc import Iterable, Mapping

import msgspec

from ingest.adapter import Adapted
from ingest.reading.secrets import REPLAY_OF
from schemas.records import ReplayOf

__all__ = ["mark_of", "marked", "only_items", "with_mark"]

_decoder: msgspec.json.Decoder[ReplayOf] = msgspec.json.Decoder(ReplayOf)


def marked(headers: Mapping[str, str], replay_of: ReplayOf, key: str) -> dict[str, str]:
    """The headers of a delivery that is read again: its own, the mark, and a key, which makes it a new delivery."""
    # a header holds ASCII only, whatever a reason says
    return {**headers, "idempotency-key": key, REPLAY_OF: json.dumps(msgspec.to_builtins(replay_of))}


def with_mark(kept: dict[str, str], headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The kept headers, and the mark among headers that may carry one: those of an export."""
    for name, value in headers:
        if name.lower() == REPLAY_OF and mark_of({REPLAY_OF: value}) is not None:
            kept[REPLAY_OF] = value
    return kept


def mark_of(headers: Mapping[str, str]) -> ReplayOf | None:
    """What the mark says; None where there is none, or one that says nothing."""
    value = headers.get(REPLAY_OF)
    if value is None:
        return None
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError:
        return None


def only_items(adapted: Adapted, items: tuple[int, ...] | None) -> Adapted:
    """What was made of some items of a batch: the others were taken in with the delivery itself."""
    if items is None:
        return adapted
    return msgspec.structs.replace(
        adapted,
        events=tuple(event for event in adapted.events if event.item in items),
        rejected=tuple(each for each in adapted.rejected if each.index in items),
    )
