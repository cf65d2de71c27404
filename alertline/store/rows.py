"""Rows as the tables hold them, and back: the one place where values are made fit for every database.

A body is JSON, in which every text is ASCII-safe where it must be: it holds anything, in any database, byte for byte.
The columns beside it are only looked up. What PostgreSQL refuses there is escaped alike for all databases: characters
that are none of its text (`fit`), and texts that are too long for its indexes (`key`).
"""

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

import msgspec

from alertline.clock import micros
from alertline.incidents import model
from alertline.incidents.memory.archive import resting
from alertline.store.port import DeliveryRow, Summary
from schemas.vocabulary import IncidentStatus

__all__ = [
    "Value",
    "Values",
    "copied",
    "encode",
    "fit",
    "fold",
    "incident_of",
    "key",
    "read_alert",
    "read_change",
    "read_configuration",
    "read_delivery",
    "read_episode",
    "read_handled",
    "read_incident",
    "read_item",
    "read_row",
    "read_summary",
    "searched",
    "unfit",
]

Value = str | int | bool | None
Values = tuple[Value | float, ...]

_SEARCHED: Final = 400
_ABOUT: Final = 150

_encoder: Final = msgspec.json.Encoder()

read_row: Final[Callable[[str], model.Row]] = msgspec.json.Decoder(model.Row).decode
read_alert: Final = msgspec.json.Decoder(model.AlertRow).decode
read_episode: Final = msgspec.json.Decoder(model.EpisodeRow).decode
read_item: Final = msgspec.json.Decoder(model.ItemRow).decode
read_change: Final = msgspec.json.Decoder(model.ChangeRow).decode
read_configuration: Final = msgspec.json.Decoder(model.ConfigurationRow).decode
read_handled: Final = msgspec.json.Decoder(model.HandledRow).decode
read_incident: Final = msgspec.json.Decoder(model.IncidentRow).decode
read_summary: Final = msgspec.json.Decoder(Summary).decode
read_delivery: Final = msgspec.json.Decoder(DeliveryRow).decode


def encode(row: model.Row | Summary | DeliveryRow) -> str:
    """The body of a row: JSON, in which a NUL character is an escape that every database takes as text."""
    return _encoder.encode(row).decode()


_ODD: Final = re.compile("[\0\ufffd\ud800-\udfff]")
_ESCAPED: Final = re.compile("\ufffd(\ufffd|0|d[89a-f][0-9a-f]{2})")
_LONGEST: Final = 240  # characters of at most 4 bytes: two of them fit a third of a page, PostgreSQL's bound
_SHORTENED: Final = 200


def fit(text: str) -> str:
    """A text as any database may hold it in a column: NUL characters and lone surrogates are escaped.

    Different texts stay different, and a part of a text is a part of the escaped text: it can be sought in it.
    """
    if text.isascii() and "\0" not in text:  # nearly always; told in a fraction of the time of a search
        return text
    return _ODD.sub(_escape, text)


def unfit(text: str) -> str:
    """The text that was made fit."""
    return _ESCAPED.sub(_unescape, text) if "\ufffd" in text else text


def key(text: str) -> str:
    """A text as an index may hold it: one that is very long is cut, with a hash of the whole at its end."""
    text = fit(text)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_SHORTENED]}\ufffd#{blake2b(text.encode(), digest_size=16).hexdigest()}"


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return "\ufffd" + ("0" if character == "\0" else character if character == "\ufffd" else f"{ord(character):x}")


def _unescape(found: re.Match[str]) -> str:
    said = found[1]
    return "\0" if said == "0" else said if said == "\ufffd" else chr(int(said, 16))


def fold(text: str) -> str:
    """A text as it is searched: upper and lower case are the same, in every language."""
    return fit(text.casefold())


def searched(summary: Summary) -> str:
    """What a search of the list looks into: title, services and id; no longer than an index takes."""
    about = fold(f"{', '.join(summary.services)[:_ABOUT]} {summary.id}")
    return f"{fold(summary.title)[: _SEARCHED - len(about) - 1]} {about}"


def incident_of(row: model.Row) -> str | None:
    """The incident that a row is about; None for what stands by itself."""
    match row:
        case model.IncidentRow():
            return row.id
        case model.EpisodeRow() | model.ItemRow():
            return row.incident
        case model.AlertRow() | model.ChangeRow() | model.ArrivalRow() | model.ConfigurationRow() | model.HandledRow():
            return None


def copied(row: model.Row) -> tuple[Value, ...]:
    """The columns that the table of this kind of row has of its own (`tables.py`), in their order."""
    match row:
        case model.ConfigurationRow():
            return ()
        case model.AlertRow():
            return (
                *(key(row.dedup_key), key(row.identity)),
                *(row.source, fit(row.check), None if row.service is None else fit(row.service)),
            )
        case model.EpisodeRow():
            return (row.alert, row.incident, *_times(row), row.absorbed_by is not None, row.paging)
        case model.ItemRow():
            return (row.incident, micros(row.read_at))
        case model.ChangeRow():
            return (key(row.scope), micros(row.at))
        case model.ArrivalRow():
            return (micros(row.read_at),)
        case model.HandledRow():
            return (key(row.delivery), micros(row.received_at), row.state)
        case model.IncidentRow():
            over = None if row.status is IncidentStatus.OPEN else max(row.updated_at, row.settled_at or row.updated_at)
            return (micros(row.opened_at), None if over is None else micros(over), row.merged_into)


def _times(row: model.EpisodeRow) -> tuple[Value, ...]:
    """When an episode started, until when it lasted (`Resting`), and when it was heard of last."""
    until = resting(row).until
    return micros(row.started_at), None if until is None else micros(until), micros(row.read_at or row.last_received)
