"""The correlator on a Kafka cluster: a member of the group, with a runner for every partition that it is given.

Neither the cluster nor the database has to be there when it starts or all the time: it waits, stays a member where it
can, and goes on from the store's position.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.clock import now
from alertline.config import Settings
from alertline.configuring import configuration_of
from alertline.errors import AlertlineError
from alertline.eventlog.kafka_connecting import ConnectingLog
from alertline.eventlog.kafka_group import Membership
from alertline.eventlog.port import LogUnavailable
from alertline.incidents.policy import Policy
from alertline.store.engine import StoreUnavailable
from alertline.store.outbox import StoreOutbox
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from alertline.web.health import health_routes
from alertline.wiring.access import Access
from alertline.wiring.closing import named
from alertline.wiring.collecting import little_collecting
from alertline.wiring.configuring import configure, streams_of
from alertline.wiring.connections import dead_letters, folder_of, instance_of, open_cluster
from alertline.wiring.correlator import READY, WAITING, end_of_input
from alertline.wiring.integrations import integrations_of
from alertline.wiring.listening import bound, listen
from alertline.wiring.missing import teller_of_missing
from alertline.wiring.server import build_app
from consumers.relay import Relaying
from consumers.runner import Runner
from consumers.supervising import Supervisor

__all__ = ["correlate_group"]

log = structlog.get_logger(__name__)

_AGAIN_S: Final = 1.0
_LOOK_S: Final = 0.1

Started = Callable[[str], None]
T = TypeVar("T")


class Correlating:
    """One member: what it waits for, and its runners. `beside_receivers`: those of a server that started it."""

    def __init__(
        self, settings: Settings, stack: AsyncExitStack, *, recorded_time: bool, beside_receivers: bool
    ) -> None:
        self._settings, self._stack, self._recorded = settings, stack, recorded_time
        self._beside_receivers = beside_receivers
        self._waiting: str | None = "starting"
        self._cluster: ConnectingLog | None = None
        self._supervisor: Supervisor | None = None
        self._member: Membership | None = None
        # on recorded time nobody knows which time of the recording is meant
        self._telling = None if recorded_time else teller_of_missing(integrations_of(settings), now)

    def problems(self) -> Mapping[str, str]:
        """What keeps it from working, by name."""
        if self._waiting is not None:
            return {"correlator": self._waiting}
        found: dict[str, str] = {}
        if self._member is not None and self._member.problem is not None:
            found["group"] = self._member.problem
        if self._cluster is not None and self._cluster.problem is not None:
            found["kafka"] = self._cluster.problem
        if self._supervisor is not None:
            found |= self._supervisor.problems()
            if not found and not self._supervisor.ready:
                found["correlator"] = "loading what it had read"
        return found

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            AlertlineError: a setting, a topic or the tables do not fit.
        """
        instance = instance_of(self._settings, self._stack)
        self._cluster = cluster = await open_cluster(self._settings, self._stack)
        engine = await self._persistent("store", folder_of(self._settings).open_store)
        self._stack.push_async_callback(named, "store", engine.dispose)
        await self._persistent("configuration", lambda: self._configure(cluster, engine))
        writer = Relaying(
            StoreWriter(engine, telling=True), StoreOutbox(engine), cluster, self._settings.kafka.incidents
        )
        supervisor = self._supervisor = Supervisor(
            lambda partition: self._runner(cluster, writer, instance, partition), writer.end
        )
        self._stack.push_async_callback(named, "runners", supervisor.stop)
        used = frozenset(await cluster.partitions())

        async def keep(assigned: frozenset[int]) -> None:
            await supervisor.keep(assigned & used)  # those that were added to the topic hold nothing

        self._waiting = None
        self._member = Membership(self._settings.kafka, instance, supervisor.hold, keep)
        with little_collecting():
            await self._member.run()

    async def _persistent(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do something as soon as log and store are there."""
        while True:
            try:
                return await work()
            except (LogUnavailable, StoreUnavailable) as error:
                self._waiting = str(error)
            except AlertlineError as error:
                if not isinstance(error.__cause__, StoreUnavailable):
                    raise
                self._waiting = str(error)
            log.warning("correlator.waits", what=what, reason=self._waiting)
            await asyncio.sleep(_AGAIN_S)

    async def _configure(self, cluster: ConnectingLog, engine: AsyncEngine) -> None:
        moment = None if self._recorded else now()
        configuration = configuration_of(self._settings)
        in_force = await configure(cluster, StoreReader(engine), configuration, streams_of(self._settings), moment)
        if in_force.changed:
            log.info("configuration.changed", digest=in_force.records[0].digest, streams=in_force.changed)

    def _runner(self, cluster: ConnectingLog, writer: Relaying, instance: str, partition: int) -> Runner:
        # what else holds is in the log: no setting of this process may decide anything
        return Runner(
            cluster,
            writer,
            Policy(),
            owner=instance,
            ticking=not self._recorded,
            receivers_first=self._beside_receivers,
            partition=partition,
            dead_letters=dead_letters(self._settings, cluster),
            telling=self._telling,
        )


async def correlate_group(
    settings: Settings, *, recorded_time: bool, lifeline: bool, stop: asyncio.Event, started: Started
) -> None:
    """Run a member of the group until `stop` is set, or until the lifeline closes.

    Args:
        started: told the address of /healthz, /readyz and /metrics, which a child with a lifeline does not have.

    Raises:
        AlertlineError: a setting, a topic or the tables do not fit.
    """
    async with AsyncExitStack() as stack:
        correlating = Correlating(settings, stack, recorded_time=recorded_time, beside_receivers=lifeline)
        if not lifeline:
            started(await _health(settings, correlating, stack))
        ending = end_of_input() if lifeline else _set(stop)
        async with _together(correlating.run(), _tell(correlating, lifeline=lifeline), ending) as first:
            first.result()


async def _health(settings: Settings, correlating: Correlating, stack: AsyncExitStack) -> str:
    async def missing() -> Mapping[str, str]:
        return correlating.problems()

    app = build_app(routes=list(health_routes(missing)), recorded_time=False, max_body=settings.max_body)
    return await listen(app, bound(settings, stack), None, Access(), stack)


async def _set(stop: asyncio.Event) -> None:
    await stop.wait()


async def _tell(correlating: Correlating, *, lifeline: bool) -> None:
    """Tell the server at the other end of the lifeline how it goes, whenever that changes."""
    said = b""
    while True:
        problems = correlating.problems()
        line = WAITING + "; ".join(problems.values()).replace("\n", " ").encode() + b"\n" if problems else READY
        if lifeline and line != said:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        said = line
        await asyncio.sleep(_LOOK_S)


@asynccontextmanager
async def _together(*work: Awaitable[None]) -> AsyncIterator[asyncio.Future[None]]:
    """Run all until the first ends; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        yield next(iter(done))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
