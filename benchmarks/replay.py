"""How many alert entries a second the correlator takes in: reading and adapting, deciding, presenting."""

import gzip
import json
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from alertline.incidents.policy import Policy
from benchmarks.reporting import Figure, Options, tell
from consumers.replay import Replay
from ingest.intake import Posted, receive
from ingest.integrations import Integrations
from schemas.public import to_json_bytes
from schemas.records import Delivery, Record, decode, encode

__all__ = ["measure", "storm"]

_GIVEN: Final = Path(__file__).parents[2] / "shared" / "benchmarks" / "correlation" / "storm.ndjson.gz"
_A_MINUTE: Final = 10_000
_MINUTES: Final = 3
_IN_A_DELIVERY: Final = 20
_SERVICES: Final = 200
_RESOLVED: Final = 0.3
_START: Final = datetime(2024, 3, 4, 12, tzinfo=UTC)
_NAMES: Final = ("ConnectionPoolFull", "HighLatency", "HighErrorRate", "QueueGrows", "DiskAlmostFull")


def storm() -> list[Posted]:
    """The deliveries of a storm: the shared one where there is one, else a seeded one of the same kind."""
    if not _GIVEN.exists():
        return list(_generated())
    with gzip.open(_GIVEN, "rt", encoding="utf-8") as lines:
        return [_posted(json.loads(line)) for line in lines]


def _posted(line: dict[str, object]) -> Posted:
    received_at = datetime.fromisoformat(str(line["received_at"]))
    body = json.dumps(line["body"], separators=(",", ":")).encode()
    return Posted(integration=str(line["source"]), body=body, received_at=received_at)


def _generated() -> Iterator[Posted]:
    """10 000 entries a minute about 200 services, 20 in a delivery, three of ten resolved."""
    draw = random.Random(7)
    count = _A_MINUTE * _MINUTES // _IN_A_DELIVERY
    for number in range(count):
        at = _START + timedelta(minutes=_MINUTES) * number / count
        alerts = [_alert(draw, at) for _ in range(_IN_A_DELIVERY)]
        group = {"version": "4", "groupKey": "{}", "status": "firing", "alerts": alerts}
        yield Posted(integration="alertmanager", body=json.dumps(group).encode(), received_at=at)


def _alert(draw: random.Random, at: datetime) -> dict[str, object]:
    service, name = f"svc-{draw.randrange(_SERVICES):04}", draw.choice(_NAMES)
    resolved = draw.random() < _RESOLVED
    labels = {"alertname": name, "service": service, "environment": "production", "severity": "warning"}
    return {
        "status": "resolved" if resolved else "firing",
        "labels": labels | {"instance": f"{service}-{draw.randrange(4)}:8080"},
        "annotations": {"summary": f"{name} on {service}"},
        "startsAt": (at - timedelta(seconds=draw.random() * 60)).isoformat(),
        "endsAt": at.isoformat() if resolved else "0001-01-01T00:00:00Z",
    }


def measure(options: Options) -> Iterable[Figure]:
    """The same storm in every round."""
    posted = storm()
    found: dict[str, list[float]] = {"adapting": [], "log": [], "engine": [], "presenting": []}
    entries = 0
    for number in range(options.rounds):
        entries, took = _round(posted)
        for part, seconds in took.items():
            found[part].append(seconds)
        tell(f"replay {number + 1}/{options.rounds}: " + ", ".join(f"{k} {v:.2f} s" for k, v in took.items()))
    whole = sum(median(times) for times in found.values())
    yield Figure("replay storm", entries / whole, "entries/s")
    for part, times in found.items():
        yield Figure(f"replay storm {part}", entries / median(times), "entries/s", median(times) / whole)


def _round(posted: list[Posted]) -> tuple[int, dict[str, float]]:
    integrations, replay = Integrations(), Replay(Policy())
    times = [perf_counter()]
    records: list[Record] = []
    for each in posted:
        found = integrations.find(each.integration)
        if found is not None:
            records.append(receive(each, *found))
    times.append(perf_counter())
    records = [decode(encode(record)) for record in records]
    times.append(perf_counter())
    for record in records:
        replay.feed(record)
    times.append(perf_counter())
    for incident in replay.result().incidents:
        to_json_bytes(incident)
    times.append(perf_counter())
    entries = sum(len(record.events) for record in records if isinstance(record, Delivery))
    parts = ("adapting", "log", "engine", "presenting")
    return entries, {part: times[n + 1] - times[n] for n, part in enumerate(parts)}
