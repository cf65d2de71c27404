"""A recording through receivers, correlators and pages as processes of their own; prints what `send --wait` prints.

For `check.py --cmd 'python -m tests.support.through_roles {recording}'`. `ALERTLINE_TEST_KAFKA` and
`ALERTLINE_TEST_POSTGRES` name the servers; every run has topics and a database of its own.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from alertline.store.migrate import upgrade
from tests.support.postgres import database
from tests.support.roles import Roles

__all__ = ["main"]


def main(recording: str) -> int:
    """Play it; gives the exit status of `send`."""
    kafka, server = os.environ["ALERTLINE_TEST_KAFKA"], os.environ["ALERTLINE_TEST_POSTGRES"]
    with tempfile.TemporaryDirectory() as folder, database(server) as made:
        asyncio.run(upgrade(made.url))
        with Roles(
            Path(folder), kafka, f"t{uuid4().hex[:12]}", made.url, "--recorded-time", ingest=2, correlate=2
        ) as roles:
            send = (sys.executable, "-m", "alertline", "send", recording, "--url", roles.url, "--wait")
            return subprocess.run(send, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
