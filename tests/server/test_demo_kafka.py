"""`make demo-kafka` sets a broker and a database up by itself, shows the outage, and ends with the right status."""

import subprocess
import sys

import pytest

from tests.support.kafka_jars import missing_programs
from tests.support.postgres import binaries


@pytest.mark.long
@pytest.mark.skipif(bool(missing_programs()) or binaries() is None, reason="needs Java, Maven and PostgreSQL")
def test_the_demo_on_kafka_and_postgresql() -> None:
    """The status is 0 only if the expected stamps came out."""
    command = (sys.executable, "-m", "tests.support.demo_kafka", "--exit")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    assert "The incident's page:" in done.stdout
