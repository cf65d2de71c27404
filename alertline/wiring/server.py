"""`serve`: receivers, pages and API in this process, the correlator in another; `ingest` and `review`: one part each.

Ctrl-C and SIGTERM drain. Everything that is opened is closed again in reverse order, each step with its name in the log
when it fails.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from io import RawIOBase
from pathlib import Path

import msgspec
import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline import telemetry
from alertline.clock import now
from alertline.cluster import Role
from alertline.config import Settings
from alertline.configuring import configuration_of
from alertline.durations import parse_duration
from alertline.errors import AlertlineError, SettingError
from alertline.eventlog.kafka_connecting import ConnectingLog
from alertline.eventlog.port import Appends, EventLog, LogUnavailable
from alertline.store.engine import open_engine
from alertline.store.reader import StoreReader
from alertline.store.reports import ReportReader
from alertline.store.tokens import TokenStore
from alertline.web.access import Permission
from alertline.web.health import Exposition, health_routes, no_more
from alertline.web.routes import Route, add_routes, add_unknown_routes
from alertline.wiring.access import Access, open_access
from alertline.wiring.closing import named
from alertline.wiring.collecting import little_collecting
from alertline.wiring.commanding import LoggedOrders
from alertline.wiring.configuring import InForce, configure, streams_of
from alertline.wiring.connections import folder_of, open_events, open_spool
from alertline.wiring.correlator import CorrelatorProcess
from alertline.wiring.fetching import receiving_from_sns
from alertline.wiring.integrations import integrations_of
from alertline.wiring.keys import keys_of
from alertline.wiring.listening import Draining, bound, listen
from alertline.wiring.missing import teller_of_missing
from alertline.wiring.reading import StoredIncidents
from alertline.wiring.senders import LookedAt, since_when
from ingest.integrations import Integrations
from ingest.proof.admission import Keys
from ingest.receivers import Receiver, ReceiverOptions
from ingest.recording import line_of
from ingest.servers.routes import let_in, server_routes
from review.pages import browser_errors, review_routes
from review.reports.prometheus import report_exposition
from review.reports.routes import report_routes
from review.streaming import STREAMS, Streams, end_streams
from schemas.configuration import Configuration
from schemas.records import Record

__all__ = ["ServeOptions", "build_app", "routes_of", "serving"]

log = structlog.get_logger(__name__)


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What only a command says, not a configuration.

    Attributes:
        role: which part of the service this process is.
        recorded_time: senders say when their delivery was received; log time runs by deliveries alone.
        record: file to write every delivery to, as a recording.
        config: the configuration file, for the correlator's own process.
        link: the secret of the sign-in link that is printed at this start.
    """

    role: Role = Role.SERVE
    recorded_time: bool = False
    record: Path | None = None
    config: Path | None = None
    link: str | None = None


def build_app(
    *, routes: list[Route], recorded_time: bool, max_body: int, access: Access | None = None
) -> web.Application:
    """The HTTP application: every route behind its permission, and one way to say what is wrong.

    It has no middlewares: each would cost every webhook its share. Refusals become pages where people read.
    """
    app = web.Application(client_max_size=max_body)
    shown = browser_errors(recorded_time=recorded_time)
    access = access or Access()
    add_routes(app, routes, access.authenticator, hosts=access.hosts, shown=shown)
    add_unknown_routes(app, shown=shown)
    app[STREAMS] = Streams()
    app.on_shutdown.append(end_streams)
    app.cleanup_ctx.append(_with_little_collecting)
    return app


def routes_of(receiver: Receiver | None, shown: Sequence[Route], health: Sequence[Route]) -> list[Route]:
    """Every route of a process; the page of routes and the tests of access walk what this gives.

    Args:
        shown: what `review` offers; empty where nothing is shown. What of it is for senders is let in as deliveries
            are, and is there where deliveries are taken.
    """
    ours = [each for each in shown if each.permission is not Permission.INGEST]
    if receiver is None:
        return [*ours, *health]
    senders = (let_in(receiver, each) for each in shown if each.permission is Permission.INGEST)
    return [*receiver.routes(), *server_routes(receiver), *senders, *ours, *health]


