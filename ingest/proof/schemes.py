"""All schemes by name, and those that a source type knows by itself."""

from collections.abc import Iterable, Mapping
from typing import Final

from ingest.proof.scheme import Check, Scheme, Terms
from ingest.proof.shared import SHARED
from ingest.proof.signed import SIGNED
from ingest.proof.standard import PREFIX, STANDARD

__all__ = ["COMMON", "OF_SOURCE", "checks", "schemes", "ways_of"]

COMMON: Final = ("bearer", "basic", "path")
"""What nearly every sender can do."""

OF_SOURCE: Final[Mapping[str, tuple[str, ...]]] = {
    "aws_sns_cloudwatch": ("sns",),
    "cloudevents": ("standard",),
    "flux": ("flux",),
    "generic": ("standard",),
    "github": ("github",),
    "gitlab": ("gitlab", "standard"),
    "grafana": ("grafana",),
    "honeycomb": ("honeycomb",),
    "launchdarkly": ("launchdarkly",),
    "opsgenie": ("genie_key",),
    "pagerduty_events_v2": ("routing_key",),
    "pagerduty_webhook_v3": ("pagerduty",),
    "sentry": ("sentry",),
    "slack_incoming": ("slack",),
    "statuscake": ("statuscake",),
}
"""What a source type's senders do besides."""


def schemes(more: Iterable[Scheme] = ()) -> dict[str, Scheme]:
    """Every scheme by its name; `more`: those that need something of the outside, such as SNS."""
    return {each.name: each for each in (*SHARED, *SIGNED, STANDARD, *more)}


def ways_of(source: str, terms: Terms) -> tuple[str, ...]:
    """The schemes that an integration of this source accepts while none is named: each that can hold its secrets."""
    ways = [*OF_SOURCE.get(source, ()), *COMMON] if terms.secrets else ["sns"]
    if not terms.topics:
        ways = [each for each in ways if each != "sns"]
    if not any(each.startswith(PREFIX) for each in terms.secrets):
        ways = [each for each in ways if each != STANDARD.name]
    if terms.header is not None and "grafana" not in ways:
        ways.append("header")
    return tuple(ways)


def checks(names: Iterable[str], terms: Terms, known: Mapping[str, Scheme]) -> tuple[Check, ...]:
    """The checks of these schemes.

    Raises:
        ValueError: there is no such scheme, or it lacks something.
    """
    found = []
    for name in names:
        scheme = known.get(name)
        if scheme is None:
            raise ValueError(f"unknown auth {name!r}; one of: {', '.join(sorted(known))}")
        found.append(scheme.make(terms))
    return tuple(found)
