"""Keeps one Kafka for a whole run of tests, whichever worker asks first: `python -m tests.support.kafka_keeper …`.

It starts the cluster, writes where it is, and ends it when the run has ended, however that ended.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from tests.support.kafka_jars import cluster
from tests.support.server import alive

__all__ = ["main"]

_LOOK_S = 0.2


def main(folder: Path, kind: str, run: int) -> None:
    """Serve until the process `run` is gone."""
    if kind == "real":
        (broker,) = cluster(folder / "broker")
        _keep(folder, broker.address, run)
        broker.kill()
        shutil.rmtree(folder / "broker", ignore_errors=True)
        return
    from confluent_kafka import Producer

    mock = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    (node,) = mock.list_topics(timeout=10).brokers.values()
    _keep(folder, f"{node.host}:{node.port}", run)


def _keep(folder: Path, address: str, run: int) -> None:
    written = folder / "address.new"
    written.write_text(address)
    written.rename(folder / "address")
    while alive(run) and os.getppid() != 0:
        time.sleep(_LOOK_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
