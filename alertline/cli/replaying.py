"""From the lines of a recording to what `replay` prints."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import click
import msgspec
import orjson

from alertline.cli.progress import Advance
from alertline.config import Settings
from alertline.configuring import configuration_of
from alertline.errors import AlertlineError
from alertline.incidents.policy import policy_of
from alertline.incidents.telling.difference import difference, difference_text
from alertline.incidents.telling.draft import draft
from alertline.incidents.telling.export import public_item
from alertline.incidents.telling.plaintext import incident_text
from alertline.wiring.integrations import integrations_of
from consumers.isolating import MOST_FAILED, why_passed_over
from consumers.replay import Replay, Replayed
from ingest.intake import receive
from ingest.integrations import Integrations
from ingest.recording import Line
from schemas.events import AlertEvent, Event
from schemas.public import as_public
from schemas.records import Configured, Delivery, Record
from schemas.vocabulary import Outcome

__all__ = ["compare_lines", "record_of", "replay_lines", "replayed"]


def replay_lines(
    lines: Iterable[Line], settings: Settings, *, form: str, events: bool, advance: Advance, fixed: bool = False
) -> str:
    """Replay the lines and render what they come to; `fixed` as in `replayed`."""
    told: list[dict[str, object]] = []
    result = replayed(
        lines, settings, advance=advance, tell=lambda line, record: told.append(_told(line, record)), fixed=fixed
    )
    return _rendered(result, form, told if events else None)


def replayed(
    lines: Iterable[Line],
    settings: Settings,
    *,
    advance: Advance,
    tell: Callable[[Line, Record], None] | None = None,
    fixed: bool = False,
) -> Replayed:
    """What the lines come to under these settings; `tell` hears what each was read as.

    `fixed`: the settings hold throughout; else what the recording itself says was configured holds from there on.
    A record on which the core fails is left out, and told of, as a server does.

    Raises:
        AlertlineError: it fails on very many.
    """
    integrations, replay, failed = integrations_of(settings), Replay(policy_of(configuration_of(settings))), 0
    for line in lines:
        record = record_of(line, integrations)
        if not (fixed and isinstance(record, Configured)):
            try:
                replay.feed(record)
            except Exception as error:
                failed += 1
                if failed > MOST_FAILED:
                    told = f"the core fails on more than {MOST_FAILED} lines; on line {line.number}: {error!r}"
                    raise AlertlineError(told) from error
                replay.leave_out(record)
                record = _left_out(line, record, error)
        if tell is not None:
            tell(line, record)
        advance()
    replay.run_on()
    return replay.result()


def _left_out(line: Line, record: Record, error: Exception) -> Record:
    reason = why_passed_over(error)
    click.echo(f"line {line.number} is left out: {reason}", err=True)
    if not isinstance(record, Delivery):
        return record
    return msgspec.structs.replace(record, outcome=Outcome.QUARANTINED, reason=reason)


def compare_lines(
    lines: Iterable[Line], settings: tuple[Settings, Settings], names: tuple[str, str], *, form: str, advance: Advance
) -> str:
    """Replay the lines under two settings and render what is different."""
    read = list(lines)
    first, second = (replayed(read, each, advance=advance, fixed=True) for each in settings)
    found = difference(first.incidents, second.incidents)
    return orjson.dumps(found).decode() if form == "json" else difference_text(found, names)


def record_of(line: Line, integrations: Integrations) -> Record:
    """The record that a server would have written for this line."""
    # one of a source that this version cannot read is kept and told, as a server keeps it
    integration, adapter = integrations.nearest(line.posted.integration, line.source, line.stream)
    return receive(line.posted, integration, adapter, ticks=line.ticks)


def _rendered(result: Replayed, form: str, told: list[dict[str, object]] | None) -> str:
    if form == "md":
        return "\n\n".join(draft(incident) for incident in result.incidents)
    if form == "text":
        return "\n\n".join(incident_text(incident) for incident in result.incidents) or "no incidents"
    document: dict[str, object] = {
        "incidents": [as_public(incident) for incident in result.incidents],
        "unattached": [public_item(item) for item in result.unattached],
    }
    if told is not None:
        document["deliveries"] = told
    return orjson.dumps(document, option=orjson.OPT_UTC_Z).decode()


_NOTHING: Final[dict[str, object]] = {"events": [], "rejected": []}


def _told(line: Line, record: Record) -> dict[str, object]:
    """What one line was read as (contract §2): times as the sender stated them."""
    if not isinstance(record, Delivery):
        reason = str(record.__struct_config__.tag)
        return {"line": line.number, "source": line.source, "outcome": "control", "reason": reason, **_NOTHING}
    return {
        "line": line.number,
        "source": record.source,
        "outcome": record.outcome,
        "reason": record.reason,
        "events": [_event(event) for event in record.events],
        "rejected": [msgspec.to_builtins(each) for each in record.rejected],
    }


_ALWAYS = (
    "status",
    "severity",
    "dedup_key",
    "title",
    "starts_at",
    "ends_at",
    "service",
    "host",
    "environment",
    "labels",
)


def _event(event: Event) -> dict[str, object]:
    """One event, all of its fields, the contract's first; `kind` says which sort it is."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    sort = str(event.__struct_config__.tag)
    told: dict[str, object] = {"kind": sort}
    if not isinstance(event, AlertEvent):
        told[f"{sort}_kind"] = fields.pop("kind", None)
        fields["title"] = fields.get("text", fields.get("title", ""))
        fields["starts_at"], fields["ends_at"] = fields.get("at"), fields.get("ended_at")
        fields["environment"] = fields.get("scope")
    told |= {name: _plain(fields.pop(name, None)) for name in _ALWAYS}
    return told | {name: _plain(value) for name, value in fields.items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value
    return msgspec.to_builtins(value)
