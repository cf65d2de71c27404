"""Rows as the tables hold them, and back: the one place where values are made fit for every database."""

from collections.abc import Callable
from typing import Final

import msgspec

from alertline.clock import micros
from alertline.incidents import model
from alertline.store.port import DeliveryRow, Summary

__all__ = [
    "Value",
    "copied",
    "encode",
    "fit",
    "fold",
    "incident_of",
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
]

Value = str | int | bool | None

_LONGEST: Final = 400
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


def fit(text: str) -> str:
    """A text as a column may hold it: PostgreSQL refuses NUL characters. Only for columns that copy from a body."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def fold(text: str) -> str:
    """A text as it is searched: upper and lower case are the same, in every language."""
    return fit(text.casefold())


def searched(summary: Summary) -> str:
    """What a search of the list looks into: title, services and id; no longer than an index takes."""
    about = fold(f"{', '.join(summary.services)[:_ABOUT]} {summary.id}")
    return f"{fold(summary.title)[: _LONGEST - len(about) - 1]} {about}"


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
        case model.AlertRow() | model.ConfigurationRow():
            return ()
        case model.EpisodeRow():
            return (row.alert, row.incident)
        case model.ItemRow():
            return (row.incident,)
        case model.ChangeRow():
            return (fit(row.scope), micros(row.at))
        case model.ArrivalRow():
            return (micros(row.read_at),)
        case model.HandledRow():
            return (fit(row.delivery), micros(row.received_at), row.state)
        case model.IncidentRow():
            return (micros(row.opened_at), row.merged_into)
