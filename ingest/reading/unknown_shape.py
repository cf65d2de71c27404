"""Best effort on bodies of an unknown shape: the parts of alerts by what names and words mean, whoever sent them.

There is no list of senders here. What comes out is marked `guessed`, and says for every part where it stood.
A mapping by configuration (`ingest/reading/mapping.py`) takes precedence over guessing.
"""

from datetime import datetime
from typing import Final

import msgspec

from ingest.reading.fields import pointer_of
from ingest.reading.guessed_changes import find_change
from ingest.reading.guessed_parts import (
    SENTENCE,
    Keys,
    find_description,
    find_keys,
    find_labels,
    find_severity,
    find_text,
    find_thing,
    find_title,
    find_url,
    first_line,
)
from ingest.reading.guessed_status import Status, find_status, is_test, kinds_in, unknown_word, without_status
from ingest.reading.guessed_times import Times, find_times
from ingest.reading.json_body import printable
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, host_of, service_of
from ingest.reading.leaves import Leaf, leaves_of, words_of
from ingest.reading.severities import severity_of
from ingest.reading.word_lists import word_set
from schemas.events import AlertEvent, Change, TestEvent
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["MOST_ITEMS", "Guess", "Neither", "guess", "parts_of"]

MOST_ITEMS: Final = 1000  # reading by guess is slow: so many items of a body, and the rest is told
_MOST_NAMES: Final = 300  # of an object, when it is asked what it is
_LISTS: Final = word_set("alert incident problem event alarm issue notification violation trigger outage")
# lists of what was found, mostly: only where the object around does not speak for itself
_FINDINGS: Final = word_set("item record result message entries matches match hit data")
_PARTS: Final = ("service", "host", "environment", "runbook")
_STATES: Final = frozenset(("status", "state", "labels", "startsat", "severity", "alertstatus"))
_TITLES: Final = word_set(
    "title summary name message alertname rulename monitorname checkname description subject rule"
)


class Guess(msgspec.Struct, frozen=True):
    """One event of a body.

    Attributes:
        event: what was found; paths: for each of its parts where it stood (a JSON pointer), or how it was made.
        warnings: what a person should know of it.
    """

    event: AlertEvent | Change | TestEvent
    paths: dict[str, str]
    warnings: tuple[str, ...] = ()


class Neither(msgspec.Struct, frozen=True):
    """Something that is no alert now: a paused monitor, say. Where it says so, and the word."""

    pointer: str
    word: str


def parts_of(document: object) -> tuple[list[tuple[str, object]], list[Leaf]]:
    """The things that a body tells of, each with its pointer, and the values around them, which all of them share."""
    if isinstance(document, list):
        return [(pointer_of(index), each) for index, each in enumerate(document)], []
    if not isinstance(document, dict):
        return [("", document)], []
    found = _list_in(document, "")
    if found is None:
        found = next(
            (
                inner
                for name in sorted(document, key=str)
                if isinstance(document[name], dict)
                and (inner := _list_in(document[name], pointer_of(str(name)))) is not None
            ),
            None,
        )
    if found is None:
        return [("", document)], []
    pointer, items = found
    around = [leaf for leaf in leaves_of(document) if not leaf.pointer.startswith(pointer + "/")]
    return [(f"{pointer}/{index}", each) for index, each in enumerate(items)], around


