"""`quarantine`: what could not be read, also beside a running server."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from alertline.cli.options import installation_options, settings_from
from alertline.config import Settings
from alertline.errors import AlertlineError

if TYPE_CHECKING:
    from alertline.store.port import Held
    from review.commanding import By
    from review.quarantine import Desk
    from schemas.records import Delivery

__all__ = ["quarantine"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_form_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is printed.",
)
_offset_option = click.option("--offset", type=int, help="Which copy, where the delivery came several times.")
_actor_option = click.option("--actor", help="Who does it [the user of this terminal].")


@click.group()
def quarantine() -> None:
    """List, show, replay or discard deliveries that could not be read, or in part only."""


@quarantine.command("list")
@click.option(
    "--state",
    type=click.Choice(["open", "replayed", "discarded", "all"]),
    default="open",
    show_default=True,
    help="Only those; open are the ones that wait.",
)
@click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many, newest first."
)
@_form_option
@installation_options
def quarantine_list(state: str, limit: int, form: str, **where: Any) -> None:
    """List the deliveries that could not be read, newest first.

    \b
    alertline quarantine list
    alertline quarantine list --state all --format json | jq .reason
    """
    from review.quarantine import public_held
    from schemas.vocabulary import HeldState

    wanted = None if state == "all" else HeldState(state)

    async def read(desk: "Desk") -> "list[Held]":
        return list((await desk.reader.quarantine(wanted, None, limit))[0])

    for held in _run(where, read):
        click.echo(orjson.dumps(public_held(held)).decode() if form == "json" else "\n".join(_lines(held)))


@quarantine.command("show")
@click.argument("delivery_id", metavar="ID")
@_offset_option
@click.option("--raw", is_flag=True, help="Only the body, byte for byte.")
@installation_options
def quarantine_show(delivery_id: str, offset: int | None, raw: bool, **where: Any) -> None:
    """Show one delivery: why it could not be read, its headers without secrets, its whole body.

    \b
    alertline quarantine show d_0123
    alertline quarantine show d_0123 --raw > body.bin
    """

    async def read(desk: "Desk") -> "tuple[Held, Delivery | None]":
        held = await _found(desk, delivery_id, offset)
        return held, await desk.reader.kept(held.delivery)

    held, record = _run(where, read)
    if record is None:
        raise AlertlineError("the body is not kept")
    if raw:
        click.echo(record.raw, nl=False)
        return
    for line in (*_lines(held), *_whole(record)):
        click.echo(line)


@quarantine.command("replay")
@click.argument("delivery_id", metavar="ID")
@_offset_option
@_actor_option
@click.option("--reason", help="Why.")
@installation_options
def quarantine_replay(
    delivery_id: str, offset: int | None, actor: str | None, reason: str | None, **where: Any
) -> None:
    """Read a delivery again with this version's adapters, as a new one with the receive time of the old one.

    Of a batch that was read in part only the items that could not be read are taken. What is still unreadable stays
    where it is, and nothing is written.

    \b
    alertline quarantine replay d_0123
    """
    _dispose(where, delivery_id, offset, lambda desk, held: desk.replay(held, _by(actor, reason)))


@quarantine.command("discard")
@click.argument("delivery_id", metavar="ID")
@_offset_option
@_actor_option
@click.option("--reason", required=True, help="Why nobody needs it.")
@click.option("--recorded-time", is_flag=True, help="The server plays recorded time: log time stays where it is.")
@installation_options
def quarantine_discard(
    delivery_id: str,
    offset: int | None,
    actor: str | None,
    reason: str,
    recorded_time: bool,
    **where: Any,
) -> None:
    """Put a delivery aside for good. It stays in the log, with your name and the reason.

    \b
    alertline quarantine discard d_0123 --reason "a test of the sender's"
    """
    _dispose(
        where,
        delivery_id,
        offset,
        lambda desk, held: desk.discard(held, _by(actor, reason)),
        recorded_time=recorded_time,
    )


def _dispose(
    where: dict[str, Any],
    delivery_id: str,
    offset: int | None,
    dispose: "Callable[[Desk, Held], Awaitable[Held]]",
    *,
    recorded_time: bool = False,
) -> None:
    """Do something with a delivery, and say how it stands then."""
    from alertline.web.problems import Problem
    from review.commanding import Waiting

    async def act(desk: "Desk") -> "Held":
        return await dispose(desk, await _found(desk, delivery_id, offset))

    try:
        held = _run(where, act, recorded_time=recorded_time)
    except Problem as problem:
        raise AlertlineError(f"{problem.title.lower()}: {problem}") from problem
    except Waiting as waiting:
        raise AlertlineError(f"{waiting.command} is in the log, but no server has applied it yet") from waiting
    for line in _lines(held):
        click.echo(line)


def _by(actor: str | None, reason: str | None) -> "By":
    from alertline.web.access import LOCAL_OPERATOR
    from review.commanding import By

    return By(principal=LOCAL_OPERATOR.name, actor=actor or getpass.getuser(), reason=reason)


async def _found(desk: "Desk", delivery_id: str, offset: int | None) -> "Held":
    held = await desk.reader.held(delivery_id, offset)
    if held is None:
        raise AlertlineError(f"no delivery {delivery_id} is in quarantine")
    return held


_Result = TypeVar("_Result")


def _run(
    where: dict[str, Any],
    work: "Callable[[Desk], Awaitable[_Result]]",
    *,
    recorded_time: bool = False,
) -> _Result:
    settings = settings_from(**where)

    async def run() -> _Result:
        async with _desk(settings, recorded_time=recorded_time) as desk:
            return await work(desk)

    return asyncio.run(run())


@asynccontextmanager
async def _desk(settings: Settings, *, recorded_time: bool) -> "AsyncIterator[Desk]":
    """The quarantine, wherever the installation has its log and its store."""
    from alertline.clock import now
    from alertline.store.reader import StoreReader
    from alertline.wiring.commanding import LoggedOrders
    from alertline.wiring.embedded import folder_of
    from alertline.wiring.integrations import integrations_of
    from alertline.wiring.reading import StoredIncidents
    from review.quarantine import Desk

    integrations, folder = integrations_of(settings), folder_of(settings)
    folder.require()
    log = await folder.open_events()
    try:
        engine = await folder.open_store()
        try:
            with folder.store_errors():
                store = StoreReader(engine)
                orders = LoggedOrders(log, store, integrations, now, recorded_time=recorded_time)
                yield Desk(StoredIncidents(store, log), orders)
        finally:
            await engine.dispose()
    finally:
        await log.close()


def _lines(held: "Held") -> Iterator[str]:
    row = held.delivery
    yield f"{row.id}  {row.received_at:%Y-%m-%d %H:%M:%S}  {row.integration}  {held.state}  (offset {row.offset})"
    yield f"  {row.reason or 'no reason recorded'}"
    if row.outcome == "partial":
        for item in row.unread:
            yield f"  item {item.index}, {item.pointer or 'the item'}: {item.reason}"
    if (handled := held.handled) is not None:
        name = f"as {handled.command} " if held.state == "replayed" else ""
        why = f": {handled.reason}" if handled.reason else ""
        yield f"  {held.state} {name}by {handled.actor or 'somebody'}, {handled.at:%Y-%m-%d %H:%M:%S}{why}"


def _whole(record: "Delivery") -> Iterator[str]:
    yield ""
    yield f"{record.method} {record.path or '/v1/webhooks/' + record.integration}"
    for name, value in record.headers.items():
        yield f"{name}: {value}"
    yield ""
    yield record.body if record.body is not None else f"{len(record.raw)} bytes that are no text: see --raw"
