"""Which Kafka the tests run on, and one address of it for all workers of a run.

- `ALERTLINE_TEST_KAFKA=HOST:PORT` names one.
- With Java and Maven it is Apache Kafka itself; with CI=true, where Maven is, nothing else will do.
- Otherwise librdkafka's mock cluster stands in, and the run says so in its last line.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from alertline.cluster import Kafka
from tests.support.kafka_jars import jars, missing_programs
from tests.support.server import until

__all__ = ["EXTERNAL", "address_for", "kind", "last_line", "settings", "shared_folder"]

EXTERNAL: Final = "ALERTLINE_TEST_KAFKA"
_UP_S: Final = 120.0


def kind() -> str:
    """`external`, `real` or `mock`."""
    if os.environ.get(EXTERNAL):
        return "external"
    missing = missing_programs()
    if missing and os.environ.get("CI") == "true" and shutil.which("mvn"):
        raise RuntimeError(f"CI must test on a real Kafka: {', '.join(missing)} is missing beside Maven")
    return "mock" if missing else "real"


def address_for(run: Path, run_pid: int) -> str:
    """The address of the run's Kafka; the first who asks starts it. `run`: a folder that all workers share."""
    if given := os.environ.get(EXTERNAL):
        return given
    folder = run / "kafka"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "address").exists():
            _start(folder, run_pid)
    return (folder / "address").read_text()


def _start(folder: Path, run_pid: int) -> None:
    chosen = kind()
    if chosen == "real":
        try:
            jars()
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            if os.environ.get("CI") == "true":
                raise
            chosen = "mock"  # no way to fetch it from here: the last line says what was used
    (folder / "kind").write_text(chosen)
    command = (sys.executable, "-m", "tests.support.kafka_keeper", str(folder), chosen, str(run_pid))
    with (folder / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def up() -> bool:
        if keeper.poll() is not None:
            raise RuntimeError(f"Kafka did not start: {(folder / 'keeper.log').read_text()[-1500:]}")
        return (folder / "address").exists()

    until(up, "Kafka for the tests", _UP_S)
    keeper.returncode = 0  # it outlives this worker, for the others: nobody here waits for it


def settings(address: str, *, partitions: int = 1, **more: object) -> Kafka:
    """Settings with names of their own: no test sees what another one wrote."""
    return Kafka(servers=address, prefix=f"t{uuid4().hex[:12]}", partitions=partitions, **more)  # type: ignore[arg-type]


def last_line(run: Path) -> str | None:
    """What the run's last line says of its Kafka; None if no test needed one."""
    if (given := os.environ.get(EXTERNAL)) is not None:
        return f"Kafka: the one at {given}"
    written = run / "kafka" / "kind"
    if not written.exists():
        return None
    if written.read_text() == "real":
        return "Kafka: a real Apache Kafka broker"
    missing = ", ".join(missing_programs()) or "its jars"
    return f"Kafka: NOT a real one but librdkafka's mock cluster ({missing} could not be had)"


def shared_folder(factory: pytest.TempPathFactory, config: pytest.Config) -> Path:
    """The folder of the whole run: the parent of a worker's own."""
    base = factory.getbasetemp()
    return base.parent if hasattr(config, "workerinput") else base
