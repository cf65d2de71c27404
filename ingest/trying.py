"""What a body would become, and where each part of it comes from: reading it without receiving it."""

from collections import deque
from datetime import datetime
from typing import Final

import msgspec

from ingest.adapter import Adapted, Adapter, Request
from ingest.catalogue import detect
from ingest.intake import take
from ingest.integrations import Integration, Integrations
from ingest.reading.fields import pointer_of
from ingest.reading.forms import document_form_or_query
from ingest.reading.guessed_times import plain_time
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import text_of
from ingest.reading.leaves import words_of
from ingest.reading.word_lists import word_list
from schemas.events import AlertEvent, Event
from schemas.records import Delivery

__all__ = ["Part", "Tried", "TriedEvent", "UnknownIntegration", "read_without_receiving"]

_COMPUTED: Final = "from the adapter"
_MOST: Final = 5000  # values that are looked at
# what is shown, in this order; the rest of an event is of less interest
_ALERT: Final = word_list(
    "status environment service host severity severity_raw starts_at ends_at changed_at pending_for identity dedup_key "
    "title description source_url runbook value labels action actor note"
)
_OTHERS: Final = word_list("kind command at ended_at scope service incident actor text title source_url labels")


class UnknownIntegration(LookupError):
    """There is no integration, and no source, of this name; the message says so."""


class Part(msgspec.Struct, frozen=True):
    """One part of an event: its value, and where it stands in the body or how it was made."""

    name: str
    value: object
    path: str


class TriedEvent(msgspec.Struct, frozen=True):
    """One event with its parts; the event itself for what is computed of it later."""

    kind: str
    guessed: bool
    parts: tuple[Part, ...]
    event: Event


class Tried(msgspec.Struct, frozen=True):
    """What a request would become.

    Attributes:
        integration: who it was read for; named: whether it was named, recognised: whether the body told.
        record: what would be written to the log; None for a control (a tick).
    """

    integration: Integration
    adapter: str
    named: bool
    recognised: bool
    record: Delivery | None
    events: tuple[TriedEvent, ...]


def read_without_receiving(request: Request, integrations: Integrations, name: str | None) -> Tried:
    """Read a request for an integration or source; without a name the body decides, as at `/v1/webhooks`.

    Raises:
        UnknownIntegration: there is none of that name.
    """
    found = detect(request) if name is None else None
    wanted = name or (found.name if found is not None else "generic")
    known = integrations.find(wanted)
    if known is None:
        raise UnknownIntegration(f"no integration and no source is called {wanted!r}")
    integration, adapter = known
    record = take(request, integration, adapter)
    delivery = record if isinstance(record, Delivery) else None
    if delivery is not None:
        request = msgspec.structs.replace(request, body=delivery.raw)  # without secrets
    paths, leaves = _adapted(request, adapter).paths, _leaves(request)
    events = tuple(
        _tried(event, paths[index] if index < len(paths) else {}, leaves)
        for index, event in enumerate(delivery.events if delivery is not None else ())
    )
    return Tried(
        integration, f"{adapter.name}/{adapter.version}", name is not None, found is not None, delivery, events
    )


def _adapted(request: Request, adapter: Adapter) -> Adapted:
    try:
        return adapter.adapt(request)
    except Exception:  # noqa: BLE001 - the record says why; here it is only about paths
        return Adapted()


def _leaves(request: Request) -> list[tuple[str, str, object]]:
    """The values of a body, outermost first: pointer, name, value."""
    try:
        document = document_form_or_query(request)
    except Unreadable:
        return []
    found: list[tuple[str, str, object]] = []
    waiting: deque[tuple[str, str, object]] = deque([("", "", document)])
    while waiting and len(found) < _MOST:
        pointer, name, value = waiting.popleft()
        found.append((pointer, name, value))
        if isinstance(value, dict):
            waiting.extend((pointer + pointer_of(each), str(each), value[each]) for each in value)
        elif isinstance(value, list):
            waiting.extend((pointer + pointer_of(index), name, each) for index, each in enumerate(value))
    return found


def _tried(event: Event, paths: dict[str, str], leaves: list[tuple[str, str, object]]) -> TriedEvent:
    names = _ALERT if isinstance(event, AlertEvent) else _OTHERS
    parts = []
    for name in names:
        value = getattr(event, name, None)
        if value in (None, "", {}) or (name == "severity" and value == "unknown"):
            continue
        path = paths.get("severity" if name == "severity_raw" else name) or _place_of(name, value, leaves)
        parts.append(Part(name, value, path))
    guessed = isinstance(event, AlertEvent) and event.guessed
    return TriedEvent(str(event.__struct_config__.tag), guessed, tuple(parts), event)


def _place_of(name: str, value: object, leaves: list[tuple[str, str, object]]) -> str:
    """Where an adapter that keeps no paths took a value from: where the same stands, best under a like name."""
    same = [(pointer, words_of(called)) for pointer, called, each in leaves if pointer and _same(value, each)]
    if not same:
        return _COMPUTED
    wanted = set(words_of(name))
    return max(same, key=lambda place: len(wanted.intersection(place[1])))[0]


def _same(value: object, given: object) -> bool:
    if isinstance(value, datetime):
        read = None if isinstance(given, dict | list) else plain_time(given)
        return read is not None and read[0] == value
    if isinstance(value, dict):
        return (
            isinstance(given, dict)
            and bool(given)
            and {str(name): text_of(each) for name, each in given.items()} == value
        )
    if isinstance(given, dict | list) or given is None or given == "":
        return False
    return str(value).lower() == text_of(given).strip().lower()
