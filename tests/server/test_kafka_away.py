"""Receivers whose Kafka is away: they start, take deliveries, say so, and keep what they took."""

from pathlib import Path

import aiohttp
import msgspec
import pytest

from alertline.cluster import Kafka, Role
from alertline.config import Settings
from alertline.errors import SettingError
from alertline.eventlog.spool_file import SpoolFile
from alertline.wiring.server import ServeOptions, serving
from tests.support.kafka_jars import free_port

BODY = {"title": "disk full", "status": "firing", "dedup_key": "disk"}


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
