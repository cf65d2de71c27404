"""A cluster that wants encryption, and a sign-in or a certificate: it works, and what is wrong is said at the start."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alertline.cluster import Kafka
from alertline.errors import AlertlineError
from alertline.eventlog.kafka import KafkaLog
from alertline.eventlog.kafka_connecting import ConnectingLog
from alertline.eventlog.kafka_group import Membership
from alertline.eventlog.port import LogUnavailable
from tests.support import kafka as kafka_for_tests
from tests.support.authority import made_keys
from tests.support.kafka_jars import Secured, cluster, free_port

pytestmark = pytest.mark.skipif(
    kafka_for_tests.kind() != "real", reason="starts a broker of its own: needs Java and Maven"
)
BOUND_S = 60.0


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker with both ways in."""
    folder = tmp_path_factory.mktemp("secured")
    keys = made_keys(folder / "keys")
    made = Secured(keys=keys, user="alertline", password="right-one", sign_in=free_port(), certificates=free_port())  # noqa: S106
    (broker,) = cluster(folder / "broker", secured=made)
    yield made
    broker.kill()


def signing_in(secured: Secured, sasl: str = "SCRAM-SHA-512", **more: object) -> Kafka:
    """The settings of a client that signs in."""
    own: dict[str, Any] = {"user": secured.user, "password": secured.password, "ca_file": str(secured.keys.authority)}
    return kafka_for_tests.settings(f"127.0.0.1:{secured.sign_in}", tls="on", sasl=sasl, **own | more)


@pytest.mark.parametrize("sasl", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_every_sign_in_appends_and_reads(secured: Secured, sasl: str) -> None:
    """Topics are made, a record goes in and comes out, and a member of the group gets its partitions."""
    kafka = signing_in(secured, sasl)
    log = await KafkaLog.open(kafka)
    try:
        position = await log.append("s", b"x")
        (record,) = await log.read(position.partition, position.offset, 1)
        assert record.payload == b"x"
    finally:
        await log.close()
    assert await given(kafka) == frozenset({0})


async def given(kafka: Kafka) -> frozenset[int]:
    """The partitions that a member of the group is given."""
    told: asyncio.Future[frozenset[int]] = asyncio.get_running_loop().create_future()

    async def assigned(partitions: frozenset[int]) -> None:
        told.set_result(partitions)

    async def revoked() -> None:
        pass

    member = asyncio.create_task(Membership(kafka, "one", revoked, assigned).run())
    try:
        async with asyncio.timeout(BOUND_S):
            return await told
    finally:
        member.cancel()
        await asyncio.gather(member, return_exceptions=True)


async def test_a_certificate_is_shown(secured: Secured) -> None:
    """Where the broker wants to see one instead of a sign-in."""
    kafka = kafka_for_tests.settings(
        f"127.0.0.1:{secured.certificates}",
        tls="on",
        ca_file=str(secured.keys.authority),
        certificate_file=str(secured.keys.client_certificate),
        key_file=str(secured.keys.client_key),
    )
    log = await KafkaLog.open(kafka)
    position = await log.append("s", b"x")
    assert position.offset == 0
    await log.close()


async def test_what_is_wrong_is_said_when_it_starts(secured: Secured) -> None:
    """In one line that names the setting and not the password, and the same for whoever goes on without a cluster."""
    stranger = made_keys(secured.keys.authority.parent / "stranger").authority
    wrong = {
        "refuses the sign-in": signing_in(secured, password="wrong-one"),  # noqa: S106
        "kafka.user": signing_in(secured, "PLAIN", user="nobody"),
        "not trusted": signing_in(secured, ca_file=str(stranger)),
        "kafka.ca_file": signing_in(secured, ca_file=""),
    }
    for says, kafka in wrong.items():
        with pytest.raises(LogUnavailable, match=says) as refused:
            await KafkaLog.open(kafka)
        assert "\n" not in str(refused.value)
        assert "wrong-one" not in str(refused.value)

    connecting = await ConnectingLog(wrong["refuses the sign-in"]).open()
    try:
        async with asyncio.timeout(BOUND_S):
            while "refuses the sign-in" not in (connecting.problem or ""):  # noqa: ASYNC110 - it tells when it is asked
                await asyncio.sleep(0.05)
    finally:
        await connecting.close()


async def test_without_encryption_nobody_gets_in(secured: Secured) -> None:
    """It is said, and not waited for, that nothing sensible came back."""
    with pytest.raises(LogUnavailable, match=f"127.0.0.1:{secured.sign_in}"):
        await KafkaLog.open(kafka_for_tests.settings(f"127.0.0.1:{secured.sign_in}"))


@pytest.mark.parametrize("setting", ["ca_file", "certificate_file"])
async def test_a_file_that_is_none_is_named(secured: Secured, tmp_path: Path, setting: str) -> None:
    """A mistake in the settings: no waiting helps."""
    (tmp_path / "none.pem").write_text("no certificate")
    files = {"ca_file": "", "certificate_file": str(tmp_path / "none.pem"), "key_file": str(tmp_path / "none.pem")}
    kafka = msgspec.structs.replace(
        signing_in(secured), **(files if setting == "certificate_file" else {"ca_file": str(tmp_path / "none.pem")})
    )
    with pytest.raises(AlertlineError, match=r"certificates of \[kafka\] cannot be used"):
        await KafkaLog.open(kafka)
