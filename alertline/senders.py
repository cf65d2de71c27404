"""Settings of the senders: `[integrations.NAME]` and the tables below it."""

from pathlib import Path
from typing import Final

import msgspec

__all__ = ["FROM_ENVIRONMENT", "FROM_FILE", "BodyMapping", "Integration"]

FROM_ENVIRONMENT: Final = "env:"
FROM_FILE: Final = "file:"


class BodyMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the parts of an alert stand in the bodies of a sender, as [JMESPath](https://jmespath.org) expressions.

    What is left out is guessed. An expression is of one item; one that begins with `$.` is of the whole body.

    Attributes:
        items: the list of alerts in a body; without it a list is one, and anything else is one alert.
        title: one line for people.
        status: the sender's word for it; what it means: `words`.
        identity: what a condition keeps from one episode to the next.
        dedup_key: the sender's key of one alert; each of the two stands in for the other.
        severity: the sender's word for it; what it means: `severities`.
        starts_at, ends_at, changed_at: times in any common form; without a zone they are taken for UTC.
        pending_for: how long the condition held before the alert fired.
        service, host, environment: what it is about.
        description, url, runbook, value: for people.
        labels: an expression that finds an object or a list of tags, or a table of label = expression.
        words: firing, resolved, acknowledged or ignored = list of the sender's words; the usual ones are known.
        severities: critical, error, warning or info = list of the sender's words.
    """

    items: str | None = None
    title: str | None = None
    status: str | None = None
    identity: str | None = None
    dedup_key: str | None = None
    severity: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    changed_at: str | None = None
    pending_for: str | None = None
    service: str | None = None
    host: str | None = None
    environment: str | None = None
    description: str | None = None
    url: str | None = None
    runbook: str | None = None
    value: str | None = None
    labels: str | dict[str, str] = {}
    words: dict[str, tuple[str, ...]] = {}
    severities: dict[str, tuple[str, ...]] = {}


class Integration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named sender.

    Attributes:
        source: its source type: the name of a module in `ingest/sources`.
        stream: the stream that its deliveries belong to: unit of order and of one writer.
        secret: what its sender must show or sign with; a list while one is replaced by another. `env:NAME` takes it
            from the environment, `file:PATH` from a file.
        auth: how the sender shows it (docs/authentication.md); without it, in any way that its source type knows.
        header: the header that holds it, where the sender's own can be chosen: with `auth = "header"` or `"hmac"`.
        timestamp_header: the header with the time that is signed, where the sender's own can be chosen.
        tolerance: how far a signed time may lie from ours.
        topics: ARNs of the SNS topics that may post; their signatures are checked, their subscriptions confirmed.
        mapping: see its table; only with the source `generic`.
    """

    source: str
    stream: str = "default"
    secret: str | tuple[str, ...] | None = None
    auth: str | tuple[str, ...] | None = None
    header: str | None = None
    timestamp_header: str | None = None
    tolerance: str = "5m"
    topics: tuple[str, ...] = ()
    mapping: BodyMapping | None = None

    def __repr__(self) -> str:
        return f"Integration(source={self.source!r}, stream={self.stream!r}, …)"  # no secret in any log

    @property
    def secrets(self) -> tuple[str, ...]:
        """What stands under `secret`: one, several or none; references are not followed."""
        return (self.secret,) if isinstance(self.secret, str) else self.secret or ()

    def beside(self, folder: Path) -> "Integration":
        """The same with the files of its secrets found from a folder."""
        if not any(each.startswith(FROM_FILE) for each in self.secrets):
            return self
        return msgspec.structs.replace(self, secret=tuple(_beside(each, folder) for each in self.secrets))


def _beside(secret: str, folder: Path) -> str:
    return FROM_FILE + str(folder / secret.removeprefix(FROM_FILE)) if secret.startswith(FROM_FILE) else secret
