"""The pure heart of receiving: one request becomes one record, whatever its body holds.

`take` never raises because of a body: what cannot be read is quarantined with the reason, with its bytes beside it.
The same request gives the same record, on any machine and at any time: replaying a recording is receiving again.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Final

import msgspec

from ingest.adapter import Adapted, Adapter, Request
from ingest.again import as_marked, mark_of, marked, with_marks
from ingest.integrations import Integration
from ingest.reading.json_body import Unreadable
from ingest.reading.secrets import kept_headers, redacted_query
from ingest.redaction import redact
from schemas.records import Delivery, Record, ReplayOf, Tick, configured
from schemas.vocabulary import Outcome

__all__ = ["Posted", "delivery_id", "identified", "receive", "receive_again", "request_of", "take"]

# the sender's own delivery ids, the plainest promise first: GitLab's UUID is shared by recursive hooks, its key is not
_ID_HEADERS: Final = (
    "idempotency-key",
    "x-github-delivery",
    "x-gitlab-event-uuid",
    "x-webhook-id",
    "x-amz-sns-message-id",
    "x-honeycomb-webhook-delivery-id",
)
_ID_HEADERS_OF: Final[Mapping[str, tuple[str, ...]]] = {"sentry": (*_ID_HEADERS, "request-id")}
_ALL_ID_HEADERS: Final = frozenset((*_ID_HEADERS, "request-id"))
_ALL_IN_HEADERS: Final = "ce-specversion"  # a CloudEvent needs no body
_NO_ADAPTER: Final = "0"
_ID_BYTES: Final = 10


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came.

    Attributes:
        integration: the name that was posted to, or that was detected.
        headers: name and value as they came; secrets are dropped by `take`.
        path: without a token; None for the plain intake paths.
        query: as it came; secrets are redacted by `take`.
        received_at: by our clock, or by the recording.
        principal: for whom the handler acted.
    """

    integration: str
    body: bytes
    received_at: datetime
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"
    path: str | None = None
    query: str | None = None
    principal: str = "local"


def request_of(posted: Posted, *, ticks: bool = False, commands: bool = True) -> Request:
    """What an adapter may see of a recorded request, and a record may hold: no secrets."""
    return Request(
        body=posted.body,
        headers=with_marks(kept_headers(posted.headers), posted.headers),
        received_at=posted.received_at,
        method=posted.method,
        path=posted.path,
        query=redacted_query(posted.query) if posted.query else None,
        ticks=ticks,
        commands=commands,
    )


def take(request: Request, integration: Integration, adapter: Adapter | None, principal: str = "local") -> Record:
    """Make the record of a request. Never raises, whatever the body is.

    `adapter` None stands for a source type that is not installed: its deliveries wait in quarantine.
    """
    request = _without_secrets(request, adapter)
    replay_of = mark_of(request.headers)
    adapted, body = as_marked(_adapt(request, adapter), request.headers, replay_of), request.body
    if adapted.tick is not None:
        return Tick(stream=integration.stream, at=adapted.tick)
    if (found := adapted.configuration) is not None:
        return configured(integration.stream, request.received_at, found)
    outcome, reason = _outcome(adapted)
    keyed, identifier = identified(request, integration, adapted.key)
    try:
        text, other = body.decode(), None
    except UnicodeDecodeError:
        text, other = None, body
    return Delivery(
        id=identifier,
        stream=integration.stream,
        integration=integration.name,
        source=integration.source,
        received_at=request.received_at,
        outcome=outcome,
        keyed=keyed,
        principal=principal,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.headers,
        body=text,
        body_base64=other,
        reason=reason,
        adapter=_version_name(integration.source, adapter.version if adapter is not None else None),
        events=adapted.events,
        rejected=adapted.rejected,
        warnings=adapted.warnings,
        replay_of=replay_of,
    )


def _without_secrets(request: Request, adapter: Adapter | None) -> Request:
    """The request as it may be kept; from here on nobody sees the values of secret fields, the adapter included."""
    body = redact(request.body, adapter.secrets) if adapter is not None else request.body
    return request if body is request.body else msgspec.structs.replace(request, body=body)


@cache
def _version_name(source: str, version: int | None) -> str:
    return f"{source}/{_NO_ADAPTER if version is None else version}"


