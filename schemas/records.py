"""The records of the event log, their versions, and the reading of older ones.

A record carries `v`. Readers upcast every older version; an unknown newer one stops the reader (`NewerRecord`), because
skipping it would lose what somebody was told is safe.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson

from schemas.configuration import Configuration, digest_of
from schemas.events import Event, Rejected
from schemas.vocabulary import Outcome

__all__ = [
    "RECORD_VERSION",
    "Configured",
    "Delivery",
    "NewerRecord",
    "Record",
    "ReplayOf",
    "Tick",
    "UnreadableRecord",
    "configured",
    "decode",
    "encode",
]

RECORD_VERSION: Final = 1


def _version() -> int:
    """The default of `v`. A factory: a plain default would be left out of what is written, and then every record would
    claim to be of whatever version reads it."""
    return RECORD_VERSION


class UnreadableRecord(ValueError):
    """The bytes are not a record of any version that we know."""


class NewerRecord(UnreadableRecord):
    """Written by a newer Alertline: upgrade this process before it reads on."""


class ReplayOf(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That a record is a delivery of the quarantine, read again: it keeps the body and the receive time of that one.

    Attributes:
        delivery: the id of that one; with the receive time it tells which copy.
        items: the items of the batch that are read now, where the others were taken in already; None: all.
        at, actor, reason: when, by whom and why it was asked for.
    """

    delivery: str
    at: datetime
    items: tuple[int, ...] | None = None
    actor: str | None = None
    reason: str | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="delivery"):
    """One webhook request: the bytes as they came but for secrets, and what we made of them.

    Attributes:
        v: version of the shape.
        id: the delivery's id (contract §8.3): the sender's own, or a hash of integration and body.
        keyed: whether the sender gave the id (remembered 24 h of log time) or it is the hash (60 s).
        stream: unit of order and of the single writer.
        integration, source: the configured sender and its source type.
        received_at: when our edge received it, UTC.
        principal: for whom the handler acted.
        headers: without secrets; names in lower case.
        body, body_base64: the raw body: as text where it is UTF-8, else as bytes (base64 in JSON).
        outcome, reason: what became of it; the reason where it is not plainly accepted.
        adapter: name and version of the adapter that read it.
        events: what it holds, in the sender's order; rejected: items that could not be read.
        replay_of: the delivery of the quarantine that was read again.
    """

    id: str
    stream: str
    integration: str
    source: str
    received_at: datetime
    outcome: Outcome
    v: int = msgspec.field(default_factory=_version)
    keyed: bool = False
    principal: str = "local"
    method: str = "POST"
    path: str | None = None
    query: str | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    body_base64: bytes | None = None
    reason: str | None = None
    adapter: str = ""
    events: tuple[Event, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[str, ...] = ()
    replay_of: ReplayOf | None = None

    @property
    def raw(self) -> bytes:
        """The body's bytes."""
        return self.body.encode() if self.body is not None else (self.body_base64 or b"")


class Tick(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="tick"):
    """Log time has reached `at` although nothing came in; written by the stream's owner when a timer falls due."""

    stream: str
    at: datetime
    v: int = msgspec.field(default_factory=_version)


class Configured(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="configuration"
):
    """From here on the stream's alerts are correlated in this way.

    Attributes:
        at: log time has reached this moment; when the configuration was made, where the log runs on real time.
        configuration: all of it, not what changed; digest: what tells it apart from others.
    """

    stream: str
    at: datetime
    configuration: Configuration
    digest: str
    v: int = msgspec.field(default_factory=_version)


Record = Delivery | Tick | Configured


def configured(stream: str, at: datetime, configuration: Configuration) -> Configured:
    """The record that lets a configuration hold in a stream."""
    return Configured(stream=stream, at=at, configuration=configuration, digest=digest_of(configuration))


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)

# version n → function that turns a raw record of version n into one of version n + 1
_UPCASTS: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}


def encode(record: Record) -> bytes:
    """Encode a record as one JSON object."""
    return _encoder.encode(record)


def decode(data: bytes) -> Record:
    """Decode a record of this or any older version.

    Raises:
        NewerRecord: the version is newer than this code.
        UnreadableRecord: not a record at all.
    """
    try:
        record = _decoder.decode(data)
        if record.v == RECORD_VERSION:
            return record
    except msgspec.MsgspecError:
        pass  # an older shape need not decode: look at the version first
    return _upcast(data)


def _upcast(data: bytes) -> Record:
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnreadableRecord(f"not JSON: {error}") from error
    version = raw.get("v", RECORD_VERSION) if isinstance(raw, dict) else None
    if not isinstance(version, int):
        raise UnreadableRecord("a record is an object with an integer v")
    if version > RECORD_VERSION:
        raise NewerRecord(f"record version {version} is newer than {RECORD_VERSION}: upgrade this process first")
    while version < RECORD_VERSION:
        if version not in _UPCASTS:
            raise UnreadableRecord(f"no way to read record version {version}")
        raw = _UPCASTS[version](raw)
        version += 1
    try:
        record: Record = msgspec.convert(raw, Record)
    except msgspec.ValidationError as error:
        raise UnreadableRecord(str(error)) from error
    return record
