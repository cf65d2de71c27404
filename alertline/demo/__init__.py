"""The recorded outages that `alertline demo` plays: made up, but every stamp is as a real one would be."""

from importlib.resources import files
from typing import Final

import msgspec

__all__ = ["SCENARIOS", "DemoScenario", "recording"]


class DemoScenario(msgspec.Struct, frozen=True):
    """A recording with what must come out of it: milestone → (time of day in UTC, basis)."""

    name: str
    about: str
    expected: dict[str, tuple[str, str]]


SCENARIOS: Final = {
    "load-balancer": DemoScenario(
        "load-balancer",
        "an API outage behind a load balancer whose pool lost its backends, 20 August 2024",
        {
            "impact_started": ("2024-08-20T14:00:00Z", "derived"),
            "detected": ("2024-08-20T14:05:00Z", "reported"),
            "mitigated": ("2024-08-20T15:40:00Z", "manual"),
            "resolved": ("2024-08-20T15:45:00Z", "reported"),
        },
    ),
}


def recording(name: str) -> bytes:
    """The recording of a scenario, as NDJSON."""
    return files("alertline.demo").joinpath(f"{name}.ndjson").read_bytes()
