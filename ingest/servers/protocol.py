"""What tells one protocol from another: its paths, its replies, and where its senders put their secret. Pure.

What a body means is not here: that is the adapter's of the protocol's source, as for any webhook.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import orjson

from alertline.web.problems import Problem
from ingest.reading.json_body import Unreadable, read_json
from schemas.records import Delivery, Record

__all__ = ["Call", "Credential", "Protocol", "Reply", "Taken", "json_reply"]

_JSON: Final = "application/json"


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """Where the senders of a protocol put their secret; one of the four.

    Attributes:
        header: name of a header; prefix: what stands before the secret in it.
        field: a field at the top of a JSON body.
        part: a part of the path, by its name in the pattern.
    """

    header: str | None = None
    prefix: str = ""
    field: str | None = None
    part: str | None = None

    def shown(self, headers: Mapping[str, str], parts: Mapping[str, str], body: bytes) -> str | None:
        """The secret that a request shows; None for none. It is compared and then forgotten, never kept."""
        if self.part is not None:
            return parts.get(self.part) or None
        if self.field is not None:
            return _field_of(body, self.field)
        said = headers.get(self.header or "", "")
        return said[len(self.prefix) :].strip() or None if said.lower().startswith(self.prefix.lower()) else None


def _field_of(body: bytes, name: str) -> str | None:
    try:
        document = read_json(body)
    except Unreadable:
        return None
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, str) and found else None


class Taken(msgspec.Struct, frozen=True):
    """What became of a request: its record, which is durable, and how long that took."""

    record: Record
    seconds: float

    @property
    def delivery(self) -> Delivery | None:
        """The delivery; None for what only a replay may ask for."""
        return self.record if isinstance(self.record, Delivery) else None


class Reply(msgspec.Struct, frozen=True):
    """What the sender hears."""

    status: int
    body: bytes = b""
    content_type: str = _JSON


def json_reply(status: int, document: object) -> Reply:
    """A reply in JSON."""
    return Reply(status, orjson.dumps(document))


class Call(msgspec.Struct, frozen=True):
    """One request that a protocol knows.

    Attributes:
        method, path: the path as aiohttp's patterns.
        reply: what its sender hears of a request that is durable.
        told: whether the path says what the body does not, and is kept. It must hold no secret.
    """

    method: str
    path: str
    reply: Callable[[Taken], Reply]
    told: bool = False


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """One protocol.

    Attributes:
        source: the source type that its deliveries are of.
        credential: where its senders put their secret.
        calls: the requests that it knows.
        refused: how it says that a request was not taken at all (no credentials, too large, the log away).
    """

    source: str
    credential: Credential
    calls: tuple[Call, ...]
    refused: Callable[[Problem], Reply]
