"""A recording through receivers, correlators and pages as processes of their own; prints what `send --wait` prints.

For `check.py --cmd 'python -m tests.support.through_roles {recording}'`. `ALERTLINE_TEST_KAFKA` and
`ALERTLINE_TEST_POSTGRES` name the servers; every run has topics and a database of its own. What `replay` of the
recording prints must be the same, and so must the incidents of a `replay` of the `export`; else the exit status is 1.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import orjson

from alertline.store.migrate import upgrade
from tests.support.postgres import database
from tests.support.roles import Roles

__all__ = ["main"]

_BOUND_S = 60.0


def main(recording: str) -> int:
    """Play it; gives the exit status."""
    kafka, server = os.environ["ALERTLINE_TEST_KAFKA"], os.environ["ALERTLINE_TEST_POSTGRES"]
    with tempfile.TemporaryDirectory() as folder, database(server) as made:
        asyncio.run(upgrade(made.url))
        with Roles(
            Path(folder), kafka, f"t{uuid4().hex[:12]}", made.url, "--recorded-time", ingest=2, correlate=2
        ) as roles:
            sent = _alertline("send", recording, "--url", roles.url, "--wait")
            exported = Path(folder) / "export.ndjson"
            exported.write_bytes(_alertline("export", *roles.common))
        again = orjson.loads(_alertline("replay", str(exported), "--format", "json"))
    if sent != _alertline("replay", recording, "--format", "json"):
        return _differs("replay of the recording")
    if orjson.dumps(again["incidents"]) != orjson.dumps(orjson.loads(sent)["incidents"]):
        return _differs("replay of the export")
    sys.stdout.buffer.write(sent)
    return 0


def _alertline(*arguments: str) -> bytes:
    """What a command prints."""
    done = subprocess.run((sys.executable, "-m", "alertline", *arguments), stdout=-1, timeout=_BOUND_S, check=True)
    return done.stdout


def _differs(what: str) -> int:
    sys.stderr.write(f"{what}: other incidents than through the parts\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
