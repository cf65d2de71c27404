"""Requests of the receiver benchmark: one Alertmanager alert each, in the mixtures that matter to the correlator."""

import json
import random
from collections.abc import Callable
from typing import Final

__all__ = ["MIXTURES", "requests_of"]

_LABELS: Final = {
    "alertname": "HighErrorRate",
    "environment": "production",
    "instance": "10.2.3.4:9090",
    "namespace": "shop",
    "service": "checkout",
    "severity": "critical",
}
_ANNOTATIONS: Final = {
    "description": "5xx rate is above 5 % for 5 minutes on checkout, instance 10.2.3.4:9090. See the newest deploy.",
    "runbook_url": "https://runbooks.example/checkout/high-error-rate",
    "summary": "High error rate on checkout",
}
_KNOWN: Final = 500  # alerts that refreshes are about
_REFRESHED: Final = 0.9

MIXTURES: Final = {
    "identical": "the same bytes again and again: duplicates of one delivery",
    "fingerprints": "every request is another alert of one service",
    "starts": "every request is another episode of one alert",
    "refreshes": "nine of ten repeat one of 500 alerts, the tenth is a new one",
}


def requests_of(mixture: str) -> Callable[[], bytes]:
    """What gives the next request of a mixture, as bytes for the wire; the same ones in every round."""
    draw, count = random.Random(mixture), iter(range(10**9))

    def request() -> bytes:
        number = next(count)
        if mixture == "identical":
            return _request(0, 0, 0)
        if mixture == "starts":
            return _request(0, number, number)
        if mixture == "refreshes" and draw.random() < _REFRESHED:
            return _request(draw.randrange(_KNOWN), 0, number)
        return _request(number + _KNOWN, 0, number)

    return request


def _request(alert: int, start: int, value: int) -> bytes:
    seconds = 1_700_000_000 + start
    body = _BODY % (_LABELS_OF % (alert % 100, alert % 250), value, _time(seconds), alert)
    return _HEAD % len(body) + body


def _time(seconds: int) -> bytes:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return b"2025-%02d-%02dT%02d:%02d:%02d.123Z" % (days // 28 % 12 + 1, days % 28 + 1, hour, minute, second)


def _escaped(text: str) -> bytes:
    return text.encode().replace(b"%", b"%%")


def _template() -> tuple[bytes, bytes]:
    labels = _escaped(json.dumps(_LABELS)).replace(b"10.2.3.4:9090", b"10.2.%d.%d:9090")
    body = {
        "receiver": "alertline",
        "status": "firing",
        "alerts": ["@"],
        "groupLabels": {"alertname": "HighErrorRate"},
        "externalURL": "http://alertmanager.example:9093",
        "version": "4",
        "groupKey": '{}:{alertname="HighErrorRate"}',
        "truncatedAlerts": 0,
    }
    alert = (
        b'{"status":"firing","labels":%s,"annotations":'
        + _escaped(json.dumps(_ANNOTATIONS | {"value": "@"})).replace(b'"@"', b'"%d"')
        + b',"startsAt":"%s","endsAt":"0001-01-01T00:00:00Z",'
        b'"generatorURL":"http://prometheus.example/graph?g0.expr=rate","fingerprint":"%016x"}'
    )
    return _escaped(json.dumps(body)).replace(b'"@"', alert), labels


_BODY, _LABELS_OF = _template()
_HEAD: Final = (
    b"POST /v1/webhooks/alertmanager HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Alertmanager/0.28.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)
