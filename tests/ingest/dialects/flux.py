"""Flux about one object."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS", "flux"]


def flux(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """An error, then news of its end."""
    failed = end is None
    return {
        "involvedObject": {"kind": "HelmRelease", "name": "mail", "namespace": "post", "uid": "u-1"},
        "severity": "error" if failed else "info",
        "reason": "UpgradeFailed" if failed else "UpgradeSucceeded",
        "message": f"attempt {number}",
        "reportingController": "helm-controller",
        "timestamp": (end or start).isoformat(),
    }


DIALECTS: Final[dict[str, Tell]] = {"release": flux}
