"""Receivers whose Kafka is away: they start, take deliveries, say so, and keep what they took."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from alertline.cluster import Kafka, Role
from alertline.config import Settings
from alertline.errors import SettingError
from alertline.eventlog.kafka import KafkaLog
from alertline.eventlog.spool_file import SpoolFile
from alertline.incidents.policy import Policy
from alertline.wiring.server import ServeOptions, serving
from consumers.replay import Replay
from schemas.records import decode
from tests.support import kafka as kafka_for_tests
from tests.support.kafka_jars import cluster, free_port

BODY = {"title": "disk full", "status": "firing", "dedup_key": "disk"}


async def said(session: aiohttp.ClientSession, address: str) -> dict[str, Any]:
    """What /readyz says."""
    async with session.get(f"{address}/readyz") as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_receiving_starts_and_goes_on_without_kafka(tmp_path: Path) -> None:
    """A 202 is durable in the spool; /readyz is 200 with a note; the next process finds what waits."""
    nobody = Kafka(servers=f"127.0.0.1:{free_port()}")
    settings = Settings(port=0, data=str(tmp_path / "data"), kafka=nobody, drain="1ms")
    for life in range(2):
        async with serving(settings, ServeOptions(role=Role.INGEST)) as address, aiohttp.ClientSession() as session:
            async with session.post(f"{address}/v1/webhooks/generic", json=BODY | {"n": life}) as answer:
                assert answer.status == 202
            async with session.get(f"{address}/readyz") as answer:
                said = await answer.json()
                assert answer.status == 200
            assert said["notes"]["spool"].startswith(f"{life + 1} deliveries wait in the spool")
            assert said["notes"]["kafka"].startswith("Kafka: ")
            async with session.get(f"{address}/metrics") as answer:
                assert f"alertline_spool_waiting {life + 1}.0" in await answer.text()

    spool = await SpoolFile.open(tmp_path / "data" / "spool-0.db")
    assert await spool.count() == 2
    await spool.close()


@pytest.mark.skipif(kafka_for_tests.kind() != "real", reason="kills its broker: needs Java and Maven")
async def test_a_time_in_which_deliveries_were_refused_is_a_gap_of_its_incidents(tmp_path: Path) -> None:
    """Kafka away and the spool full: 503. When it is back, the log says from when to when, and incidents show it."""
    (broker,) = await asyncio.to_thread(cluster, tmp_path / "broker")
    kafka = kafka_for_tests.settings(broker.address, spool_bytes=1024 * 1024)
    receiving = Settings(port=0, data=str(tmp_path / "data"), kafka=kafka, drain="1ms")
    large = BODY | {"description": "x" * 300_000}
    try:
        async with serving(receiving, ServeOptions(role=Role.INGEST)) as address, aiohttp.ClientSession() as session:

            async def post(number: int) -> int:
                async with session.post(f"{address}/v1/webhooks/generic", json=large | {"n": number}) as answer:
                    return answer.status

            assert await post(0) == 202
            await asyncio.to_thread(broker.kill)
            statuses = [await post(number) for number in range(1, 8)]
            assert {202, 503} == set(statuses)
            await asyncio.to_thread(broker.start)
            async with asyncio.timeout(60):
                while "spool" in (await said(session, address)).get("notes", {}):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        log = await KafkaLog.open(kafka)
        payloads = [each.payload for each in await log.read(0, 0, 100)]
        await log.close()
    finally:
        broker.kill()

    replay = Replay(Policy())
    for payload in payloads:
        replay.feed(decode(payload))
    (incident,) = replay.result().incidents
    (gap,) = incident.gaps
    assert gap.what.startswith("deliveries may be missing here: senders were refused")
    assert incident.created_at <= gap.from_ <= gap.to
    # one that was on its way when the broker died may have arrived, and come again out of the spool
    assert len({payload.partition(b'"stream"')[0] for payload in payloads}) == 1 + statuses.count(202) + 1


async def test_two_receivers_of_one_folder_have_a_spool_each(tmp_path: Path) -> None:
    """Each takes the first number that is free."""
    nobody = Kafka(servers=f"127.0.0.1:{free_port()}")
    settings = Settings(port=0, data=str(tmp_path / "data"), kafka=nobody, drain="1ms")
    options = ServeOptions(role=Role.INGEST)
    async with serving(settings, options), serving(settings, options):
        assert {each.name for each in (tmp_path / "data").glob("spool-*.db")} == {"spool-0.db", "spool-1.db"}


@pytest.mark.parametrize("role", [Role.INGEST, Role.REVIEW])
async def test_a_part_needs_a_cluster(tmp_path: Path, role: Role) -> None:
    """Without one it says in one line what to run instead."""
    settings = msgspec.structs.replace(Settings(), data=str(tmp_path / "data"))
    with pytest.raises(SettingError, match=r"needs a Kafka cluster.*use serve"):
        async with serving(settings, ServeOptions(role=role)):
            pass
    assert not (tmp_path / "data").exists()
