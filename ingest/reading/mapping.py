"""A mapping by configuration: which part of an alert stands where in a body, as JMESPath expressions.

What a mapping names is read from there and nowhere else; what it leaves out is guessed. Every part knows its path.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import jmespath
import msgspec
from jmespath.exceptions import (
    ArityError,
    EmptyExpressionError,
    JMESPathError,
    LexerError,
    ParseError,
    UnknownFunctionError,
)

from ingest.adapter import Adapted, Request
from ingest.reading.durations import BadDuration, read_duration
from ingest.reading.fields import BadField, pointer_of
from ingest.reading.forms import document_form_or_query
from ingest.reading.guessed_status import meaning_of
from ingest.reading.guessed_times import plain_time
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, host_of, service_of, string_labels, text_of
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.unknown_shape import Guess, guess
from schemas.events import AlertEvent, Rejected
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["LABEL", "PARTS", "BadMapping", "Mapped", "compile_mapping", "read_mapped"]

TEXTS: Final = ("title", "identity", "dedup_key", "service", "host", "environment", "description", "url", "runbook")
TIMES: Final = ("starts_at", "ends_at", "changed_at")
PARTS: Final = ("items", "status", "severity", "pending_for", "value", "labels", *TEXTS, *TIMES)
LABEL: Final = "labels."  # before the name of a label that has an expression of its own
_WHOLE: Final = "$."  # an expression that begins so is of the whole body, not of one item
_NEEDED: Final = ("title", "status", "identity", "dedup_key")
_IGNORED: Final = "ignored"
_FALSE: Final[tuple[object, ...]] = (None, False, "", [], {})


class BadMapping(ValueError):
    """An expression or a word that cannot be used; the message says where and why."""


class _Expression(msgspec.Struct, frozen=True):
    """One expression, parsed once."""

    text: str
    parsed: Any
    whole: bool


class Mapped(msgspec.Struct, frozen=True):
    """A mapping that was checked.

    Attributes:
        expressions: by part; a single label's part is `labels.NAME`.
        words: statuses by the sender's words in lower case; None means neither.
        severities: severities by the sender's words in lower case.
    """

    expressions: dict[str, _Expression]
    words: dict[str, AlertStatus | None] = {}
    severities: dict[str, Severity] = {}


def compile_mapping(
    expressions: Mapping[str, str], words: Mapping[str, Iterable[str]], severities: Mapping[str, Iterable[str]]
) -> Mapped:
    """Check and parse a mapping.

    Raises:
        BadMapping: an expression cannot be parsed, or a word stands for two things.
    """
    return Mapped(
        expressions={part: _compiled(part, text) for part, text in expressions.items()},
        words=_table(
            "words", words, lambda name: None if name == _IGNORED else AlertStatus(name), (*AlertStatus, _IGNORED)
        ),
        severities=_table("severities", severities, Severity, tuple(Severity)),
    )


def _status_of(name: str) -> AlertStatus | None:
    return None if name == _IGNORED else AlertStatus(name)


def _table(place: str, given: Mapping[str, Iterable[str]], make: Callable[[str], Any], known: tuple[str, ...]) -> Any:
    found: dict[str, Any] = {}
    for name, words in given.items():
        if name not in known:
            raise BadMapping(f"{place}: unknown {name!r}; one of: {', '.join(known)}")
        for word in words:
            if found.setdefault(word.lower(), make(name)) != make(name):
                raise BadMapping(f"{place}: {word!r} stands twice, with two meanings")
    return found


def _compiled(part: str, text: str) -> _Expression:
    whole = text.startswith(_WHOLE)
    try:
        parsed = jmespath.compile(text.removeprefix(_WHOLE))
        parsed.search({})  # functions are looked up only now
    except (UnknownFunctionError, ArityError) as error:
        raise BadMapping(f"{part}: {text!r}: {str(error)[:1].lower()}{str(error)[1:]}") from None
    except EmptyExpressionError:
        raise BadMapping(f"{part}: an expression is expected, not nothing") from None
    except (ParseError, LexerError) as error:
        at = error.lex_position if isinstance(error, ParseError) else error.lexer_position
        at = (len(text) if at is None else at + (len(_WHOLE) if whole else 0)) + 1
        raise BadMapping(f"{part}: {text!r} is no JMESPath expression: mistake at character {at}") from None
    except JMESPathError:
        pass  # of no use on nothing, perhaps on a body
    return _Expression(text, parsed, whole)


def read_mapped(request: Request, mapping: Mapped, otherwise: Callable[[Request], Adapted]) -> Adapted:
    """Read a body by a mapping; `otherwise` reads bodies in which it finds no items.

    Raises:
        Unreadable: the body is neither JSON nor a form.
    """
    document = document_form_or_query(request)
    items = _items(document, mapping)
    if items is None:
        adapted = otherwise(request)
        warning = f"the mapping finds no items at {mapping.expressions['items'].text!r}: read without it"
        return msgspec.structs.replace(adapted, warnings=(*adapted.warnings, warning))
    events, paths, rejected, warnings, neither = [], [], [], [], 0
    for index, (pointer, value) in enumerate(items):
        one = _Item(document, value, pointer, mapping, index)
        try:
            event = one.event()
        except BadField as error:
            rejected.append(error.rejected(index))
            continue
        warnings.extend(one.warnings)
        if event is None:
            neither += 1
            rejected.append(Rejected(index, pointer, "its status is mapped to ignored"))
            continue
        events.append(event)
        paths.append(one.paths)
    if not events and neither == len(rejected):
        return Adapted(ignored="the mapping ignores its status" if neither else "an empty list")
    return Adapted(
        events=tuple(events), rejected=tuple(rejected), warnings=tuple(dict.fromkeys(warnings)), paths=tuple(paths)
    )


def _items(document: object, mapping: Mapped) -> list[tuple[str, object]] | None:
    expression = mapping.expressions.get("items")
    if expression is None:
        given = document if isinstance(document, list) else [document]
        return [(pointer_of(index) if isinstance(document, list) else "", each) for index, each in enumerate(given)]
    try:
        found = expression.parsed.search(document)
    except JMESPathError:
        return None
    if not isinstance(found, list):
        return None if found is None else [(traced(expression.parsed.parsed, found, document, "") or "", found)]
    places = _places(document)
    return [(places.get(id(each), ""), each) for each in found]


def _places(document: object) -> dict[int, str]:
    """Where each object of a body stands; expressions hand out the very same objects."""
    found: dict[int, str] = {}
    waiting: list[tuple[str, object]] = [("", document)]
    while waiting:
        pointer, value = waiting.pop()
        if isinstance(value, dict | list):
            found[id(value)] = pointer
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            waiting.extend((pointer + pointer_of(name), each) for name, each in inner if isinstance(each, dict | list))
    return found


def traced(node: Any, result: object, document: object, pointer: str) -> str | None:
    """The path of a value that an expression only picks; None for one that it makes."""
    found = _step(node, document, pointer)
    return (
        found[0] if (found is not None and found[1] is result) or (found is not None and found[1] == result) else None
    )


def _step(node: Any, value: object, pointer: str) -> tuple[str, object] | None:
    kind, children = node["type"], node["children"]
    if kind == "field" and isinstance(value, dict) and node["value"] in value:
        return pointer + pointer_of(node["value"]), value[node["value"]]
    if kind == "index" and isinstance(value, list) and -len(value) <= node["value"] < len(value):
        index = node["value"] % len(value)
        return f"{pointer}/{index}", value[index]
    if kind in ("identity", "current"):
        return pointer, value
    if kind in ("subexpression", "index_expression", "pipe"):
        place: tuple[str, object] | None = (pointer, value)
        for child in children:
            place = _step(child, place[1], place[0]) if place is not None else None
        return place
    if kind == "or_expression":
        first = _step(children[0], value, pointer)
        return first if first is not None and first[1] not in _FALSE else _step(children[1], value, pointer)
    return None


class _Item:
    """One item as it is read."""

    def __init__(self, document: object, value: object, pointer: str, mapping: Mapped, index: int) -> None:
        self.document, self.value, self.pointer, self.mapping, self.index = document, value, pointer, mapping, index
        self.paths: dict[str, str] = {}
        self.warnings: list[str] = []

    def found(self, part: str) -> object:
        """What the expression of a part finds, its path noted; None where it finds nothing, or cannot be applied."""
        expression = self.mapping.expressions[part]
        root, pointer = (self.document, "") if expression.whole else (self.value, self.pointer)
        try:
            found: object = expression.parsed.search(root)
        except (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            self.warnings.append(f"{part}: {expression.text!r} cannot be applied: {str(error)[:200]}")
            return None
        if found is not None and found != "":
            path = traced(expression.parsed.parsed, found, root, pointer)
            self.paths[part] = path if path is not None else f"computed by {expression.text}"
            return found
        return None

    def event(self) -> AlertEvent | None:
        """The alert; None where the sender's word for its status is to be ignored.

        Raises:
            BadField: a word that is not known, or no title.
        """
        guessed = guess(self.value, self.pointer, item=self.index, alert=True)
        usual = guessed.event if isinstance(guessed, Guess) and isinstance(guessed.event, AlertEvent) else None
        given = self.mapping.expressions
        parts: dict[str, Any] = {"item": self.index}
        for part in TEXTS:
            if part in given and (found := self.found(part)) is not None:
                parts["source_url" if part == "url" else part] = text_of(found).strip()
        for part in TIMES:
            if part in given:
                parts[part] = self.time(part)
        if "status" in given and (found := self.found("status")) is not None:
            status = self.status(text_of(found).strip())
            if status is None:
                return None
            parts["status"] = status
        self.severity(parts)
        self.rest(parts)
        self.keys(parts)
        return self.whole(parts, usual, guessed.paths if isinstance(guessed, Guess) else {})

    def status(self, word: str) -> AlertStatus | None:
        """The status of a word: by the mapping's table, else as everybody means it.

        Raises:
            BadField: nobody knows it.
        """
        if word.lower() in self.mapping.words:
            return self.mapping.words[word.lower()]
        known, status = meaning_of(word)
        if not known:
            raise BadField(self.paths["status"], f"unknown word {word[:60]!r}; add it to the mapping's words")
        return status

    def time(self, part: str) -> datetime | None:
        """A time in any common form; what is none is left out with a warning."""
        found = self.found(part)
        if found is None:
            return None
        read = plain_time(found)
        if read is None:
            if found not in (0, "0", -1) and not text_of(found).startswith("0001-01-01"):
                self.warnings.append(f"{self.paths[part]}: not a time: {text_of(found)[:60]!r}; left out")
            del self.paths[part]
            return None
        if read[1]:
            self.warnings.append(f"{self.paths[part]}: no zone is stated; read as UTC")
        return read[0]

    def severity(self, parts: dict[str, Any]) -> None:
        """The severity by the mapping's table, else by the words of the field."""
        if "severity" in self.mapping.expressions:
            found = self.found("severity")
            word = None if found is None else text_of(found).strip()
            parts["severity_raw"] = word
            parts["severity"] = self.mapping.severities.get((word or "").lower()) or severity_of(word)

    def rest(self, parts: dict[str, Any]) -> None:
        """Labels, the pending window, the value."""
        given = self.mapping.expressions
        labels: dict[str, str] = {}
        if "labels" in given:
            found = self.found("labels")
            labels |= string_labels(found) if isinstance(found, dict) else read_tags(found)
        for part in given:
            if part.startswith(LABEL) and (found := self.found(part)) is not None:
                labels[part.removeprefix(LABEL)] = text_of(found)
                told = f"{part.removeprefix(LABEL)}: {self.paths.pop(part)}"
                self.paths["labels"] = f"{self.paths['labels']}; {told}" if "labels" in self.paths else told
        if labels:
            parts["labels"] = labels
            for part, of in (("service", service_of), ("host", host_of), ("environment", environment_of)):
                if part not in given and (said := of(labels)):
                    parts[part], self.paths[part] = said, "the labels"
        if "pending_for" in given and (found := self.found("pending_for")) is not None:
            try:
                parts["pending_for"] = read_duration(text_of(found))
            except BadDuration as error:
                self.warnings.append(f"{self.paths.pop('pending_for')}: {error}; left out")
        if "value" in given and isinstance(found := self.found("value"), int | float) and not isinstance(found, bool):
            parts["value"] = float(found)

    def keys(self, parts: dict[str, Any]) -> None:
        """One of the two keys stands for both."""
        for part, other in (("identity", "dedup_key"), ("dedup_key", "identity")):
            if other in parts and part not in parts:
                parts[part], self.paths[part] = parts[other], self.paths[other]

    def whole(self, parts: dict[str, Any], usual: AlertEvent | None, paths: dict[str, str]) -> AlertEvent:
        """The parts together; what the mapping leaves out, or needs and does not find, is guessed.

        Raises:
            BadField: there is no title.
        """
        given = self.mapping.expressions
        for name in AlertEvent.__struct_fields__ if usual is not None else ():
            part = {"source_url": "url", "severity_raw": "severity"}.get(name, name)
            if name not in parts and name != "guessed" and (part not in given or part in _NEEDED):
                parts[name] = getattr(usual, name)
                if name in paths:
                    self.paths[name] = f"{paths[name]} (guessed)"
        if not parts.get("title"):
            raise BadField(self.pointer, "no title: the mapping finds none, and none can be guessed")
        if "identity" not in parts:
            key = made_key(parts["title"], parts.get("service"), parts.get("host"))
            parts["identity"] = parts["dedup_key"] = key
            self.paths["identity"] = self.paths["dedup_key"] = "computed of title, service and host"
        if "status" not in parts:
            parts["status"], self.paths["status"] = AlertStatus.FIRING, "assumed: nothing says otherwise"
        if "url" in self.paths:
            self.paths["source_url"] = self.paths.pop("url")
        start, end = parts.get("starts_at"), parts.get("ends_at")
        if end is not None and (parts["status"] is not AlertStatus.RESOLVED or (start is not None and end < start)):
            if parts["status"] is AlertStatus.RESOLVED:
                self.warnings.append(f"{self.paths['ends_at']}: before the start; left out")
            parts["ends_at"] = None
            self.paths.pop("ends_at", None)
        return AlertEvent(**parts, guessed=not {"title", "status"} <= given.keys())