async def _with_little_collecting(_: web.Application) -> AsyncIterator[None]:
    with little_collecting():
        yield


class _House:
    """One server process while it is put together.

    Attributes:
        access: who may do what; keys: how senders are known; shown: what `review` offers, where it is offered.
        taking: what takes deliveries, also the tests that people ask for; missing, notes: who tells what is wrong.
        exposition: the metrics of reports, where they are offered.
    """

    def __init__(
        self,
        settings: Settings,
        options: ServeOptions,
        decided: tuple[Mapping[str, Keys], Integrations, Configuration],
        stack: AsyncExitStack,
    ) -> None:
        self.keys, self.integrations, self.configuration = decided
        self.settings, self.options, self.stack = settings, options, stack
        self.record = _recorder(options.record, stack)
        self.draining = Draining(
            0.0 if options.role is Role.SERVE else parse_duration(settings.drain, "drain").total_seconds()
        )
        self.access = Access()
        self.taking: Receiver | None = None
        self.shown: list[Route] = []
        self.exposition: Exposition = no_more
        self.missing: dict[str, Callable[[], str | None]] = {
            "server": lambda: "stopping" if self.draining.begun else None
        }
        self.notes: dict[str, Callable[[], str | None]] = {}

    async def correlator(self) -> None:
        """Start the correlator's own process."""
        process = CorrelatorProcess(_arguments(self.settings, self.options), _environment(self.settings))
        self.missing["correlator"] = lambda: process.problem
        await process.start()
        self.stack.push_async_callback(named, "correlator", process.stop)

    async def log(self) -> EventLog:
        """Open the event log."""
        events = await open_events(self.settings, self.stack)
        if isinstance(events, ConnectingLog):
            self.notes["kafka"] = lambda: events.problem
        return events

    async def review(self, events: EventLog) -> None:
        """Open the store, and show what is in it."""
        engine = await self._store()
        store, recorded = StoreReader(engine), self.options.recorded_time
        if self.options.role is Role.SERVE:
            await self._configure(events, store)
        orders = LoggedOrders(events, store, self.integrations, now, recorded_time=recorded, on_delivery=self.record)
        reader = StoredIncidents(store, events)
        since = await since_when(TokenStore(engine), self.keys, now)
        self.shown = review_routes(
            reader,
            orders,
            senders=LookedAt(events, self.integrations, lambda: self.taking, since),
            recorded_time=recorded,
            sessions=self.access.sessions,
            notices=self._notices,
        )
        reports = ReportReader(engine)
        self.shown += report_routes(reports, recorded_time=recorded, notices=self._notices)
        self.exposition = report_exposition(reports)

    async def _store(self) -> AsyncEngine:
        """Open the store, and know the tokens in it."""
        folder = folder_of(self.settings)
        if self.options.role is Role.INGEST and self.settings.database:
            # it takes deliveries while the database is away, and makes no tables
            engine = open_engine(folder.store_url)
        else:
            if not self.settings.database:
                folder.create()
            engine = await folder.open_store()
        self.stack.push_async_callback(named, "store", engine.dispose)
        self.access = open_access(self.settings, engine, self.options.link, self.stack)
        return engine

    def _notices(self) -> list[str]:
        """What the pages say besides: deliveries that wait, a cluster that is away."""
        return [said for tell in self.notes.values() if (said := tell()) is not None]

    async def _configure(self, events: EventLog, store: StoreReader) -> None:
        moment = None if self.options.recorded_time else now()
        try:
            in_force = await configure(events, store, self.configuration, streams_of(self.settings), moment)
        except LogUnavailable as error:
            if not isinstance(events, ConnectingLog):
                raise
            log.warning("configuration.later", reason=str(error))  # the correlator sees to it when it can
        else:
            _tell(in_force, self.record)

    async def receiver(self, events: EventLog) -> Receiver:
        """Take deliveries: to the log, by way of the spool where the log may be away."""
        if self.options.role is Role.INGEST:
            await self._store()
        behind: Appends = events
        if isinstance(events, ConnectingLog):
            # on recorded time nobody knows which time of the recording was refused
            telling = None if self.options.recorded_time else teller_of_missing(self.integrations, now)
            behind = spool = await open_spool(self.settings, events, telling, self.stack)
            self.notes["spool"] = spool.problem
            telemetry.SPOOL_WAITING.set_function(lambda: spool.waiting)
            self.missing["spool"] = spool.full
        options, limit = self.options, self.settings.max_body
        chosen = ReceiverOptions(body_limit=limit, recorded_time=options.recorded_time, on_delivery=self.record)
        self.taking = Receiver(behind, self.integrations, now, chosen)
        return self.taking

    def app(self, receiver: Receiver | None) -> web.Application:
        """The HTTP application of all that was put together."""
        health = health_routes(lambda: _said(self.missing), lambda: _said(self.notes), self.exposition)
        return build_app(
            routes=routes_of(receiver, self.shown, health),
            recorded_time=self.options.recorded_time,
            max_body=self.settings.max_body,
            access=self.access,
        )


