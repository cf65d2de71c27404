"""`make demo-kafka`: the demo on a real Kafka broker and a real PostgreSQL, which are set up for it and then removed.

Needs Java and Maven; PostgreSQL is the system's, or that of the wheel among the development dependencies.
"""

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.support.kafka_jars import cluster, missing_programs
from tests.support.postgres import Server, binaries

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Run it; gives the demo's exit status."""
    missing = missing_programs()
    found = binaries()
    if missing or found is None:
        lacking = [*missing, *([] if found else ["PostgreSQL"])]
        sys.stderr.write(f"demo-kafka needs {', '.join(lacking)}; `make demo` needs nothing but Python\n")
        return 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertline-demo-kafka-")))
        sys.stderr.write("Setting up Apache Kafka and PostgreSQL …\n")
        for broker in cluster(folder):
            stack.callback(broker.kill)
            address = broker.address
        server = Server(found)
        stack.callback(server.remove)
        server.start()
        command = (sys.executable, "-m", "alertline", "demo", "--kafka", address, "--database", server.url)
        demo = subprocess.Popen((*command, *arguments))
        try:
            return demo.wait()
        except KeyboardInterrupt:  # the demo got it too, and ends by itself
            return demo.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
