"""`serve`: receivers, pages and API in this process, the correlator in another. Ctrl-C and SIGTERM drain.

Everything that is opened is closed again in reverse order, each step with its name in the log when it fails.
"""

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from io import RawIOBase
from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from alertline.clock import now
from alertline.config import Settings
from alertline.configuring import configuration_of
from alertline.errors import AlertlineError
from alertline.eventlog.port import EventLog
from alertline.store.reader import StoreReader
from alertline.web.access import LocalOperator
from alertline.web.health import health_routes
from alertline.web.routes import Route, add_routes, add_unknown_routes
from alertline.wiring.collecting import little_collecting
from alertline.wiring.commanding import LoggedOrders
from alertline.wiring.configuring import InForce, configure, streams_of
from alertline.wiring.correlator import CorrelatorProcess
from alertline.wiring.embedded import DataFolder
from alertline.wiring.integrations import integrations_of
from alertline.wiring.listening import BACKLOG, listen, named
from alertline.wiring.reading import StoredIncidents
from ingest.integrations import Integrations
from ingest.receivers import Receiver, ReceiverOptions
from ingest.recording import line_of
from review.pages import browser_errors, review_routes
from review.streaming import STREAMS, end_streams
from schemas.configuration import Configuration
from schemas.records import Record

__all__ = ["ServeOptions", "build_app", "serving"]

log = structlog.get_logger(__name__)


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What only a command says, not a configuration.

    Attributes:
        recorded_time: senders say when their delivery was received; log time runs by deliveries alone.
        record: file to write every delivery to, as a recording.
        config: the configuration file, for the correlator's own process.
    """

    recorded_time: bool = False
    record: Path | None = None
    config: Path | None = None


def build_app(*, routes: list[Route], recorded_time: bool, max_body: int) -> web.Application:
    """The HTTP application: every route behind its permission, and one way to say what is wrong.

    It has no middlewares: each would cost every webhook its share. Refusals become pages where people read.
    """
    app = web.Application(client_max_size=max_body)
    shown = browser_errors(recorded_time=recorded_time)
    add_routes(app, routes, LocalOperator(), shown=shown)
    add_unknown_routes(app, shown=shown)
    app[STREAMS] = set()
    app.on_shutdown.append(end_streams)
    app.cleanup_ctx.append(_with_little_collecting)
    return app


async def _with_little_collecting(_: web.Application) -> AsyncIterator[None]:
    with little_collecting():
        yield


@asynccontextmanager
async def serving(settings: Settings, options: ServeOptions) -> AsyncIterator[str]:
    """Run the whole service; gives its address once it takes deliveries.

    Raises:
        AlertlineError: the folder is in use, the address is taken, or a setting does not fit.
    """
    integrations, configuration = integrations_of(settings), configuration_of(settings)
    folder = DataFolder(settings.data)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        listener = _bind(settings, stack)
        record = _recorder(options.record, stack)
        # first of all: it starts while the rest is opened here
        correlator = CorrelatorProcess(_arguments(settings, options))
        await correlator.start()
        stack.push_async_callback(named, "correlator", correlator.stop)
        events = await folder.open_log()
        stack.push_async_callback(named, "event log", events.close)
        engine = await folder.open_store()
        stack.push_async_callback(named, "store", engine.dispose)
        store = StoreReader(engine)
        in_force = await configure(
            events, store, configuration, streams_of(settings), None if options.recorded_time else now()
        )
        _tell(in_force, record)
        receiver = _receiver(settings, options, events, integrations, record)
        reader = StoredIncidents(store, events)
        orders = LoggedOrders(events, store, integrations, now, recorded_time=options.recorded_time, on_delivery=record)
        routes = [
            *receiver.routes(),
            *review_routes(reader, orders, recorded_time=options.recorded_time),
            *health_routes(lambda: _missing(correlator)),
        ]
        app = build_app(routes=routes, recorded_time=options.recorded_time, max_body=settings.max_body)
        yield await listen(app, listener, receiver, stack)


def _tell(in_force: InForce, record: Callable[[Record], None] | None) -> None:
    """Say what changed; what is recorded begins with what holds, unless that is what holds anywhere."""
    if in_force.changed:
        log.info("configuration.changed", digest=in_force.records[0].digest, streams=in_force.changed)
    for each in in_force.records:
        if record is not None and each.configuration != Configuration():
            record(each)


def _receiver(
    settings: Settings,
    options: ServeOptions,
    events: EventLog,
    integrations: Integrations,
    record: Callable[[Record], None] | None,
) -> Receiver:
    chosen = ReceiverOptions(body_limit=settings.max_body, recorded_time=options.recorded_time, on_delivery=record)
    return Receiver(events, integrations, now, chosen)


def _recorder(path: Path | None, stack: AsyncExitStack) -> Callable[[Record], None] | None:
    if path is None:
        return None
    try:
        file = stack.enter_context(
            path.open("ab", buffering=0)
        )  # every line is in the file when the sender is answered
    except OSError as error:
        raise AlertlineError(f"cannot record to {path}: {error.strerror}") from error
    return lambda record: _write(file, record)


def _write(file: RawIOBase, record: Record) -> None:
    try:
        file.write(line_of(record))
    except OSError as error:  # the delivery is durable: its sender must not be told otherwise
        log.error("recording.failed", reason=error.strerror)  # noqa: TRY400 - a full disk needs no traceback


async def _missing(correlator: CorrelatorProcess) -> Mapping[str, str]:
    return {} if correlator.problem is None else {"correlator": correlator.problem}


def _bind(settings: Settings, stack: AsyncExitStack) -> socket.socket:
    """Take the address before anything is started: that it is taken is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)  # what comes before we are ready waits
    except OSError as error:
        raise AlertlineError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another with --port"
        ) from error
    return listener


def _arguments(settings: Settings, options: ServeOptions) -> list[str]:
    arguments = ["--data", settings.data, "--log-format", settings.log_format]
    if options.config is not None:
        arguments += ["--config", str(options.config)]
    if options.recorded_time:
        arguments.append("--recorded-time")
    return arguments
