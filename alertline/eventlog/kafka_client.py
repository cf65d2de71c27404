"""How every client of a Kafka cluster is made, and what its errors mean to whoever appends or reads."""

import asyncio
import ssl
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient, ConnectionGroup, collect_hosts
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import ConsumerStoppedError, KafkaConnectionError, KafkaError, ProducerClosed

from alertline.cluster import Kafka
from alertline.errors import AlertlineError
from alertline.eventlog.port import LogClosed, LogUnavailable
from alertline.tasks import heed, is_cancelled

__all__ = [
    "REQUEST_S",
    "client_options",
    "ended",
    "kafka_errors",
    "new_consumer",
    "new_producer",
    "why_unreachable",
]

REQUEST_S: Final = 5.0
"""How long one request may take: much longer than a healthy cluster needs, much shorter than people wait."""
_CLIENT_ID: Final = "alertline"
_AGAIN_S: Final = 0.1
_FIRST: Final = ("bootstrap", ConnectionGroup.DEFAULT)  # where a client keeps its connection until it knows brokers


def client_options(kafka: Kafka) -> dict[str, Any]:
    """What producers, consumers and admin clients are given alike.

    Raises:
        AlertlineError: a file of certificates cannot be used.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in kafka.servers.split(",")],
        "client_id": _CLIENT_ID,
        "request_timeout_ms": int(REQUEST_S * 1000),
        "retry_backoff_ms": int(_AGAIN_S * 1000),
        "metadata_max_age_ms": 30_000,  # a new leader is mostly noticed by an error; this is for the rest
    }
    tls = kafka.tls == "on"
    if tls:
        options["ssl_context"] = _tls(kafka)
    if kafka.sasl:
        options |= {
            "sasl_mechanism": kafka.sasl,
            "sasl_plain_username": kafka.user,
            "sasl_plain_password": kafka.password,
        }
    options["security_protocol"] = (
        f"SASL_{'SSL' if tls else 'PLAINTEXT'}" if kafka.sasl else "SSL" if tls else "PLAINTEXT"
    )
    return options


def _tls(kafka: Kafka) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=kafka.ca_file or None)
        if kafka.certificate_file:
            context.load_cert_chain(kafka.certificate_file, kafka.key_file)
    except (OSError, ssl.SSLError) as error:
        raise AlertlineError(f"the certificates of [kafka] cannot be used: {error}") from error
    return context


def new_producer(options: dict[str, Any]) -> AIOKafkaProducer:
    """A producer, not started, that finds its cluster again (`_never_lost`)."""
    producer = AIOKafkaProducer(**options)
    _never_lost(producer.client, options)
    return producer


def new_consumer(options: dict[str, Any], **more: object) -> AIOKafkaConsumer:
    """A consumer, not started, that finds its cluster again (`_never_lost`)."""
    consumer = AIOKafkaConsumer(**options, **more)
    _never_lost(consumer._client, options)
    return consumer


def _never_lost(client: AIOKafkaClient, options: dict[str, Any]) -> None:
    """Let a client that no broker it knows answers ask the servers of the settings again, after a pause.

    aiokafka forgets those servers as soon as it knows brokers. If the only one that was up when it asked, in the middle
    of a cluster's restart, goes for good, it never hears of the others, and asks that one thousands of times a second.
    A connection that stands where it puts its very first one is asked too, and closed as soon as it knows brokers.
    """
    update = client._metadata_update

    async def updated(*asked: object) -> bool:
        if await update(*asked):
            return True
        await asyncio.sleep(_AGAIN_S)
        for host, port, _ in client.hosts:
            try:
                first = client._conns[_FIRST] = await _connected(options, host, port)
            except (KafkaError, OSError, TimeoutError):
                continue
            if await update(*asked):
                return True
            first.close()
        return False

    client._metadata_update = updated


async def _connected(options: dict[str, Any], host: str, port: int) -> AIOKafkaConnection:
    named = ("client_id", "request_timeout_ms", "ssl_context", "security_protocol")
    given = {name: value for name, value in options.items() if name in named or name.startswith("sasl_")}
    return await create_conn(host, port, **given)


@contextmanager
def kafka_errors(what: str) -> Iterator[None]:
    """Translate what aiokafka raises.

    Raises:
        LogClosed: we closed it ourselves; LogUnavailable: everything else that it may say.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        # not we are cancelled but something that its client waited for, in the middle of losing its cluster
        raise LogUnavailable(f"Kafka: {what}: its client gave up") from error
    except (ConsumerStoppedError, ProducerClosed) as error:
        raise LogClosed("the event log is closed") from error
    except (TimeoutError, KafkaError, OSError) as error:
        raise LogUnavailable(f"Kafka: {what}: {_said(error)}") from error


async def why_unreachable(kafka: Kafka) -> str | None:
    """What the first broker that refuses us says, or its certificate; None: one takes us. aiokafka only logs it.

    Raises:
        AlertlineError: a file of certificates cannot be used.
    """
    options = client_options(kafka)
    for host, port, _ in collect_hosts(options["bootstrap_servers"]):
        try:
            (await _connected(options, host, port)).close()
        except ssl.SSLCertVerificationError as error:
            return f"{host}:{port}: its certificate is not trusted (kafka.ca_file): {error.verify_message}"
        except (ssl.SSLError, KafkaConnectionError, OSError, TimeoutError) as error:
            return f"{host}:{port}: {_said(error)}"
        except KafkaError as error:
            return f"{host}:{port} refuses the sign-in (kafka.sasl, kafka.user, kafka.password): {_said(error)}"
    return None


async def ended(stop: Coroutine[Any, Any, None], within_s: float = REQUEST_S) -> None:
    """Wait for the end of a client, so long at most; in whatever state it is, what it raises concerns nobody any more.

    It may be a cancellation: a client that has just lost its cluster waits for tasks of its own that it has cancelled.
    """
    task = asyncio.ensure_future(stop)
    task.add_done_callback(heed)
    await asyncio.wait({task}, timeout=within_s)
    task.cancel()


def _said(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
