"""Apache Kafka itself for the tests: its own jars by Maven, kept in the user's cache; one broker or three, in KRaft.

A broker is a process of its own on free ports of loopback, with a small heap, in a folder that goes when it ends.
"""

import os
import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from tests.support.authority import Keys
from tests.support.server import until

__all__ = ["VERSION", "Broker", "Secured", "cluster", "free_port", "jars", "missing_programs"]

VERSION: Final = "4.1.0"
_HEAP: Final = "192m"
_BOUND_S: Final = 60.0
_FETCH_S: Final = 300.0
_POM: Final = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>alertline.tests</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""
_LOG4J: Final = """\
Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout: {pattern: "%d %p %m (%c)%n"}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: STDOUT}]}
    Logger: [{name: kafka.server.KafkaRaftServer, level: INFO}]
"""
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{secured}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{secured}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.network.threads=2
num.io.threads=2
num.partitions=1
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor={copies}
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=2097152
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
{more}
"""
_SECURED: Final = """\
ssl.keystore.type=PEM
ssl.keystore.location={keys.server}
ssl.truststore.type=PEM
ssl.truststore.location={keys.authority}
ssl.client.auth=none
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_{user}="{password}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


def missing_programs() -> list[str]:
    """What of Java and Maven is not installed."""
    return [name for name in ("java", "mvn") if shutil.which(name) is None]


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "alertline-tests" / f"kafka-{VERSION}"


def jars() -> Path:
    """The folder of the jars; they are fetched the first time. Call it under a lock: two must not fetch at once."""
    folder = _cache()
    if (folder / "complete").exists():
        return folder / "libs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pom.xml").write_text(_POM)
    command = ("mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={folder / 'libs'}")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Maven could not fetch Kafka: {(done.stdout + done.stderr)[-800:]}")
    (folder / "complete").touch()
    return folder / "libs"


def free_port() -> int:
    """A port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Secured(msgspec.Struct, frozen=True):
    """More listeners of a broker: one with encryption and sign-in, one that wants the client's certificate."""

    keys: Keys
    user: str
    password: str
    sign_in: int
    certificates: int

    @property
    def listeners(self) -> str:
        """As its settings name them."""
        return f",SASL_SSL://127.0.0.1:{self.sign_in},SSL://127.0.0.1:{self.certificates}"

    @property
    def users(self) -> list[str]:
        """What its storage is formatted with."""
        told = f"[name={self.user},password={self.password}]"
        return [part for each in ("SCRAM-SHA-256", "SCRAM-SHA-512") for part in ("--add-scram", f"{each}={told}")]


class Broker:
    """One broker, which can be ended and started again on the same data and port.

    Attributes:
        address: where clients reach it.
    """

    def __init__(
        self, folder: Path, libs: Path, node: int, controllers: dict[int, int], secured: Secured | None = None
    ) -> None:
        self._folder, self._libs, self._port, self._secured = folder, libs, (port := free_port()), secured
        self.address = f"127.0.0.1:{port}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log4j2.yaml").write_text(_LOG4J)
        voters = ",".join(f"{each}@127.0.0.1:{at}" for each, at in controllers.items())
        (folder / "server.properties").write_text(
            _PROPERTIES.format(
                node=node,
                port=port,
                voters=voters,
                controller=controllers[node],
                data=folder / "data",
                copies=len(controllers),
                secured="" if secured is None else secured.listeners,
                more="" if secured is None else _secured(secured),
            )
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def _java(self, *arguments: str) -> tuple[str, ...]:
        # serial collector and one compiler tier: starts in half the time, and the machine is shared
        options = (f"-Xmx{_HEAP}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
        log4j = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.yaml'}"
        return ("java", *options, log4j, "-cp", f"{self._libs}/*", *arguments)

    def format(self, cluster_id: str) -> "Broker":
        """Prepare its folder, once."""
        command = self._java(
            *("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", f"{self._folder}/server.properties"),
            *([] if self._secured is None else self._secured.users),
        )
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BOUND_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka's storage could not be formatted: {done.stdout[-500:]}{done.stderr[-500:]}")
        return self

    def start(self, *, wait: bool = True) -> "Broker":
        """Start it; returns when it takes connections."""
        with (self._folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._java("kafka.Kafka", f"{self._folder}/server.properties"), stdout=log, stderr=log
            )
        return self.up() if wait else self

    def up(self) -> "Broker":
        """Wait until it takes connections."""
        until(self._answers, f"the Kafka broker {self.address}", _BOUND_S)
        return self

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError(f"Kafka ended: {(self._folder / 'broker.log').read_text()[-1500:]}")
        with closing(socket.socket()) as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(_BOUND_S)


def _secured(secured: Secured) -> str:
    return _SECURED.format(keys=secured.keys, user=secured.user, password=secured.password)


def cluster(folder: Path, count: int = 1, secured: Secured | None = None) -> list[Broker]:
    """Start a cluster of so many brokers. End each with `kill`."""
    libs = jars()
    controllers = {node: free_port() for node in range(1, count + 1)}
    identity = uuid4().hex[:22]
    brokers = [Broker(folder / str(node), libs, node, controllers, secured) for node in controllers]
    try:
        for broker in brokers:
            broker.format(identity).start(wait=False)
        for broker in brokers:
            broker.up()
    except BaseException:
        for broker in brokers:
            broker.kill()
        raise
    return brokers
