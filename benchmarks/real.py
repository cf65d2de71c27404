"""The real programs that some benchmarks run against, each started for one of them alone."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.reporting import tell
from tests.support.kafka_jars import Broker, cluster, missing_programs
from tests.support.postgres import Server, own_server

__all__ = ["kafka_and_postgresql"]


@contextmanager
def kafka_and_postgresql(name: str) -> Iterator[tuple[Path, Broker, Server] | None]:
    """A folder, a broker and a database server while the block runs; None, told why, where Java or Maven is missing."""
    if missing_programs():
        tell(f"{name}: not measured, {', '.join(missing_programs())} is missing")
        yield None
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertline-bench-")))
        (broker,) = cluster(folder / "broker")
        stack.callback(broker.kill)
        yield folder, broker, stack.enter_context(own_server())
