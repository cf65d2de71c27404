"""The webhook receivers: bytes in, one durable record, and only then 202.

This is the hot path. What does not depend on the request is made once: routes, metrics by source, the usual replies.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NoReturn
from uuid import uuid4

import msgspec
import orjson
from aiohttp import web

from alertline import telemetry
from alertline.clock import Clock, monotonic
from alertline.eventlog.port import Appends, LogUnavailable
from alertline.web.access import LOCAL_OPERATOR, PRINCIPAL, Authenticator, LocalOperator, Permission, Principal
from alertline.web.lane import Lane
from alertline.web.problems import Problem
from alertline.web.receipt import Receipt
from alertline.web.routes import Route
from ingest.adapter import Adapter, Request
from ingest.again import with_marks
from ingest.catalogue import detect
from ingest.deadline import Deadline
from ingest.intake import take
from ingest.integrations import Integration, Integrations
from ingest.proof.admission import admit, unknown
from ingest.proof.shown import Shown
from ingest.reading.secrets import TEST, kept_headers, redacted_query
from ingest.reading.times import BadTime, read_time
from schemas.records import Delivery, Record, encode
from schemas.vocabulary import Outcome

__all__ = ["DELIVERY", "RECEIVED_AT", "Receiver", "ReceiverOptions"]

DELIVERY: Final = "Alertline-Delivery"  # header of a reply whose body has no room for the delivery's id

RECEIVED_AT: Final = "Alertline-Received-At"
_RECEIVED_AT: Final = RECEIVED_AT.lower()

_REMEMBERED: Final = timedelta(seconds=60)
_MOST_REMEMBERED: Final = 20_000  # twice that many at most
# the usual replies; an id is plain ASCII
_NEW: Final = b'{"delivery":"%s","accepted":%d,"duplicates":0,"quarantined":0,"rejected":[]}'
_KNOWN: Final = b'{"delivery":"%s","accepted":0,"duplicates":%d,"quarantined":0,"rejected":[]}'
_CONTROL_REPLY: Final = b'{"delivery":null,"accepted":0,"duplicates":0,"quarantined":0,"rejected":[]}'


class ReceiverOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a receiver behaves.

    Attributes:
        body_limit: bytes (after decompression) above which a body is refused with 413.
        append_limit_s: seconds after which a record that is not yet durable is answered 503.
        recorded_time: the sender says when it was received, and may post ticks and configurations; only for replays on
            loopback.
        on_delivery: gets every record that became durable (`serve --record`).
    """

    body_limit: int = 1024 * 1024
    append_limit_s: float = 1.0
    recorded_time: bool = False
    on_delivery: Callable[[Record], None] | None = None


class _Port(msgspec.Struct, frozen=True):
    """One integration with all that its deliveries need, found with one look."""

    integration: Integration
    adapter: Adapter
    accepted: telemetry.Tally
    body_bytes: telemetry.Tally


