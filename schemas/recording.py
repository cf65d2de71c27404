"""One line of a recording: a file of deliveries, NDJSON, plain or gzip'd (contract §4).

Written by `export`, `serve --record` and people; read by `replay` and `send` (ingest/recording.py, which tells what is
wrong with file and line). This shape is what other programs may rely on.
"""

from datetime import datetime
from typing import Any

import msgspec

__all__ = ["RECORDING_VERSION", "RecordingLine"]

RECORDING_VERSION = 1


class RecordingLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One delivery as its sender posted it, with the time at which it was received.

    Attributes:
        received_at: when it was received; in a replay the only clock.
        source: the source type; `alertline` for entries, changes, commands and ticks.
        integration: the sender's configured name, where that is not the source type.
        stream: the stream it belongs to, where that is not `default`.
        principal: for whom it was posted, where that is not `local`.
        method, path, query: what the sender requested, without secrets.
        headers: without secrets.
        body: the body, where it is JSON.
        body_text: in place of `body`, the body as text, where it is not JSON or its exact bytes matter.
        body_base64: in place of `body`, the body's bytes in base64, where it is not text.
    """

    received_at: datetime
    source: str
    integration: str | None = None
    stream: str | None = None
    principal: str | None = None
    method: str = "POST"
    path: str | None = None
    query: str | None = None
    headers: dict[str, str] = {}
    body: Any = msgspec.UNSET
    body_text: str | None = None
    body_base64: bytes | None = None
