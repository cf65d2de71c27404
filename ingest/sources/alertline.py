"""What people and their tools tell Alertline: entries, changes and commands (contract §4); one object or a list."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.json_body import printable
from schemas.configuration import Configuration, mistakes
from schemas.events import Change, Command, Entry, Rejected
from schemas.vocabulary import ChangeKind, Classification, CommandName, EntryKind, MilestoneName, Severity, SlotStatus

__all__ = ["ADAPTER"]

_COMMON: Final = ("type", "at", "actor", "scope", "service")
_ENTRY: Final = frozenset((*_COMMON, "kind", "text", "ended_at", "incident", "original_time"))
_CHANGE: Final = frozenset((*_COMMON, "kind", "text", "ended_at", "labels", "url", "source_url"))
_Title = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_SlotName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Prose = Annotated[str, msgspec.Meta(max_length=200_000)]


class _Written(msgspec.Struct, frozen=True):
    """A slot as a person writes it."""

    text: _Prose = ""
    status: SlotStatus = SlotStatus.EMPTY


# what each command sets, and what each field can hold; null brings the automatic value back
_SHAPES: Final[Mapping[CommandName, Mapping[str, Any]]] = {
    CommandName.UPDATE: {
        "title": _Title | None,
        "severity": Severity | None,
        "classification": Classification | None,
        "slots": dict[_SlotName, _Written],
    },
    CommandName.DECLARE: {"title": _Title, "severity": Severity},
    CommandName.EDIT_ENTRY: {
        "pinned": bool,
        "hidden": bool,
        "note": _Prose | None,
        "kind": EntryKind,
        "text": _Prose,
        "at": _Moment,
        "ended_at": _Moment | None,
    },
}
_COMMAND: Final = frozenset(
    (*_COMMON, "command", "incident", "reason", "milestone", "to", "undo", "into", "alerts", "fields", "revision")
) | {"entries", "entry", "of", "delivery", "received_at", "indexes"}
# kinds that say something by themselves; of the others the text is all there is
_TELLING: Final = frozenset(MilestoneName) | {"declared", "impact_ended", "fix_started", "rollback", "recovering"}
_TYPES: Final = ("entry", "change", "command", "tick", "configuration")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if isinstance(document, dict) and document.get("type") == "tick":
        return _tick(Fields(document), allowed=request.ticks)
    if isinstance(document, dict) and document.get("type") == "configuration":
        return _configuration(Fields(document), allowed=request.ticks)
    events: list[Entry | Change | Command] = []
    rejected: list[Rejected] = []
    warnings: list[str] = []
    items = items_of(document, "items")
    for item, (pointer, value) in enumerate(items):
        try:
            event, warned = _read(item, Fields.of(value, pointer), request)
        except BadField as error:
            rejected.append(error.rejected(item))
        else:
            events.append(event)
            warnings.extend(warned)
    ignored = None if items else "an empty list"
    return Adapted(events=tuple(events), rejected=tuple(rejected), warnings=tuple(warnings), ignored=ignored)


def _tick(fields: Fields, *, allowed: bool) -> Adapted:
    try:
        if not allowed:
            raise BadField(
                fields.at("type"), "a tick is taken only in recorded time (serve --recorded-time) and replay"
            )
        at = fields.time("at")
        if at is None:
            raise BadField(fields.at("at"), "missing")
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))
    return Adapted(control="tick", tick=at)


def _configuration(fields: Fields, *, allowed: bool) -> Adapted:
    try:
        if not allowed:
            told = "a configuration is taken only in recorded time and replay; else `alertline config apply` sets it"
            raise BadField(fields.at("type"), told)
        configuration = msgspec.convert(fields.values.get("configuration"), Configuration)
        for mistake in mistakes(configuration):
            raise BadField(fields.at("configuration"), mistake)
    except msgspec.ValidationError as error:
        return Adapted(rejected=(Rejected(0, fields.at("configuration"), str(error)),))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))
    return Adapted(control="configuration", configuration=configuration)


def _read(item: int, fields: Fields, request: Request) -> tuple[Entry | Change | Command, tuple[str, ...]]:
    readers: dict[str, tuple[Callable[[int, Fields], Entry | Change | Command], frozenset[str]]] = {
        "entry": (_entry, _ENTRY),
        "change": (_change, _CHANGE),
        "command": (_command, _COMMAND),
    }
    kind = fields.needed("type")
    if kind not in readers:
        raise BadField(
            fields.at("type"), f"unknown word {kind[:60]!r}; one of: {', '.join(_TYPES)} (the last two stand alone)"
        )
    if kind == "command" and not request.commands:
        raise BadField(fields.at("type"), "these credentials may not give commands")
    read, known = readers[kind]
    event = read(item, fields)
    if isinstance(event, Change) and event.kind is ChangeKind.UNRECORDED and not request.ticks:
        raise BadField(fields.at("kind"), "only Alertline itself says when it could take no deliveries")
    if isinstance(event, Command) and event.command is CommandName.DISCARD_DELIVERY and not request.ticks:
        raise BadField(fields.at("command"), "a delivery is discarded by POST /v1/quarantine/{id}/discard")
    extra = _SHAPES.get(event.command, {}) if isinstance(event, Command) else ()
    return event, fields.unknown({*known, *extra})


def _entry(item: int, fields: Fields) -> Entry:
    kind = fields.word(EntryKind, "kind")
    return Entry(
        item=item,
        kind=kind,
        text=_text(fields, kind, needed=kind not in _TELLING),
        at=fields.time("at"),
        ended_at=fields.time("ended_at"),
        actor=fields.text("actor"),
        scope=fields.text("scope"),
        service=fields.text("service"),
        incident=fields.text("incident"),
        original_time=fields.text("original_time") or _written_elsewhere(fields),
    )


def _change(item: int, fields: Fields) -> Change:
    kind = fields.word(ChangeKind, "kind")
    return Change(
        item=item,
        kind=kind,
        text=_text(fields, kind, needed=True),
        at=fields.time("at"),
        ended_at=fields.time("ended_at"),
        service=fields.text("service"),
        scope=fields.text("scope"),
        actor=fields.text("actor"),
        labels=fields.labels("labels"),
        source_url=fields.text("url", "source_url"),
    )


def _text(fields: Fields, kind: str, *, needed: bool) -> str:
    if needed:
        return fields.needed("text")
    return fields.text("text") or kind.replace("_", " ")


def _written_elsewhere(fields: Fields) -> str | None:
    """The time as it was written, if that was not in UTC: people remember their own clock."""
    at, written = fields.time("at"), fields.values.get("at")
    if at is None or not isinstance(written, str) or written.strip().upper().endswith(("Z", "+00:00", "+0000")):
        return None
    return written.strip()


def _to(fields: Fields) -> datetime | None:
    """The time that a person sets; null: nobody knows it. A time that is none says neither."""
    to = fields.time("to")
    if to is None and fields.values.get("to") is not None:
        raise BadField("/to", "a time is expected here, or null: nobody knows it")
    return to


def _command(item: int, fields: Fields) -> Command:
    command = fields.word(CommandName, "command")
    milestone = fields.word(MilestoneName, "milestone") if fields.name_of(("milestone",)) else None
    event = Command(
        item=item,
        command=command,
        at=fields.time("at"),
        actor=fields.text("actor"),
        scope=fields.text("scope"),
        service=fields.text("service"),
        incident=fields.text("incident"),
        reason=fields.text("reason"),
        milestone=milestone,
        to=_to(fields),
        undo=_flag(fields, "undo"),
        into=fields.text("into"),
        alerts=_ids(fields, "alerts"),
        entries=_ids(fields, "entries"),
        entry=fields.text("entry"),
        of=fields.text("of"),
        fields=_set(fields, _SHAPES.get(command, {})),
        revision=_revision(fields),
        delivery=fields.text("delivery"),
        received_at=fields.time("received_at"),
        indexes=_indexes(fields),
    )
    _check_needs(event, fields)
    return event


def _check_needs(event: Command, fields: Fields) -> None:
    """Refuse a command that lacks what it is about."""
    match event.command:
        case CommandName.OVERRIDE_MILESTONE:
            fields.word(MilestoneName, "milestone")
            if event.undo and event.to is not None:
                raise BadField(fields.at("undo"), "either `to` or `undo`")
        case CommandName.MERGE:
            fields.needed("into")
        case CommandName.DETACH if not event.alerts:
            raise BadField(fields.at("alerts"), "missing: a list of alert ids")
        case CommandName.ATTACH | CommandName.SPLIT if not (event.alerts or event.entries):
            raise BadField(fields.at("alerts"), "missing: a list of alert ids, or `entries` with ids of entries")
        case CommandName.EDIT_ENTRY:
            fields.needed("entry")
        case CommandName.UNDO:
            fields.needed("of")
        case CommandName.DECLARE if "title" not in event.fields:
            raise BadField(fields.at("title"), "missing")
        case CommandName.DISCARD_DELIVERY:
            fields.needed("delivery")
            if event.received_at is None:
                raise BadField(fields.at("received_at"), "missing: the receive time of the copy that is meant")
    if event.command in (CommandName.UPDATE, CommandName.EDIT_ENTRY) and not event.fields:
        raise BadField(fields.at("fields"), f"missing: an object with some of {', '.join(_SHAPES[event.command])}")


def _flag(fields: Fields, name: str) -> bool:
    value = fields.values.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadField(fields.at(name), "true or false is expected here")


def _revision(fields: Fields) -> int | None:
    value = fields.values.get("revision")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise BadField(fields.at("revision"), "a whole number is expected here")


def _ids(fields: Fields, name: str) -> tuple[str, ...]:
    value = fields.values.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadField(fields.at(name), "a list of ids is expected here")
    return tuple(value)


def _indexes(fields: Fields) -> tuple[int, ...] | None:
    value = fields.values.get("indexes")
    if value is None:
        return None
    if not isinstance(value, list) or not all(type(index) is int for index in value):
        raise BadField(fields.at("indexes"), "a list of whole numbers is expected here")
    return tuple(value)


def _set(fields: Fields, shapes: Mapping[str, Any]) -> dict[str, object]:
    """What a command sets: under `fields`, or beside the command's own fields; each as the field can hold it."""
    given = fields.values.get("fields") if shapes else None
    if given is not None and not isinstance(given, dict):
        raise BadField(fields.at("fields"), "an object is expected here")
    beside = {name: fields.values[name] for name in shapes if name in fields.values and name not in _COMMON}
    found: dict[str, object] = {}
    for name, value in (beside | (given or {})).items():
        if name not in shapes:
            raise BadField(fields.at(name), f"cannot be set; one of: {', '.join(shapes)}")
        try:
            # shown to everybody from then on: it must be what it claims to be
            found[name] = msgspec.to_builtins(msgspec.convert(_tidied(name, value), shapes[name]))
        except msgspec.ValidationError as error:
            raise BadField(fields.at(name), str(error)) from error
    return found


