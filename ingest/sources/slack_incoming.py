"""Slack's incoming webhook, for senders that know nothing else: alerts where their state is clear, else notes."""

import html
import re
from hashlib import blake2b
from typing import Final

import msgspec

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.forms import payload_of
from ingest.reading.labels import environment_of, host_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.statuses import status_of
from schemas.events import AlertEvent, Entry
from schemas.vocabulary import AlertStatus, EntryKind

__all__ = ["ADAPTER"]

_CLEAR: Final = (
    "firing|alerting|triggered|alarm|problem|critical|warning|error|down|"
    "up|ok|resolved|recovered|recovery|cleared|closed|normal|acknowledged"
)
# signs and pictures, then [FIRING:2], RESOLVED: and the like; some senders write two of them
_PREFIX: Final = re.compile(
    r"(?::[\w+-]+:|[^\w\[:])*"
    rf"(?:\[\s*({_CLEAR})(?:\s*:\s*\d+)?\s*\]|({_CLEAR})(?::\s*\d+)?[*_]*\s*[:|])[-–—:|*_\s]*",
    re.IGNORECASE,
)
# the colours with a name, and what senders that everybody knows write in their place
_COLOURS: Final = {
    **dict.fromkeys(("danger", "#a30200", "#d63232", "#e01e5a", "#e96d76", "#ff0000"), AlertStatus.FIRING),
    **dict.fromkeys(("warning", "#daa038", "#f2c744", "#f4c030"), AlertStatus.FIRING),
    **dict.fromkeys(("good", "#2eb886", "#36a64f", "#2eb67d", "#18be52", "#00ff00"), AlertStatus.RESOLVED),
}
_LINK: Final = re.compile(r"<((?:https?|mailto):[^>|\s]*)(?:\|([^>]*))?>")
_LONGEST: Final = 4000


class _Part(msgspec.Struct, frozen=True):
    """The message, or one attachment of it, in plain words."""

    title: str
    text: str
    colour: str
    link: str | None
    fields: dict[str, str]
    said: Lenient


def _adapt(request: Request) -> Adapted:
    warnings: list[str] = []
    try:
        message = Lenient(Fields.of(payload_of(request), ""), warnings)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))
    whole, parts = _message(message), [_attachment(each) for each in message.list_of("attachments")]
    read = [_alert(item, part) for item, part in enumerate([*parts, whole])]
    alerts = [alert for alert in read[:-1] if alert is not None] or [alert for alert in read[-1:] if alert is not None]
    if alerts:
        return Adapted(events=tuple(alerts), warnings=tuple(warnings))
    lines = [line for part in (whole, *parts) for line in (part.title, part.text) if line]
    text = "\n".join(dict.fromkeys(lines))[:_LONGEST]
    if not text:
        return Adapted(ignored="a message without text")
    note = Entry(kind=EntryKind.NOTE, text=text, actor=message.text("username"))
    return Adapted(events=(note,), warnings=tuple(warnings))


def _message(message: Lenient) -> _Part:
    blocks = message.list_of("blocks")
    headings = [_words(block.inner("text")) for block in blocks if block.text("type") == "header"]
    told = [line for block in blocks if block.text("type") != "header" for line in _of_block(block)]
    title, _, rest = _plain(message.text("text")).partition("\n")
    body = "\n".join(line for line in (rest.strip(), *told) if line)
    return _Part(next(iter(headings), "") or title.strip() or body.partition("\n")[0], body, "", None, {}, message)


def _of_block(block: Lenient) -> list[str]:
    inside = (block.inner("text"), *block.list_of("fields"), *block.list_of("elements"))
    return [words for each in inside if (words := _words(each))]


def _words(text: Lenient) -> str:
    return _plain(text.text("text")) if text.text("type") in ("mrkdwn", "plain_text") else ""


def _attachment(part: Lenient) -> _Part:
    text = _plain(part.text("text"))
    title = _plain(part.text("title")) or _plain(part.text("pretext")) or text.partition("\n")[0].strip()
    title = title or _plain(part.text("fallback"))
    blocks = "\n".join(line for block in part.list_of("blocks") for line in _of_block(block))
    fields = {
        _plain(each.text("title")).rstrip(":").strip(): _plain(each.text("value")) for each in part.list_of("fields")
    }
    return _Part(
        title or blocks.partition("\n")[0],
        text or blocks,
        (part.text("color") or "").lower(),
        part.text("title_link"),
        {name: value for name, value in fields.items() if name and value},
        part,
    )


def _alert(item: int, part: _Part) -> AlertEvent | None:
    """The alert that a part tells of; None where it does not say clearly whether something fires or is over."""
    status, name = _state(part)
    if status is None or not name:
        return None
    labels = {label.lower(): value for label, value in part.fields.items()}
    severity = labels.get("severity") or labels.get("priority")
    at, key = part.said.time("ts"), f"auto:1:{blake2b(name.encode(errors='replace'), digest_size=10).hexdigest()}"
    resolved = status is AlertStatus.RESOLVED
    return AlertEvent(
        item=item,
        status=status,
        identity=key,
        dedup_key=key,
        title=part.title,
        severity=severity_of(severity),
        severity_raw=severity or part.colour or None,
        starts_at=None if resolved else at,
        ends_at=at if resolved else None,
        description=part.text if part.text and part.text != part.title else None,
        service=service_of(labels),
        host=host_of(labels),
        environment=environment_of(labels),
        labels=part.fields,
        source_url=part.link,
    )


def _state(part: _Part) -> tuple[AlertStatus | None, str]:
    """What the title's prefix says, else the colour; and the title without prefixes, which is all that stays."""
    found, name = None, part.title
    while (match := _PREFIX.match(name)) is not None:
        found, rest = found or status_of(match.group(1) or match.group(2)), name[match.end() :]
        if not rest:
            break
        name = rest
    return found or _COLOURS.get(part.colour), name.strip(" *_")


def _plain(text: str | None) -> str:
    """Slack's markup as plain text: links by their names, entities as what they stand for."""
    return html.unescape(_LINK.sub(lambda link: link.group(2) or link.group(1), text or "")).strip()


def _detect(request: Request) -> bool:
    if request.body.lstrip().startswith(b"payload="):
        return "x-github-event" not in request.headers and _looks_like_slack(request)
    return _looks_like_slack(request)


def _looks_like_slack(request: Request) -> bool:
    try:
        document = payload_of(request)
    except ValueError:
        return False
    if not isinstance(document, dict) or "alerts" in document:
        return False
    attachments, blocks = document.get("attachments"), document.get("blocks")
    first = next((part[0] for part in (attachments, blocks) if isinstance(part, list) and part), None)
    return isinstance(first, dict) and not {"color", "fallback", "mrkdwn_in", "type"}.isdisjoint(first)


ADAPTER = Adapter(
    name="slack_incoming",
    version=1,
    about=About(
        title="Senders that post to Slack",
        paste="Where the sender asks for the URL of a Slack incoming webhook: {url}.",
        reads="[FIRING], [RESOLVED] and the like before the title, else the colour (danger, warning, good): then an "
        "alert, with its title, text, fields and ts. Everything else becomes a note.",
        cannot_know="Any key: an alert is known by its title without the prefix, so that the title must not change "
        "from firing to resolved. Mostly neither times nor a severity. Use the sender's own webhook if it has one.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=60,
    secrets=("token",),
    success="ok",
)