def _list_in(around: dict[str, object], pointer: str) -> tuple[str, list[object]] | None:
    """The list of alerts in an object: named as one, of things that look like alerts, in what is not one itself."""
    lists = [(str(name), each) for name, each in around.items() if isinstance(each, list) and each]
    if not lists:
        return None
    names = {"".join(words_of(str(name))) for name in sorted(around, key=str)[:_MOST_NAMES]}
    speaks = not _TITLES.isdisjoint(names)
    alone = speaks and not _STATES.isdisjoint(names) and not names.isdisjoint(("id", "key", "uuid"))
    for name, items in sorted(lists, key=lambda each: each[0])[:_MOST_NAMES]:
        first, words = items[0], words_of(name)
        if not isinstance(first, dict) or not words or alone:
            continue
        own = {"".join(words_of(str(each))) for each in sorted(first, key=str)[:_MOST_NAMES]}
        last = {words[-1], words[-1].removesuffix("s")}
        listed = not last.isdisjoint(_LISTS) or (not last.isdisjoint(_FINDINGS) and not speaks)
        if listed and not own.isdisjoint(_STATES | _TITLES):
            return pointer + pointer_of(name), items
    return None


def guess(
    value: object, pointer: str = "", around: list[Leaf] | None = None, item: int = 0, *, alert: bool = False
) -> Guess | Neither | None:
    """The event that an object probably tells of; None where nothing in it speaks of an alert. Never fails.

    `alert`: it is known to be an alert, whatever it looks like.
    """
    if not isinstance(value, dict):
        return None
    leaves, shared = leaves_of(value, pointer), around or []
    if alert:
        return _alert(value, pointer, leaves, shared, item, known=True)
    test = is_test(leaves)
    if test is not None:
        title = find_title(leaves)
        return Guess(TestEvent(item=item, title=first_line(title[0].text) if title else ""), {"kind": test})
    change = find_change(leaves)
    if change is not None:
        return Guess(msgspec.structs.replace(change[0], item=item), change[1])
    return _alert(value, pointer, leaves, shared, item)


def _alert(
    value: object, pointer: str, leaves: list[Leaf], shared: list[Leaf], item: int, *, known: bool = False
) -> Guess | Neither | None:
    times, titled = find_times(leaves), find_title(leaves)
    status = find_status(leaves, times.end.pointer if times.end else None)
    if status.pointer is None and shared:
        status = find_status(shared, None)
    if status.status is None and not known:
        return Neither(status.pointer or pointer, status.word)
    severity = find_severity(leaves) or find_severity(shared)
    keys = find_keys(leaves, titled[0] if titled else None)
    told = known or status.pointer is not None or (severity is not None and severity[2] is not Severity.UNKNOWN)
    told = told or any(not _LISTS.isdisjoint(words_of(leaf.text)) for leaf in kinds_in(leaves))
    timed = any(moment is not None for moment in (times.start, times.turn, times.plain))
    if not told and not (titled and (timed or keys.identity is not None or severity is not None)):
        return None
    making = _Making(leaves + shared, item, sentence=titled is not None and titled[1] >= SENTENCE)
    title = titled[0] if titled else making.stand_in(keys)
    return making.alert(title, _Found(status, times, keys, severity, find_labels(value, pointer))) if title else None


class _Found(msgspec.Struct, frozen=True):
    """What an alert is made of besides its title."""

    status: Status
    times: Times
    keys: Keys
    severity: tuple[Leaf, str, Severity] | None
    labels: tuple[dict[str, str], str] | None