def _printable(slot: object) -> object:
    if isinstance(slot, dict) and isinstance(text := slot.get("text"), str):
        return {**slot, "text": printable(text)}
    return slot


def _tidied(name: str, value: object) -> object:
    if name in ("title", "text", "note") and isinstance(value, str):
        return printable(value)
    if name == "slots" and isinstance(value, dict):
        return {key: _printable(slot) for key, slot in value.items()}
    if name not in ("at", "ended_at") or value is None:
        return value
    try:
        at = msgspec.convert(value, datetime)
        return at if at.tzinfo is None else at.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return value


def _detect(request: Request) -> bool:
    items = items_of(request.sniffed, "items")
    first = items[0][1] if items else None
    return (
        isinstance(first, dict)
        and first.get("type") in _TYPES
        and not first.keys().isdisjoint(("kind", "command", "at"))
    )


ADAPTER = Adapter(
    name="alertline",
    version=1,
    about=About(
        title="Alertline entries, changes and commands",
        paste='curl -H "Content-Type: application/json" {url} '
        '-d \'{"type": "change", "kind": "deploy", "text": "api 1.2 deployed", "service": "api"}\'',
        reads="Entries (kind, text, at, ended_at, actor, scope, service, incident), changes (kind, text, at, ended_at, "
        "service, scope, actor, labels, url) and commands (command, incident, at, reason and what the command needs).",
        cannot_know="When it happened, if `at` is left out: then it is the time of receipt.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=10,
    own=True,
)
