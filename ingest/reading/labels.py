"""Labels: what they say about service, host and environment, and the fingerprint that Alertmanager makes of them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import orjson

from ingest.reading.json_body import printable

__all__ = ["environment_of", "fingerprint", "first_of", "host_of", "service_of", "stated", "string_labels", "text_of"]

_SERVICE: Final = (
    "service",
    "app",
    "app_kubernetes_io_name",
    "app.kubernetes.io/name",
    "service_name",
    "service.name",
    "job",
)
_HOST: Final = ("instance", "host", "hostname", "node", "pod", "exported_instance")
# neither cluster nor tier: both name a part of one environment at least as often as an environment
_ENVIRONMENT: Final = (
    "environment",
    "env",
    "deployment.environment",
    "deployment_environment",
    "deployment.environment.name",
    "deployment_environment_name",
    "stage",
)
_ENVIRONMENT_NAMES: Final = frozenset(_ENVIRONMENT)  # mostly there is none: one look instead of seven
_FNV_OFFSET: Final = 14695981039346656037
_FNV_PRIME: Final = 1099511628211
_SEPARATOR: Final = b"\xff"


def first_of(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The value of the first of these labels that is there and not empty."""
    for name in names:
        value = labels.get(name)
        if value:
            return value
    return None


def service_of(labels: Mapping[str, str]) -> str | None:
    """The service that labels name; a Prometheus job where there is nothing better."""
    return first_of(labels, _SERVICE)


def host_of(labels: Mapping[str, str]) -> str | None:
    """The host (machine, pod, target) that labels name, with its port where it has one."""
    return first_of(labels, _HOST)


def environment_of(labels: Mapping[str, str]) -> str | None:
    """The environment that labels name."""
    return None if _ENVIRONMENT_NAMES.isdisjoint(labels) else first_of(labels, _ENVIRONMENT)


def fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's fingerprint of labels: FNV-1a, 64 bits, 16 hexadecimal digits; empty values do not count."""
    return _fnv1a(tuple(sorted((name, value) for name, value in labels.items() if value)))


@lru_cache(maxsize=8192)  # notifications repeat, and a byte at a time is slow here
def _fnv1a(pairs: tuple[tuple[str, str], ...]) -> str:
    data = b"".join(part.encode() + _SEPARATOR for pair in pairs for part in pair)
    digest = _FNV_OFFSET
    for byte in data:
        digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


def text_of(value: object) -> str:
    """Any JSON value as the string that a label holds; null as the empty string."""
    match value:
        case str():
            return printable(value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return printable(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str).decode())


def string_labels(values: Mapping[str, object]) -> dict[str, str]:
    """Labels of any JSON values as strings; null is left out."""
    return {printable(str(name)): text_of(value) for name, value in values.items() if value is not None}


def stated(**labels: str | None) -> dict[str, str]:
    """Those of the labels that are there and not empty."""
    return {name: value for name, value in labels.items() if value}
