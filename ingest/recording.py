"""Recordings: files of deliveries, one JSON object per line (contract §4). Reading streams; plain or gzip.

What is written reads back as the same deliveries: same ids, same events.
"""

import base64
import binascii
import gzip
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec
import orjson

from ingest.disposals import DISPOSALS, Copy, Items, as_told, disposed_by
from ingest.intake import Posted
from ingest.integrations import DEFAULT_STREAM
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable, read_json
from schemas.records import Configured, Delivery, Record, Tick
from schemas.vocabulary import Outcome

__all__ = ["BadRecording", "Line", "line_of", "read_recordings"]

_GZIP: Final = b"\x1f\x8b"
_BODIES: Final = ("body", "body_text", "body_base64")


class BadRecording(ValueError):
    """A line that cannot be read; the message names file, line and reason."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a recording.

    Attributes:
        file, number: where it stands; numbers begin with 1.
        source: the source type; `posted.integration` is the sender's name, mostly the same.
        stream: None where the line names none: then the integration decides.
        ticks: False where a server refused what says it is a tick, or a configuration (it was on real time): refused
            again.
    """

    file: str
    number: int
    source: str
    posted: Posted
    stream: str | None = None
    ticks: bool = True


def read_recordings(paths: Sequence[Path]) -> Iterator[Line]:
    """Read recordings, a line at a time. One is read in its own order; several are merged by `received_at`, stably.

    Raises:
        BadRecording: a line cannot be read; OSError: a file cannot.
    """
    if len(paths) == 1:
        lines = _read(paths[0])
    else:
        lines = heapq.merge(*(_read(path) for path in paths), key=lambda line: line.posted.received_at)
    return _as_disposed(lines, partial(_disposals, paths))


def _disposals(paths: Sequence[Path]) -> Iterator[Line]:
    """The lines that may say that a person disposed of another one. What cannot be read is told when it is its turn."""
    for path in paths:
        try:
            with closing(_open(path)) as file:
                for number, text in enumerate(file, start=1):
                    if any(mark in text for mark in DISPOSALS):
                        yield _line(text, path, number)
        except (BadRecording, OSError, EOFError):
            continue


def _as_disposed(lines: Iterator[Line], disposals: Callable[[], Iterator[Line]]) -> Iterator[Line]:
    """The lines; those of which a person disposed later are marked, so that they are not read now."""
    found: dict[Copy, Items] = {}
    for line in disposals():
        found |= {copy: items for copy, items in disposed_by(line.posted, line.source) if copy not in found}
    for line in lines:
        yield msgspec.structs.replace(line, posted=as_told(line.posted, line.source, found)) if found else line


def _read(path: Path) -> Iterator[Line]:
    with closing(_open(path)) as file:
        lines = enumerate(file, start=1)
        while True:
            try:
                number, text = next(lines)
            except StopIteration:
                return
            except (gzip.BadGzipFile, EOFError) as error:
                raise BadRecording(f"{path}: not a whole gzip file: {error}") from error
            if text.strip():
                yield _line(text, path, number)


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return cast("BinaryIO", gzip.open(path, "rb")) if packed else path.open("rb")


def _line(text: bytes, path: Path, number: int) -> Line:
    try:
        fields = Fields.of(read_json(text), "")
        source = fields.needed("source")
        received_at = fields.time("received_at")
        if received_at is None:
            raise BadField("/received_at", "missing")
        posted = Posted(
            integration=fields.text("integration") or source,
            body=_body(fields),
            received_at=received_at,
            headers=tuple(fields.labels("headers").items()),
            method=fields.text("method") or "POST",
            path=fields.text("path"),
            query=fields.text("query"),
            principal=fields.text("principal") or "local",
        )
        ticks = fields.values.get("ticks") is not False
        stream = fields.text("stream")
        return Line(file=str(path), number=number, source=source, posted=posted, stream=stream, ticks=ticks)
    except (Unreadable, BadField) as error:
        raise BadRecording(f"{path}:{number}: {error}") from error


def _body(fields: Fields) -> bytes:
    given = [name for name in _BODIES if name in fields.values]
    if len(given) > 1:
        raise BadField(fields.at(given[1]), f"beside {given[0]}: one of {', '.join(_BODIES)}")
    if not given:
        return b""
    value = fields.values[given[0]]
    if given == ["body"]:
        return orjson.dumps(value)
    if not isinstance(value, str):
        raise BadField(fields.at(given[0]), "a text is expected here")
    if given == ["body_text"]:
        return value.encode()
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise BadField(fields.at(given[0]), f"not base64: {error}") from error


def line_of(record: Record) -> bytes:
    """Write a record as one line, with its line end; reading it gives the same delivery id and events again."""
    line = _of_delivery(record) if isinstance(record, Delivery) else _of_control(record)
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def _of_control(record: Tick | Configured) -> dict[str, object]:
    body: dict[str, object] = {"type": "tick", "at": record.at}
    if isinstance(record, Configured):
        body = {"type": "configuration", "configuration": msgspec.to_builtins(record.configuration)}
    line = {"received_at": record.at, "source": "alertline", "body": body}
    return line | ({"stream": record.stream} if record.stream != DEFAULT_STREAM else {})


def _of_delivery(delivery: Delivery) -> dict[str, object]:
    optional: Iterable[tuple[str, object, object]] = (
        ("integration", delivery.integration, delivery.source),
        ("stream", delivery.stream, DEFAULT_STREAM),
        ("principal", delivery.principal, "local"),
        ("method", delivery.method, "POST"),
        ("path", delivery.path, None),
        ("query", delivery.query, None),
        ("headers", delivery.headers, {}),
        ("ticks", delivery.source != "alertline" or delivery.outcome is not Outcome.QUARANTINED, True),
    )
    line: dict[str, object] = {"received_at": delivery.received_at, "source": delivery.source}
    line |= {name: value for name, value, usual in optional if value != usual}
    return line | _body_of(delivery.raw)


def _body_of(raw: bytes) -> dict[str, object]:
    """The body in the most readable form that gives the very same bytes again: ids are made of them."""
    try:
        document = orjson.loads(raw)
        if orjson.dumps(document) == raw:
            return {"body": document}
    except orjson.JSONDecodeError:
        pass  # not JSON: as text or bytes below
    try:
        return {"body_text": raw.decode()} if raw else {}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(raw).decode()}