class Receiver:
    """Takes deliveries for every integration.

    A 202 is sent only after the record is durable. A sender that gets anything else may send again: the same delivery
    has the same id. Nothing that the body holds leads to an error, except in Alertline's own formats (422).
    """

    def __init__(
        self, log: Appends, integrations: Integrations, clock: Clock, options: ReceiverOptions | None = None
    ) -> None:
        self._log, self._clock = log, clock
        self._options = options or ReceiverOptions()
        self._deadline = Deadline(self._options.append_limit_s)
        self.arriving = 0  # bodies of which a part is still to come: who stops the server waits for them
        self.refused: dict[str, tuple[int, str]] = {}  # by integration: how many requests, and why the last one
        self._recent: dict[str, datetime] = {}
        self._older: dict[str, datetime] = {}
        self.integrations = integrations
        self._ports = {one.name: _port(one, adapter) for one, adapter in integrations.pairs()}

    def routes(self) -> tuple[Route, ...]:
        """The receivers' routes. A GET is answered 405 without any effect, unless it is how a sender sends."""
        paths = ("/v1/webhooks/{integration}", "/v1/webhooks/{integration}/{token}", "/v1/webhooks")
        named = {f"/v1/webhooks/{name}": partial(self._receive_at, port) for name, port in self._ports.items()}
        taking = [
            route
            for method in ("POST", "PUT")
            for route in (
                Route(method, paths[0], Permission.INGEST, self._receive_named, named),
                Route(method, paths[1], Permission.INGEST, self._receive_named),
                Route(method, paths[2], Permission.INGEST, self._receive_unnamed),
            )
        ]
        getting = [Route("GET", path, Permission.INGEST, self._receive_query) for path in paths[:2]]
        refusing = [Route("GET", paths[2], Permission.PUBLIC, _not_allowed)]
        refusing += [Route("HEAD", path, Permission.PUBLIC, _not_allowed) for path in paths]
        return (*taking, *getting, *refusing)

    def lanes(self, authenticator: Authenticator | None = None) -> dict[str, Lane]:
        """The short ways to the integrations."""
        who = authenticator or LocalOperator()
        return {
            f"/v1/webhooks/{name}": partial(self._receive_plain, port, who)
            for name, port in self._ports.items()
            if port.adapter.success is None
        }

    async def keep(self, request: web.Request, body: bytes, integration: str, path: str | None) -> Record:
        """Take a request in for an integration: its record, once it is durable. For who answers in other words.

        `path` is kept with it: what its sender says by the address alone.

        Raises:
            Problem: the body is too large, or nothing proves where it comes from.
            LogUnavailable: not durable in time.
        """
        port = self._ports[integration]
        if len(body) > self._options.body_limit:
            raise _too_large(self._options.body_limit)
        principal = await self.admitted(request, body, integration)
        read = self._request(request.headers, body, principal, port, request.method, _query_of(request))
        if path is not None:
            read = msgspec.structs.replace(read, path=path)
        record = await self._append(read, port, principal)
        if isinstance(record, Delivery):
            self._is_known(record)
            telemetry.DELIVERIES.labels(port.integration.source, record.outcome).inc()
        return record

    async def body_of(self, request: web.Request) -> bytes:
        """The whole body of a request.

        Raises:
            Problem: it is too large.
        """
        return await self._read_on(request)

    async def _receive_plain(self, port: _Port, who: Authenticator, headers: Mapping[str, str], body: bytes) -> bytes:
        if len(body) > self._options.body_limit:
            raise _too_large(self._options.body_limit)
        principal = await self._admit(port, Shown(headers, body), await who.authenticate(headers))
        return await self._take(self._request(headers, body, principal, port), port, principal, told=port.adapter.own)

    async def admitted(self, request: web.Request, body: bytes, integration: str) -> Principal:
        """For whom a request to an integration is taken; also for servers that answer in other words.

        Raises:
            Problem: 401 or 403; LogUnavailable: it cannot be told now.
        """
        parts = request.match_info
        shown = Shown(request.headers, body, parts.get("token") or parts.get("key"))
        return await self._admit(self._ports[integration], shown, request.get(PRINCIPAL))

    async def _admit(self, port: _Port, shown: Shown, principal: Principal | None) -> Principal:
        """For whom it is taken; see `ingest/proof/admission.py`."""
        name, keys = port.integration.name, port.integration.keys
        if keys is None and principal is LOCAL_OPERATOR:
            return LOCAL_OPERATOR
        try:
            return await admit(name, keys, shown, principal, self._clock())
        except Problem as problem:
            self.refused[name] = self.refused.get(name, (0, ""))[0] + 1, problem.detail
            raise

    async def test(self, integration: str, principal: str) -> str | None:
        """Take a test delivery, as a person asks for it; gives its id once it is durable, None for no integration.

        Raises:
            LogUnavailable: not durable in time.
        """
        port = self._ports.get(integration)
        if port is None:
            return None
        headers = {"content-type": "application/json", "idempotency-key": f"test {uuid4().hex}", TEST: "1"}
        read = Request(body=b'{"test": true}', headers=headers, received_at=self._clock())
        by = Principal(principal, frozenset((Permission.INGEST,)))
        told: dict[str, str] = orjson.loads(await self._take(read, port, by, told=False))
        return told["delivery"]

    async def _receive_named(self, request: web.Request) -> web.Response:
        return await self._receive_at(self._port_of(request.match_info["integration"], request), request)

    def _port_of(self, name: str, request: web.Request) -> _Port:
        """The integration of a name; who may not deliver anywhere does not learn which there are."""
        port = self._ports.get(name)
        if port is None:
            raise unknown(name, request.get(PRINCIPAL))
        return port

    async def _receive_at(self, port: _Port, request: web.Request) -> web.Response:
        content = request.content
        # mostly the whole body has come with its headers
        body = content.read_nowait(-1) if content.is_eof() else await self._read_on(request)
        reply = await self._take_from(request, body, port, told=port.adapter.own)
        return Receipt(reply) if port.adapter.success is None else _success(port.adapter.success, reply)

    async def _receive_query(self, request: web.Request) -> web.Response:
        """A delivery that is all query. Browsers come by with any address that a page names: they get nothing done."""
        port = self._ports.get(request.match_info["integration"])
        if port is None or not port.adapter.gets or not request.query_string or "Sec-Fetch-Mode" in request.headers:
            return await _not_allowed(request)
        return await self._receive_at(port, request)

    async def _receive_unnamed(self, request: web.Request) -> web.Response:
        body = await self._read_on(request)
        if len(body) > self._options.body_limit:
            raise _too_large(self._options.body_limit)
        detected = detect(self._request(request.headers, body, LOCAL_OPERATOR, None))
        port = self._port_of(detected.name if detected is not None else "generic", request)
        # what looks like nobody's is kept in quarantine: it may be a vendor's body, and vendors do not retry a 4xx
        told = detected is not None and port.adapter.own
        return Receipt(await self._take_from(request, body, port, told=told))

    async def _take_from(self, request: web.Request, body: bytes, port: _Port, *, told: bool) -> bytes:
        """Take a request for whom it comes from."""
        if len(body) > self._options.body_limit:
            raise _too_large(self._options.body_limit)
        principal = await self.admitted(request, body, port.integration.name)
        read = self._request(request.headers, body, principal, port, request.method, _query_of(request))
        return await self._take(read, port, principal, told=told)

    def _request(
        self,
        headers: Mapping[str, str],
        body: bytes,
        principal: Principal,
        port: _Port | None,
        method: str = "POST",
        query: str | None = None,
    ) -> Request:
        """What an adapter may see: nothing that proves where it comes from."""
        options = self._options
        kept = kept_headers(headers.items())
        if port is not None and port.integration.keys is not None:
            for name in port.integration.keys.hidden:
                kept.pop(name, None)
        return Request(
            body=body,
            headers=with_marks(kept, headers.items()) if options.recorded_time else kept,
            received_at=self._received_at(headers.get(_RECEIVED_AT)) if options.recorded_time else self._clock(),
            method=method,
            query=query,
            ticks=options.recorded_time,
            commands=Permission.WRITE in principal.permissions,
        )

    async def _read_on(self, request: web.Request) -> bytes:
        """Read a body that is still coming, counting: its length may be missing, or wrong once unpacked."""
        limit, content = self._options.body_limit, request.content
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        self.arriving += 1
        try:
            while size <= limit and (part := await content.readany()):
                parts.append(part)
                size += len(part)
        finally:
            self.arriving -= 1
        return b"".join(parts)

    def _received_at(self, text: str | None) -> datetime:
        if text is None:
            return self._clock()
        try:
            moment = read_time(text)
        except BadTime as error:
            raise _refusal("bad_time", Problem(400, f"{RECEIVED_AT} is not a time", str(error))) from error
        if moment is None:
            raise _refusal("bad_time", Problem(400, f"{RECEIVED_AT} is not a time", "empty"))
        return moment

    async def _take(self, read: Request, port: _Port, principal: Principal, *, told: bool) -> bytes:
        """Make the record, append it, give the reply; `told`: the sender is told with 422 that nothing could be read.

        Raises:
            Problem: that 422.
            LogUnavailable: not durable in time; it may become so, and a second copy will be known by its id.
        """
        record = await self._append(read, port, principal)
        if isinstance(record, Delivery) and record.outcome is Outcome.ACCEPTED:
            port.accepted.count += 1
            reply = _KNOWN if self._is_known(record) else _NEW
            return reply % (record.id.encode(), len(record.events))
        return self._answer_the_rest(record, port, told=told)

    async def _append(self, read: Request, port: _Port, principal: Principal) -> Record:
        record = take(read, port.integration, port.adapter, principal.name)
        began = monotonic()
        try:
            with self._deadline:
                await self._log.append(port.integration.stream, encode(record))
        except TimeoutError as error:
            telemetry.REFUSALS.labels("log_slow").inc()
            raise LogUnavailable(f"not durable within {self._options.append_limit_s:g} s") from error
        except LogUnavailable:
            telemetry.REFUSALS.labels("log_unavailable").inc()
            raise
        telemetry.APPEND_SECONDS.observe(monotonic() - began)
        if self._options.on_delivery is not None:
            self._options.on_delivery(record)
        port.body_bytes.count += len(read.body)
        return record

    def _answer_the_rest(self, record: Record, port: _Port, *, told: bool) -> bytes:
        """Answer what was not plainly accepted."""
        outcome = record.outcome if isinstance(record, Delivery) else str(record.__struct_config__.tag)
        telemetry.DELIVERIES.labels(port.integration.source, outcome).inc()
        if not isinstance(record, Delivery):
            return _CONTROL_REPLY
        known, count = self._is_known(record), len(record.events)
        rejected = msgspec.to_builtins(record.rejected)
        quarantined = record.outcome is Outcome.QUARANTINED
        if quarantined and told:
            raise Problem(
                422, "Nothing in it could be read", record.reason or "", delivery=record.id, rejected=rejected
            )
        reply = {
            "delivery": record.id,
            "accepted": 0 if known else count,
            "duplicates": count if known else 0,
            "quarantined": int(quarantined),
            "rejected": rejected,
        }
        return orjson.dumps(reply)

    def _is_known(self, record: Delivery) -> bool:
        """Whether a copy came within the last minute, as far as this process remembers; remembers this one."""
        identifier, now = record.id, record.received_at
        before = self._recent.get(identifier) or self._older.get(identifier)
        self._recent[identifier] = now
        if len(self._recent) >= _MOST_REMEMBERED:
            self._older, self._recent = self._recent, {}
        return before is not None and now - before <= _REMEMBERED


def _port(integration: Integration, adapter: Adapter) -> _Port:
    source = integration.source
    accepted = telemetry.Tally(telemetry.DELIVERIES.labels(source, Outcome.ACCEPTED))
    return _Port(integration, adapter, accepted, telemetry.Tally(telemetry.BODY_BYTES.labels(source)))


def _query_of(request: web.Request) -> str | None:
    return redacted_query(request.rel_url.raw_query_string) if "?" in request.raw_path else None


def _success(text: str, reply: bytes) -> web.Response:
    """The text that a sender takes for success, and for nothing else; the delivery's id goes beside it."""
    told = orjson.loads(reply)["delivery"]
    return web.Response(text=text, headers={DELIVERY: told} if told else None)


async def _not_allowed(request: web.Request) -> NoReturn:
    raise Problem(405, "Post webhooks here", headers={"Allow": "POST, PUT"})


def _too_large(limit: int) -> Problem:
    return _refusal("too_large", Problem(413, "The body is too large", f"the limit is {limit} bytes"))


def _refusal(reason: str, problem: Problem) -> Problem:
    telemetry.REFUSALS.labels(reason).inc()
    return problem