class _Making:
    """One alert event in the making, and the paths of its parts."""

    def __init__(self, leaves: list[Leaf], item: int, *, sentence: bool) -> None:
        self.leaves, self.item = leaves, item
        self.sentence = sentence  # the title is a message, which may be another one each time
        self.paths: dict[str, str] = {}
        self.found = {part: leaf for part in _PARTS if (leaf := find_text(leaves, part)) is not None}

    def stand_in(self, keys: Keys) -> Leaf | None:
        """What stands for a title where there is none: the host, the service, the address, a key, the kind."""
        other = find_url(self.leaves) or keys.identity or next(iter(kinds_in(self.leaves)), None) or keys.dedup
        return self.found.get("host") or self.found.get("service") or other

    def take(self, part: str, leaf: Leaf | None) -> str | None:
        """The text of a value, and its path noted."""
        if leaf is None:
            return None
        self.paths[part] = leaf.pointer
        return printable(leaf.text)

    def alert(self, titled: Leaf, found: _Found) -> Guess:
        """Put the parts together."""
        status, labelled = found.status, found.labels
        title = first_line(self.take("title", titled) or "")
        self.paths["status"] = status.pointer or "assumed: nothing says otherwise"
        labels = labelled[0] if labelled is not None else {}
        if labelled is not None:
            self.paths["labels"] = labelled[1]
        texts = {part: self.take(part, leaf) for part, leaf in self.found.items()}
        service, host = texts.get("service") or service_of(labels), texts.get("host") or host_of(labels)
        identity, dedup_key = self._keys(found.keys, title, service, host)
        raw, step = self._severity(found.severity, status)
        warnings: list[str] = []
        started, ended, changed = self._times(found.times, status, warnings)
        event = AlertEvent(
            item=self.item,
            status=status.status or AlertStatus.FIRING,
            identity=identity,
            dedup_key=dedup_key,
            title=title,
            severity=step,
            severity_raw=raw,
            description=self.take("description", find_description(self.leaves, titled)),
            service=service,
            host=host,
            environment=texts.get("environment") or environment_of(labels),
            labels=labels,
            source_url=self.take("source_url", find_url(self.leaves)),
            runbook=texts.get("runbook"),
            starts_at=started,
            ends_at=ended,
            changed_at=changed,
            guessed=True,
        )
        unknown = unknown_word(self.leaves) if status.pointer is None else None
        if unknown is not None:
            warnings.append(f"{unknown.pointer}: unknown word {unknown.text[:60]!r}; taken for firing")
        return Guess(event, self.paths, tuple(warnings))

    def _keys(self, keys: Keys, title: str, service: str | None, host: str | None) -> tuple[str, str]:
        thing = find_thing(self.leaves) if self.sentence else None
        made = made_key(printable(thing.text) if thing is not None else without_status(title) or title, service, host)
        identity = self.take("identity", keys.identity) or made
        if keys.identity is None:
            self.paths["identity"] = f"computed of {thing.pointer if thing else 'the title'}, service and host"
        elif keys.shared and host:
            identity, self.paths["identity"] = f"{identity}:{host}", f"{keys.identity.pointer} and the host"
        dedup_key = self.take("dedup_key", keys.dedup) or identity
        self.paths.setdefault("dedup_key", self.paths["identity"])
        return identity, dedup_key

    def _severity(self, found: tuple[Leaf, str, Severity] | None, status: Status) -> tuple[str | None, Severity]:
        """The severity; where none is stated, the status may be one (`status: CRITICAL`)."""
        if found is not None:
            return self.take("severity", found[0]), found[2]
        step = severity_of(status.word)
        if step is Severity.UNKNOWN or status.pointer is None or status.status is not AlertStatus.FIRING:
            return None, Severity.UNKNOWN
        self.paths["severity"] = status.pointer
        return printable(status.word), step

    def _times(self, times: Times, status: Status, warnings: list[str]) -> list[datetime | None]:
        """The times by the status: that of what is told is the end of what ended, and else the start."""
        start, end, change = times.start, times.end, times.turn or times.change
        if status.status is AlertStatus.RESOLVED:
            end = end or times.turn or times.plain
        else:
            end = None
            start = start or ((times.turn or times.plain) if status.status is AlertStatus.FIRING else None)
            change = change or (times.plain if status.status is AlertStatus.ACKNOWLEDGED else None)
        if start is not None and end is not None and end.at < start.at:
            warnings.append(f"{end.pointer}: before the start; left out")
            end = None
        told: list[datetime | None] = []
        for name, moment in (("starts_at", start), ("ends_at", end), ("changed_at", change)):
            told.append(moment.at if moment is not None else None)
            if moment is not None:
                self.paths[name] = moment.pointer
                if moment.naive:
                    warnings.append(f"{moment.pointer}: no zone is stated; read as UTC")
        return told
