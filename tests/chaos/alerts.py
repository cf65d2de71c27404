"""What the senders of a run have to tell: drawn from its seed, and what must be the result of all of it.

Every delivery is unlike any other, so each that was answered 2xx must be counted once in every alert that it names.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import orjson

from alertline.clock import now

__all__ = ["KINDS", "STREAMS", "Alert", "Post", "Teller", "configuration"]

STREAMS: Final = ("default", "shop", "pay", "edge")
KINDS: Final = ("alertmanager", "aws_sns_cloudwatch", "generic")
_OPEN: Final = "0001-01-01T00:00:00Z"
_ACCOUNT: Final = "210987654321"


class Alert(msgspec.Struct):
    """What must be shown of one alert: how many notifications, and its episodes."""

    notifications: int = 0
    episodes: list[tuple[datetime, datetime | None]] = []


class Post(msgspec.Struct, frozen=True):
    """One delivery: where it goes, what it says, and the alerts that it is about, each with its episode as it says it.

    Attributes:
        keyed: whether its sender gives it an id of its own, in a header or in the body.
    """

    name: str
    path: str
    body: bytes
    headers: dict[str, str]
    keyed: bool
    about: tuple[tuple[str, datetime, datetime | None], ...]

    def count(self, alerts: dict[str, Alert]) -> None:
        """Take it into what must be the result."""
        for key, start, end in self.about:
            alert = alerts.setdefault(key, Alert())
            alert.notifications += 1
            alert.episodes = [each for each in alert.episodes if each[0] != start] + [(start, end)]


def configuration() -> str:
    """The integrations that the senders post to; windows are short, so that timers fall due while it is being broken.

    Nothing is held for flapping: what catches up after an outage comes and goes at once.
    """
    lines = ['[windows]\nquiet = "3s"\nreopen = "2s"', "[thresholds]\nflaps = 99"]
    for kind in KINDS:
        lines += [f'[integrations.{kind}-{each}]\nsource = "{kind}"\nstream = "{each}"' for each in STREAMS]
    return "\n".join([*lines, ""])


class Teller:
    """One sender's story: outages one after the other, each a group of alerts that fire, are repeated and resolve."""

    def __init__(self, seed: int, number: int) -> None:
        self._chance = random.Random(f"{seed} sender {number}")
        self._number, self._count, self._groups = number, 0, 0
        self.kind = KINDS[number % len(KINDS)]
        self._stream = STREAMS[number // len(KINDS) % len(STREAMS)]
        self._path = f"/v1/webhooks/{self.kind}-{self._stream}"

    def posts(self) -> Iterator[Post]:
        """One delivery after the other, without end."""
        while True:
            self._groups += 1
            yield from self._outage(f"{self._number}-{self._groups}")

    def _outage(self, name: str) -> Iterator[Post]:
        """A group of alerts: some fire, more join, all is repeated, and all but a few resolve; some fire once more."""
        starts: dict[str, datetime] = {}
        for _ in range(self._chance.randint(1, 4)):
            for _ in range(self._chance.randint(1, 2)):
                starts[f"{name}-{len(starts)}"] = now()
            yield from self._told(name, {key: (start, None) for key, start in starts.items()})
        for _ in range(self._chance.randint(0, 8)):
            yield from self._told(name, {key: (start, None) for key, start in starts.items()})
        if self._chance.random() < 0.02:
            return  # it fires for good
        yield from self._told(name, {key: (start, now()) for key, start in starts.items()})
        if self._chance.random() < 0.2:
            again = {key: now() + timedelta(milliseconds=1) for key in starts if self._chance.random() < 0.5}
            if again:
                yield from self._told(name, {key: (start, None) for key, start in again.items()})
                yield from self._told(name, {key: (start, max(start, now())) for key, start in again.items()})

    def _told(self, group: str, alerts: dict[str, tuple[datetime, datetime | None]]) -> Iterator[Post]:
        """The deliveries that say so: one of a batch, or one for each alert where the vendor has no batches."""
        if self.kind == "aws_sns_cloudwatch":
            for name, (start, end) in alerts.items():
                yield self._sns(group, name, start, end)
        elif self.kind == "generic":
            yield self._generic(group, alerts)
        else:
            yield self._alertmanager(group, alerts)

    def _next(self) -> str:
        self._count += 1
        return f"s{self._number}-{self._count}"

    def _post(self, name: str, body: object, about: dict[str, tuple[datetime, datetime | None]], key: str = "") -> Post:
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        keyed = bool(key) or self.kind == "aws_sns_cloudwatch"
        told = tuple((alert, start, end) for alert, (start, end) in about.items())
        return Post(name, self._path, orjson.dumps(body), headers, keyed, told)

    def _alertmanager(self, group: str, alerts: dict[str, tuple[datetime, datetime | None]]) -> Post:
        name = self._next()
        told = [self._item(group, each, name, start, end) for each, (start, end) in alerts.items()]
        ended = all(each["status"] == "resolved" for each in told)
        body = {
            "version": "4", "groupKey": f'{{}}:{{group="{group}"}}', "status": "resolved" if ended else "firing",
            "receiver": "alertline", "groupLabels": {"group": group}, "commonLabels": {}, "commonAnnotations": {},
            "externalURL": "http://alertmanager.example:9093", "truncatedAlerts": 0, "alerts": told,
        }  # fmt: skip
        return self._post(name, body, {f"f{each}": span for each, span in alerts.items()})

    def _item(self, group: str, name: str, delivery: str, start: datetime, end: datetime | None) -> dict[str, Any]:
        return {
            "status": "resolved" if end else "firing",
            "labels": {"alertname": f"alert {name}", "service": f"svc-{group}", "severity": "critical",
                       "environment": self._scope(group)},
            "annotations": {"summary": f"{name} is broken", "value": delivery},
            "startsAt": start.isoformat(), "endsAt": end.isoformat() if end else _OPEN,
            "generatorURL": "http://prometheus.example/graph", "fingerprint": f"f{name}",
        }  # fmt: skip

    def _generic(self, group: str, alerts: dict[str, tuple[datetime, datetime | None]]) -> Post:
        name = self._next()
        items = [
            {"title": f"{each} is broken", "dedup_key": f"g{each}", "status": "resolved" if end else "firing",
             "severity": "error", "service": f"svc-{group}", "environment": self._scope(group),
             "starts_at": start.isoformat(), "value": name} | ({"ends_at": end.isoformat()} if end else {})
            for each, (start, end) in alerts.items()
        ]  # fmt: skip
        key = f"key-{name}" if self._chance.random() < 0.5 else ""
        return self._post(name, items, {f"g{each}": span for each, span in alerts.items()}, key)

    def _sns(self, group: str, alarm: str, start: datetime, end: datetime | None) -> Post:
        name = self._next()
        message = {
            "AlarmName": alarm, "AWSAccountId": _ACCOUNT, "NewStateValue": "OK" if end else "ALARM",
            "OldStateValue": "ALARM" if end else "OK", "NewStateReason": f"Threshold crossed ({name})",
            "StateChangeTime": (end or start).isoformat(timespec="milliseconds").replace("+00:00", "+0000"),
            "Region": "EU (Frankfurt)",
            "Trigger": {"MetricName": "Errors", "Namespace": f"Own/svc-{group}", "Period": 60, "EvaluationPeriods": 1,
                        "Dimensions": [{"name": "Service", "value": f"svc-{group}"}], "Threshold": 1.0},
        }  # fmt: skip
        body = {
            "Type": "Notification", "MessageId": f"m-{name}", "Timestamp": now().isoformat(),
            "TopicArn": f"arn:aws:sns:eu-central-1:{_ACCOUNT}:alarms", "Message": orjson.dumps(message).decode(),
            "SignatureVersion": "1",
        }  # fmt: skip
        key = f"arn:aws:cloudwatch:eu-central-1:{_ACCOUNT}:alarm:{alarm}"
        return self._post(name, body, {key: (_milliseconds(start), end and _milliseconds(end))})

    def _scope(self, group: str) -> str:
        return f"env-{group}"


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
