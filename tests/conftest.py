"""What every test shares: Hypothesis profiles, and the long forms that `make test-long` asks for."""

import os

import pytest
from hypothesis import HealthCheck, settings

LONG = os.environ.get("ALERTLINE_TEST_LONG") == "1"

# No deadline: a property says what is true, never how fast, and the machine is shared with other workers.
settings.register_profile("short", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("long", parent=settings.get_profile("short"), max_examples=2000)
settings.load_profile("long" if LONG else "short")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the long forms, with the reason, unless they are asked for."""
    if LONG:
        return
    skip = pytest.mark.skip(reason="the long form runs with `make test-long`")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)
