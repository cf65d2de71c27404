"""How many alerts a second the adapters read: ten in a body, and every source on the examples of its tests."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import msgspec

from benchmarks.reporting import Figure, Options, tell
from ingest.adapter import Request
from ingest.catalogue import adapters
from ingest.reading.secrets import kept_headers

__all__ = ["measure"]

_ALERTS: Final = 10
_BODIES: Final = 3000
_TIMES: Final = 100
_EXAMPLES: Final = Path(__file__).parents[1] / "tests" / "ingest" / "examples"
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
    """Each adapter alone: body to events. What is not ten in a body is one, so its rate is that of bodies."""
    yield from _of_ten(options)
    rates = {name: median(_rate_of(name, requests) for _ in range(options.rounds)) for name, requests in _examples()}
    for name, rate in sorted(rates.items(), key=lambda each: each[1]):
        yield Figure(f"examples of {name}", rate, "events/s")


def _of_ten(options: Options) -> Iterable[Figure]:
    found: dict[str, list[float]] = {name: [] for name in _bodies()}
    for number in range(options.rounds):
        for name, body in _bodies().items():
            found[name].append(rate := _rate(name, json.dumps(body).encode()))
            tell(f"adapters {number + 1}/{options.rounds} {name}: {rate:,.0f} alerts/s")
    for name, rates in found.items():
        yield Figure(f"adapter {name}", median(rates), "alerts/s")


def _examples() -> Iterable[tuple[str, list[Request]]]:
    """The accepted examples of every source."""
    for folder in sorted(_EXAMPLES.iterdir()):
        told = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
        requests = [_request(each) for each in told if each["outcome"] == "accepted" and each["events"]]
        if requests:
            yield folder.name, requests


def _request(example: dict[str, Any]) -> Request:
    body = example["body_text"] if "body_text" in example else json.dumps(example["body"])
    where, _, query = example.get("path", "").partition("?")
    return Request(
        body=body.encode(),
        headers=kept_headers(example.get("headers", {}).items()),
        received_at=_NOW,
        method=example.get("method", "POST"),
        path=where or None,
        query=query or None,
    )


def _rate_of(name: str, requests: list[Request]) -> float:
    """Events a second over all examples of a source; each request is read anew, as if it had just come."""
    adapt, events = adapters()[name].adapt, 0
    fresh = [msgspec.structs.replace(request) for _ in range(_TIMES) for request in requests]
    began = perf_counter()
    for request in fresh:
        events += len(adapt(request).events)
    return events / (perf_counter() - began)


def _rate(name: str, body: bytes) -> float:
    adapt, alerts = adapters()[name].adapt, 0
    began = perf_counter()
    for _ in range(_BODIES):
        alerts += len(adapt(Request(body=body, headers={}, received_at=_NOW)).events)
    return alerts / (perf_counter() - began)
