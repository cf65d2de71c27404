"""What every test shares: Hypothesis profiles, the long forms that `make test-long` asks for, and the run's Kafka."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support import kafka as kafka_for_tests
from tests.support.stores import (  # noqa: F401 - fixtures, by their names
    _postgresql_tables,
    _sqlite_tables,
    both_stores,
    postgresql_database,
    postgresql_server,
    postgresql_store,
    sqlite_store,
)

# Rich tracebacks show every variable, which takes seconds each: nobody reads them here.
_PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
_PROCESSORS = [*structlog.get_config()["processors"][:-1], _PLAIN]

LONG = os.environ.get("ALERTLINE_TEST_LONG") == "1"

# No deadline: a property says what is true, never how fast, and the machine is shared with other workers.
settings.register_profile("short", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("long", parent=settings.get_profile("short"), max_examples=2000)
# A change is judged by what it changes: the same examples every time. New ones are found by everybody else's runs.
settings.register_profile("ci", parent=settings.get_profile("short"), derandomize=True)
settings.load_profile("long" if LONG else "ci" if os.environ.get("CI") == "true" else "short")


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Leaves logging as it was, for who configures it."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Whatever the test before made of the logs."""
    structlog.reset_defaults()
    structlog.configure(processors=_PROCESSORS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the long forms, with the reason, unless they are asked for."""
    if LONG:
        return
    skip = pytest.mark.skip(reason="the long form runs with `make test-long`")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def kafka_address(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """One Kafka for the whole run, started by the first test that needs it."""
    worker = hasattr(request.config, "workerinput")
    folder = kafka_for_tests.shared_folder(tmp_path_factory, request.config)
    return kafka_for_tests.address_for(folder, os.getppid() if worker else os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say last of all on which Kafka the tests ran."""
    factory = getattr(config, "_tmp_path_factory", None)
    base = getattr(factory, "_basetemp", None)
    if hasattr(config, "workerinput") or not isinstance(base, Path):
        return
    if (line := kafka_for_tests.last_line(base)) is not None:
        print(line)  # noqa: T201 - the terminal reporter has written its last line by now