@asynccontextmanager
async def serving(settings: Settings, options: ServeOptions) -> AsyncIterator[str]:
    """Run the whole service, or one part of it; gives its address once it takes requests.

    Raises:
        AlertlineError: the folder is in use, the address is taken, or a setting does not fit.
    """
    if options.role is not Role.SERVE and not settings.kafka.servers:
        raise SettingError(f"{options.role} needs a Kafka cluster (--kafka HOST:PORT,…); without one use serve")
    async with AsyncExitStack() as stack:
        # a mistake in them is told before anything is made
        keys = keys_of(settings, os.environ, receiving_from_sns(stack))
        decided = keys, integrations_of(settings, keys), configuration_of(settings)
        if options.role is Role.SERVE:
            stack.enter_context(folder_of(settings).locked())
        listener = bound(settings, stack)
        house = _House(settings, options, decided, stack)
        if options.role is Role.SERVE:
            await house.correlator()  # first of all: it starts while the rest is opened here
        events, receiver = await house.log(), None
        if options.role is not Role.INGEST:
            await house.review(events)
        if options.role is not Role.REVIEW:
            receiver = await house.receiver(events)
        else:
            house.taking = Receiver(events, house.integrations, now)
        yield await listen(house.app(receiver), listener, receiver, house.access, stack, house.draining)


async def _said(tellers: Mapping[str, Callable[[], str | None]]) -> Mapping[str, str]:
    """What there is to tell, by name."""
    return {name: said for name, tell in tellers.items() if (said := tell()) is not None}


def _tell(in_force: InForce, record: Callable[[Record], None] | None) -> None:
    """Say what changed; what is recorded begins with what holds, unless that is what holds anywhere."""
    if in_force.changed:
        log.info("configuration.changed", digest=in_force.records[0].digest, streams=in_force.changed)
    for each in in_force.records:
        if record is not None and each.configuration != Configuration():
            record(each)


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


def _arguments(settings: Settings, options: ServeOptions) -> list[str]:
    arguments = ["--data", settings.data, "--log-format", settings.log_format]
    if options.config is not None:
        arguments += ["--config", str(options.config)]
    if options.recorded_time:
        arguments.append("--recorded-time")
    return arguments


def _environment(settings: Settings) -> dict[str, str]:
    """What the flags of this command said and the correlator must know; a password is not for the list of processes."""
    said = {"ALERTLINE_KAFKA": settings.kafka.servers, "ALERTLINE_DATABASE": settings.database}
    return {name: value for name, value in said.items() if value}