def receive(
    posted: Posted, integration: Integration, adapter: Adapter | None, *, ticks: bool = False, commands: bool = True
) -> Record:
    """Make the record of a request as it came: `request_of`, then `take`. Never raises, whatever the body is."""
    return take(request_of(posted, ticks=ticks, commands=commands), integration, adapter, posted.principal)


def identified(request: Request, integration: Integration, key: str | None = None) -> tuple[bool, str]:
    """Whether the sender gave the delivery an id, and ours; `key` is one that stands in the body."""
    return delivery_id(integration, request.headers, _told(request), key)


def _told(request: Request) -> bytes:
    """What tells a delivery apart: its body, and what its sender says by the address instead.

    Some senders name in the path what they are about, and send the same body for all of it.
    """
    query = request.query if not request.body else None
    if request.path is None and query is None:
        return request.body
    return f"\0{request.method} {request.path or ''}?{query or ''}\0".encode(errors="replace") + request.body


def receive_again(
    original: Delivery, integration: Integration, adapter: Adapter | None, replay_of: ReplayOf, key: str, principal: str
) -> Record:
    """Make the record of a delivery that lies on the log already, with today's adapter; `key` makes its id.

    `principal` is for whom it is done now. What the sender was not allowed to order is still not carried out.
    """
    request = Request(
        body=original.raw,
        headers=marked(original.headers, replay_of, key),
        received_at=original.received_at,
        method=original.method,
        path=original.path,
        query=original.query,
        commands=original.principal == principal,
    )
    return take(request, integration, adapter, principal)


def delivery_id(
    integration: Integration, headers: Mapping[str, str], body: bytes, key: str | None = None
) -> tuple[bool, str]:
    """Whether the sender gave the delivery an id, and ours: always the same for the same request (contract §8.3).

    `body` is what was told (`_told`), without its secrets: that is what a recording holds, and it replays to the same
    ids. `key` is an id that the sender put into the body.
    """
    if not _ALL_ID_HEADERS.isdisjoint(headers):
        for name in _ID_HEADERS_OF.get(integration.source, _ID_HEADERS):
            value = headers.get(name)
            if value:
                return True, _hashed(b"key\0", integration.name, value.encode())
    if key:
        return True, _hashed(b"said\0", integration.name, key.encode(errors="replace"))
    hashed = _begun(integration.name).copy()
    hashed.update(body)
    return False, "d_" + hashed.hexdigest()


@cache
def _begun(name: str) -> blake2b:
    return blake2b(_marked(b"body\0", name), digest_size=_ID_BYTES)


def _hashed(mark: bytes, name: str, said: bytes) -> str:
    return "d_" + blake2b(_marked(mark, name) + said, digest_size=_ID_BYTES).hexdigest()


def _marked(mark: bytes, name: str) -> bytes:
    # the mark keeps a body from passing for a key
    return b"%s%s\0" % (mark, name.encode())


def _adapt(request: Request, adapter: Adapter | None) -> Adapted:
    if adapter is None:
        return Adapted(unusable="no adapter for this source is installed")
    if not request.body.strip() and not (request.query or request.path) and _ALL_IN_HEADERS not in request.headers:
        return Adapted(ignored="an empty body")
    try:
        return adapter.adapt(request)
    except Unreadable as error:
        return Adapted(unusable=str(error))
    except Exception as error:  # noqa: BLE001 - a slip in one adapter must not lose the sender's delivery
        return Adapted(unusable=f"the adapter failed: {type(error).__name__}: {error}")


def _outcome(adapted: Adapted) -> tuple[Outcome, str | None]:
    """What became of a request; where it was not plainly accepted, why."""
    if adapted.events and not adapted.rejected:
        return Outcome.ACCEPTED, None
    if adapted.events:
        count = len(adapted.rejected)
        return Outcome.PARTIAL, f"{count} of {count + len(adapted.events)} items could not be read"
    if adapted.control is not None:
        return Outcome.CONTROL, adapted.control
    if adapted.ignored is not None:
        return Outcome.IGNORED, adapted.ignored
    if adapted.rejected:
        first = adapted.rejected[0]
        return Outcome.QUARANTINED, f"no item could be read; {first.pointer or 'the body'}: {first.reason}"
    return Outcome.QUARANTINED, adapted.unusable or "nothing in it could be read"
