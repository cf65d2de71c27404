"""Recorded outages that are kept beside the repository: by `replay`, and through a server that is killed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.catalogue import adapters

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT.parent / "shared" / "scenarios"
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.skipif(
    not (SCENARIOS / "check.py").exists(),
    reason=f"NOT CHECKED: the recorded outages are not beside the repository ({SCENARIOS.parent.name}/scenarios)",
)


def verdicts(*arguments: str, bound_s: float = 240) -> dict[str, str]:
    """What check.py says of each case: `name variant` → `PASS`, or `FAIL` with the first difference."""
    environment = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        (sys.executable, str(SCENARIOS / "check.py"), *arguments),
        capture_output=True,
        text=True,
        env=environment,
        timeout=bound_s,
        check=False,
    )
    lines = re.findall(r"^(\S+)\s+(\S+)\s+((?:PASS|FAIL).*)$", done.stdout, re.MULTILINE)
    assert lines, done.stdout + done.stderr
    return {f"{name} {variant}": verdict.strip() for name, variant, verdict in lines}


def failures(found: dict[str, str]) -> dict[str, str]:
    """Those that did not pass."""
    return {case: verdict for case, verdict in found.items() if verdict != "PASS"}


def unread(case: str) -> set[str]:
    """The sources of a recording that this version has no adapter for."""
    lines = (SCENARIOS / case / "recording.ndjson").read_text(encoding="utf-8").splitlines()
    return {json.loads(line)["source"] for line in lines} - adapters().keys()


@pytest.mark.parametrize("scenario", ["s2", "s3"])
def test_variants(scenario: str) -> None:
    """A recorded outage comes out as its people wrote it down, however late, twice or in disorder it was delivered."""
    assert failures(verdicts(scenario, "--variants")) == {}


def test_edges() -> None:
    """Each rule of the contract's §8 has a small case; those pass whose senders this version can read."""
    found = failures(verdicts("--dir", str(SCENARIOS / "edges")))

    assert {case: verdict for case, verdict in found.items() if not unread(f"edges/{case.split()[0]}")} == {}


def test_through_killed_server() -> None:
    """The same outage through a server that is killed three times on the way is the same incident."""
    through = f"{sys.executable} {SCENARIOS / 'through_server.py'} {{recording}} --kills 3"

    assert failures(verdicts("s2", "--cmd", through)) == {}


@pytest.mark.long
@pytest.mark.parametrize("scenario", ["s0", "s1", "s2", "s3", "s4"])
def test_variants_through_the_parts(
    kafka_address: str, postgresql_server: str, monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    """However late, twice or in disorder: receivers, correlators and pages on Kafka and PostgreSQL show the same.

    The same as `replay` shows, byte for byte, and `export` replayed; one day of the short form is in `test_roles.py`.
    """
    monkeypatch.setenv("ALERTLINE_TEST_KAFKA", kafka_address)
    monkeypatch.setenv("ALERTLINE_TEST_POSTGRES", postgresql_server)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    through = f"{sys.executable} -m tests.support.through_roles {{recording}}"

    found = verdicts(scenario, "--variants", "--timeout", "120", "--cmd", through, bound_s=1200)

    assert failures(found) == {}
