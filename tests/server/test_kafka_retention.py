"""A topic that dropped records before they were read: said in the log of the process, and shown by the incidents."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from alertline import telemetry
from alertline.clock import now
from alertline.cluster import Kafka
from alertline.eventlog.kafka import KafkaLog
from alertline.eventlog.kafka_client import client_options
from alertline.incidents.policy import Policy
from alertline.incidents.present import present
from alertline.store.engine import open_engine
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from alertline.wiring.missing import teller_of_missing
from consumers.runner import Runner
from ingest.intake import Posted, receive
from ingest.integrations import Integrations
from schemas.incident import Incident
from schemas.records import encode
from tests.support.kafka import kind, settings

pytestmark = pytest.mark.skipif(kind() == "mock", reason="needs a real Kafka: no Java or no Maven here")
BOUND_S = 60.0


@pytest.fixture
async def engine(sqlite_store: str) -> AsyncIterator[AsyncEngine]:
    """An empty store."""
    made = open_engine(sqlite_store)
    yield made
    await made.dispose()


async def posted(log: KafkaLog, name: str) -> None:
    """A firing alert, received now."""
    integration, adapter = Integrations().nearest("generic", "generic", None)
    body = b'{"title": "%s", "status": "firing", "dedup_key": "%s"}' % (name.encode(), name.encode())
    await log.append(
        "default", encode(receive(Posted(integration="generic", body=body, received_at=now()), integration, adapter))
    )


async def read_on(log: KafkaLog, engine: AsyncEngine) -> None:
    """Apply everything that there is, and what is told meanwhile."""
    telling = teller_of_missing(Integrations(), now)
    runner = Runner(log, StoreWriter(engine), Policy(), owner="one", ticking=False, telling=telling)
    task = asyncio.create_task(runner.run())
    async with asyncio.timeout(BOUND_S):
        await runner.started.wait()
        while await StoreReader(engine).applied(0) < await log.end(0):
            await asyncio.sleep(0.02)
            assert not task.done(), task.exception()
    runner.stop()
    await task


async def trimmed(kafka: Kafka, before: int) -> None:
    """What retention does, at once."""
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(kafka.deliveries, 0): RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def the_incident(engine: AsyncEngine) -> Incident:
    """The one incident that is there."""
    reader = StoreReader(engine)
    (name,) = await reader.all_incident_ids()
    facts = await reader.facts(name)
    assert facts is not None
    return present(facts, facts.policy)


@pytest.mark.parametrize("left", [0, 1], ids=["all of it", "all but one"])
async def test_what_is_gone_is_told(kafka_address: str, engine: AsyncEngine, left: int) -> None:
    """Reading goes on behind it; an error with the numbers, a counter, and a gap of what was open at the time."""
    kafka = settings(kafka_address)
    log = await KafkaLog.open(kafka)
    try:
        await posted(log, "one")
        await read_on(log, engine)
        for number in range(5):
            await posted(log, f"lost{number}")
        await trimmed(kafka, 6 - left)
        before = telemetry.RECORDS_GONE._value.get()
        with capture_logs() as said:
            await read_on(log, engine)
            await read_on(log, engine)  # told once
        await posted(log, "later")
        await read_on(log, engine)
    finally:
        await log.close()

    lost = 5 - left
    (error,) = [each for each in said if each["event"] == "correlator.records_gone"]
    assert (error["log_level"], error["wanted"], error["first"], error["count"]) == ("error", 1, 6 - left, lost)
    assert telemetry.RECORDS_GONE._value.get() - before == lost
    incident = await the_incident(engine)
    assert {alert.dedup_key for alert in incident.alerts} == {"one", "later", *["lost4"][:left]}
    (gap,) = incident.gaps
    assert gap.what == f"deliveries may be missing here: {lost} records were dropped from the log before they were read"


async def test_a_new_store_begins_where_the_log_does(kafka_address: str, engine: AsyncEngine) -> None:
    """Nothing was read before, so nothing is missed; it is said all the same that the log begins later."""
    kafka = settings(kafka_address)
    log = await KafkaLog.open(kafka)
    try:
        for number in range(3):
            await posted(log, f"alert{number}")
        await trimmed(kafka, 2)
        with capture_logs() as said:
            await read_on(log, engine)
    finally:
        await log.close()

    assert [each["first"] for each in said if each["event"] == "correlator.begins_later"] == [2]
    incident = await the_incident(engine)
    assert [alert.dedup_key for alert in incident.alerts] == ["alert2"]
    assert incident.gaps == ()
