"""What it takes to reach a Kafka cluster and to name what is ours in it: `[kafka]`; and the parts that work on it."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from alertline.durations import parse_duration
from alertline.errors import SettingError

__all__ = ["COMPRESSIONS", "MOST_BODY", "Kafka", "Role", "check_kafka"]

COMPRESSIONS: Final = ("none", "gzip", "lz4", "snappy", "zstd")
MOST_BODY: Final = 2 * 1024 * 1024
"""Bytes of a body that fit, with all that is read from them, what a topic takes as one message."""
_MECHANISMS: Final = ("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_SERVER: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:,\[\]]+):([0-9]{1,5})")
_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")


class Role(StrEnum):
    """What a server process does: everything on one machine, or one part of it beside any number of others."""

    SERVE = "serve"
    INGEST = "ingest"
    REVIEW = "review"


class Kafka(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An Apache Kafka cluster as the event log, in place of the embedded one.

    Attributes:
        servers: brokers to begin with, `HOST:PORT,…` (`--kafka`); empty: the embedded log.
        prefix: what the names of our topics and consumer groups begin with.
        partitions: of the topic of deliveries, when it is made; never change it on a topic that is in use. If there are
            more, the first of them are used.
        replication: copies of every record, when a topic is made; 0: three, or as many as there are brokers.
        retention: how long deliveries are kept, when their topic is made; raw bodies are nowhere else.
        compression: `lz4`, `zstd`, `gzip`, `snappy` or `none`.
        instance: name of this process in its consumer group, the same after every restart; empty: the host's name and
            a number that is free on it.
        session: a correlator of which nothing was heard for so long is taken for dead: others get its partitions.
        tls: `on` encrypts the connections.
        ca_file: certificates to trust, PEM; empty: the system's.
        certificate_file, key_file: what this client shows of itself, PEM.
        sasl: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`; empty: no sign-in.
        user, password: for `sasl`; better in the environment than in a file.
        spool_bytes: what deliveries may take on this disk while Kafka is away; beyond it they are answered 503.
    """

    servers: str = ""
    prefix: str = "alertline"
    partitions: int = 12
    replication: int = 0
    retention: str = "30d"
    compression: str = "lz4"
    instance: str = ""
    session: str = "10s"
    tls: str = "off"
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    sasl: str = ""
    user: str = ""
    password: str = ""
    spool_bytes: int = 1024 * 1024 * 1024

    @property
    def kept_for(self) -> timedelta:
        """How long deliveries are kept."""
        return parse_duration(self.retention, "kafka.retention")

    @property
    def session_s(self) -> float:
        """How long a correlator may be silent, in seconds."""
        return parse_duration(self.session, "kafka.session").total_seconds()

    @property
    def deliveries(self) -> str:
        """The topic of deliveries and all that else changes incidents."""
        return f"{self.prefix}.deliveries.v1"

    @property
    def incidents(self) -> str:
        """The topic of incidents, for other programs."""
        return f"{self.prefix}.incidents.v1"

    @property
    def quarantine(self) -> str:
        """The topic of what could not be read or taken in, for other programs."""
        return f"{self.prefix}.quarantine.v1"

    @property
    def group(self) -> str:
        """The consumer group of the correlators."""
        return f"{self.prefix}.correlate"


def check_kafka(kafka: Kafka) -> None:
    """Refuse what cannot work.

    Raises:
        SettingError: naming the setting.
    """
    if kafka.servers and not all(_is_server(each) for each in kafka.servers.split(",")):
        raise SettingError(f"kafka.servers must be HOST:PORT,HOST:PORT,… not {kafka.servers!r}")
    if not _PREFIX.fullmatch(kafka.prefix):
        raise SettingError(f"kafka.prefix must be letters, digits, '.', '_' and '-', not {kafka.prefix!r}")
    for name, least in (("partitions", 1), ("replication", 0), ("spool_bytes", 1024 * 1024)):
        if getattr(kafka, name) < least:
            raise SettingError(f"kafka.{name} must be at least {least}, not {getattr(kafka, name)}")
    for name, known in (("compression", COMPRESSIONS), ("sasl", _MECHANISMS), ("tls", ("off", "on"))):
        if getattr(kafka, name) not in known:
            raise SettingError(f"kafka.{name} must be one of {', '.join(filter(None, known))}")
    parse_duration(kafka.retention, "kafka.retention")
    parse_duration(kafka.session, "kafka.session")
    if kafka.servers and kafka.sasl and not (kafka.user and kafka.password):
        raise SettingError("kafka.sasl needs kafka.user and kafka.password")
    if kafka.servers and bool(kafka.certificate_file) != bool(kafka.key_file):
        raise SettingError("kafka.certificate_file and kafka.key_file need each other")


def _is_server(text: str) -> bool:
    match = _SERVER.fullmatch(text.strip())
    return match is not None and 0 < int(match[2]) < 65536
