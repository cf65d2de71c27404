"""Commands over HTTP: who gives one, how it reaches the log, and what is answered.

Every route that writes does the same: it reads who asks and what (`asked_by`), lets a command be appended
(`Orders.give`), waits for the stream's writer (`Orders.outcome`), and answers with what was decided. What is not
decided within 5 s is answered 202, with the address at which the outcome will stand.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NoReturn, Protocol
from urllib.parse import quote

import msgspec
import orjson
from aiohttp import web

from alertline.eventlog.port import Position
from alertline.store.port import CommandOutcome, DeliveryRow
from alertline.web.access import PRINCIPAL, Permission
from alertline.web.problems import RETRY_AFTER_S, Problem
from alertline.web.routes import Route
from review.answers import json_answer
from review.queries import refused
from review.reading import Reader

__all__ = [
    "RECEIVED_AT",
    "By",
    "Given",
    "Orders",
    "StillUnreadable",
    "accepted",
    "asked_by",
    "command_routes",
    "known",
    "said_in",
]

RECEIVED_AT: Final = "Alertline-Received-At"
_MOST: Final = 500  # characters of a name or a reason
_LONGEST_KEY: Final = 200


class By(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for something, and how.

    Attributes:
        principal: for whom the handler acts; actor: as it is shown.
        key: makes the same request known again; None: every request is another one.
        at: when it was received, as the sender says; believed on recorded time only.
    """

    principal: str
    actor: str
    reason: str | None = None
    key: str | None = None
    at: datetime | None = None


class Given(msgspec.Struct, frozen=True):
    """A command that is durable: its id, and where it lies."""

    command: str
    position: Position


class StillUnreadable(Exception):
    """Read again with today's adapter, nothing came out of it; nothing was appended."""

    def __init__(self, reason: str, rejected: list[dict[str, object]]) -> None:
        super().__init__(reason)
        self.rejected = rejected


class Orders(Protocol):
    """Writes commands to the log, and waits for what the stream's writer makes of them.

    Each method may raise LogUnavailable: not durable in time; the same request may be made again.
    """

    async def give(self, command: Mapping[str, object], stream: str, by: By) -> Given:
        """Append a command: its name and what it needs (or an entry, by its `type`); who gives it, and why, is added.

        Raises:
            Problem: 422, it says something that no command can say.
        """
        ...

    async def replay(self, row: DeliveryRow, by: By) -> Given:
        """Append a delivery of the quarantine as a new one, read with today's adapter.

        Raises:
            StillUnreadable: nothing that waits could be read; Problem: 404, the body is no longer kept.
        """
        ...

    async def outcome(self, given: Given) -> DeliveryRow | None:
        """What was decided; None if nothing was within 5 s."""
        ...

    def id_of(self, key: str, integration: str = "alertline") -> str:
        """The id of the command that a key makes."""
        ...


async def asked_by(request: web.Request) -> By:
    """Who asks, from the principal, the body (JSON or a form) and the headers.

    A name in the body counts while nobody is signed in; whoever is acts under their own.

    Raises:
        Problem: 400 for a body that is no object, 422 for a field that is no text.
    """
    said, principal = await said_in(request), request[PRINCIPAL]
    named = _text(said, "actor") if principal.shared else None
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > _LONGEST_KEY:
        raise Problem(400, "The Idempotency-Key is too long", f"at most {_LONGEST_KEY} characters are allowed")
    return By(
        principal=principal.name,
        actor=named or principal.name,
        reason=_text(said, "reason"),
        key=f"{request.method} {request.path} {key}" if key else None,
        at=_received_at(request),
    )


async def said_in(request: web.Request) -> Mapping[str, object]:
    """The body of a request: a form, or a JSON object; nothing is an empty one.

    Raises:
        Problem: 400, it is neither.
    """
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return dict(await request.post())
    body = await request.read()
    try:
        said = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Problem(400, "The body is not JSON", str(error)) from error
    if not isinstance(said, dict):
        raise Problem(400, "The body is no object", 'such as {"actor": "ana", "reason": "a test"}')
    return said


def _text(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > _MOST):
        raise Problem(422, "A field is wrong", f"{name}: a text of at most {_MOST} characters", pointer=f"/{name}")
    return value.strip() or None if value is not None else None


def _received_at(request: web.Request) -> datetime | None:
    text = request.headers.get(RECEIVED_AT)
    if text is None:
        return None
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise refused(RECEIVED_AT, "a time with its zone is needed") from error


def known(orders: Orders, by: By, command: str, integration: str = "alertline") -> bool:
    """Whether a command that was given before is this very request, asked again."""
    return by.key is not None and orders.id_of(by.key, integration) == command


def accepted(given: Given, row: DeliveryRow | None) -> DeliveryRow:
    """The outcome of a command that was carried out.

    Raises:
        Problem: 409, it was decided otherwise; 412, somebody else changed the thing first.
        Waiting: it is not decided yet.
    """
    if row is None:
        raise Waiting(given.command)
    for outcome in row.commands:
        if not outcome.accepted:
            _refuse(outcome)
    return row


def _refuse(outcome: CommandOutcome) -> NoReturn:
    if outcome.lost:
        raise Problem(412, "Somebody was first", outcome.reason or "")
    raise Problem(409, "Not carried out", outcome.reason or "")


class Waiting(Exception):
    """A command is durable and not decided yet: 202, with the address of its outcome."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.command = command

    def answer(self) -> web.Response:
        """The 202."""
        headers = {"Location": f"/v1/commands/{quote(self.command, safe='')}", "Retry-After": str(RETRY_AFTER_S)}
        response = json_answer({"command": self.command, "state": "waiting"}, headers=headers)
        response.set_status(202)
        return response


def command_routes(reader: Reader) -> list[Route]:
    """Where the outcome of a command stands."""

    async def outcome(request: web.Request) -> web.Response:
        command = request.match_info["id"]
        rows = [row for row in await reader.delivery(command) if row.duplicate_of is None]
        if not rows:
            told = "one that was given a moment ago is decided soon: ask again"
            raise Problem(404, "No such command was decided", told, headers={"Retry-After": str(RETRY_AFTER_S)})
        return json_answer(public_outcome(rows[0]))

    return [Route("GET", "/v1/commands/{id}", Permission.READ, outcome)]


def public_outcome(row: DeliveryRow) -> dict[str, object]:
    """What became of the commands of a delivery."""
    outcomes = msgspec.to_builtins(row.commands)
    return {"command": row.id, "state": "decided", "received_at": row.received_at, "outcomes": outcomes}
