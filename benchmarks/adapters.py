"""How many alerts a second the adapters read, ten in a body."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks.reporting import Figure, Options, tell
from ingest.adapter import Request
from ingest.catalogue import adapters

__all__ = ["measure"]

_ALERTS: Final = 10
_BODIES: Final = 3000
_NOW: Final = datetime(2025, 3, 4, tzinfo=UTC)


def _group() -> dict[str, object]:
    alerts = [
        {
            "status": "firing",
            "labels": {
                "alertname": "HighErrorRate",
                "service": "checkout",
                "severity": "critical",
                "instance": f"i{n}",
            },
            "annotations": {"summary": "High error rate on checkout", "runbook_url": "https://runbooks.example/1"},
            "startsAt": "2025-03-04T11:59:59.666Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example/graph",
            "fingerprint": f"{n:016x}",
        }
        for n in range(_ALERTS)
    ]
    return {"version": "4", "groupKey": "{}", "status": "firing", "alerts": alerts}


def _bodies() -> dict[str, object]:
    generic = [{"title": "Queue grows", "service": "mail", "severity": "error", "key": f"k{n}"} for n in range(_ALERTS)]
    return {
        "alertmanager": _group(),
        "grafana": _group() | {"orgId": 1, "title": "[FIRING:10] HighErrorRate"},
        "generic": {"alerts": generic},
    }


def measure(options: Options) -> Iterable[Figure]:
    """Each adapter alone: body to events."""
    found: dict[str, list[float]] = {name: [] for name in _bodies()}
    for number in range(options.rounds):
        for name, body in _bodies().items():
            found[name].append(rate := _rate(name, json.dumps(body).encode()))
            tell(f"adapters {number + 1}/{options.rounds} {name}: {rate:,.0f} alerts/s")
    for name, rates in found.items():
        yield Figure(f"adapter {name}", median(rates), "alerts/s")


def _rate(name: str, body: bytes) -> float:
    adapt, alerts = adapters()[name].adapt, 0
    began = perf_counter()
    for _ in range(_BODIES):
        alerts += len(adapt(Request(body=body, headers={}, received_at=_NOW)).events)
    return alerts / (perf_counter() - began)
