"""A body of an unknown shape, laid flat: every value with its pointer, the words of its name and what it belongs to.

Breadth first, names in order, and bounded: what a hostile body can cost does not grow with it, and the order in which
a sender writes its keys changes nothing.
"""

import re
from collections import deque
from functools import lru_cache
from typing import Final

import msgspec

from ingest.reading.fields import pointer_of
from ingest.reading.json_body import Unreadable, read_json
from ingest.reading.tags import read_tags
from ingest.reading.word_lists import word_set

__all__ = ["Leaf", "Scalar", "leaves_of", "words_of"]

Scalar = str | int | float | bool

_MOST: Final = 1500
_DEEPEST: Final = 12
_LONGEST_NAME: Final = 80
_MOST_TEXTS: Final = 8
_LONGEST_TEXT: Final = 100_000
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
# they hold the fields of what is around them, and say nothing about whose they are
_ENVELOPES: Final = word_set(
    "data payload body detail details object attributes notification envelope content result results context "
    "properties params fields field labels label tags tag annotations metadata meta essentials values info included "
    "document source_event after current new latest value values extra custom message commonlabels attachment "
    "attachments record records item items embed embeds args input root response webhook_event"
)
# people, organisations and the past: what stands inside is not about the alert
_FOREIGN: Final = word_set(
    "user users account team teams organization organisation org assignee assignees assigned actor author creator "
    "responder responders owner owners contact contacts integration sender receiver recipient recipients workspace "
    "tenant customer company subscription client previous old before last prior history note notes comment comments "
    "channel channels escalation schedule next links link config configuration settings thresholds reporter "
    "who by profile member members license"
)
_PAST: Final = word_set("previous old last prior before next")
# what alerts are about, and what they are: a name ends with one of them, whatever follows (incident_created_v2)
_SUBJECTS: Final = word_set(
    "alert incident problem issue alarm outage occurrence case ticket violation episode anomaly monitor check rule "
    "policy condition trigger test sensor detector heartbeat event update service application component project host "
    "node server machine device entity environment downtime deployment release status state severity priority"
)
# written as one word by many
_JOINED: Final = re.compile(
    "(alert|incident|problem|event|check|monitor|sensor|rule|trigger|policy|issue|alarm|test|start|started|end|ended|"
    "create|created|resolve|resolved|open|opened|close|closed|raised|host|service|object|device|last|first|new|old|"
    "current|previous)(id|uuid|guid|key|status|state|time|epoch|timestamp|ts|at|on|date|severity|level|ms)"
)
_LABELS: Final = frozenset(("labels", "tags", "annotations", "commonlabels", "commonannotations", "dimensions"))
_NAMES: Final = ("name", "key", "title", "label", "tag", "field")
_VALUES: Final = ("value", "values", "text")


class Leaf(msgspec.Struct, frozen=True, gc=False):
    """One value of a body.

    Attributes:
        pointer: where it stands; parent: where the object around it does.
        words: the words of its name in lower case; name: the same in one, alertid for alert_id and alertId.
        owner: the words of the nearest name around it that says whose it is; none at the top.
        depth: how many objects lie around it.
        text: the value as a text, without spaces around.
    """

    pointer: str
    parent: str
    words: tuple[str, ...]
    name: str
    owner: tuple[str, ...]
    depth: int
    value: Scalar
    text: str


def _leaf(pointer: str, place: "_Place", words: tuple[str, ...], value: Scalar, deeper: int = 0) -> Leaf:
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    return Leaf(pointer, place.pointer, words, "".join(words), place.owner, place.depth + deeper, value, text)


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name: alert, id for alert_id, alertId, ALERT-ID and Alert ID."""
    words: list[str] = []
    for word in _WORD.findall(name[:_LONGEST_NAME]):
        joined = _JOINED.fullmatch(word.lower())
        words.extend(joined.groups() if joined is not None else (word.lower(),))
    return tuple(words)


def _foreign(words: tuple[str, ...]) -> bool:
    return bool(words) and (words[-1] in _FOREIGN or words[0] in _PAST)


def _subject(words: tuple[str, ...]) -> tuple[str, ...]:
    last = next((index for index in reversed(range(len(words))) if words[index] in _SUBJECTS), None)
    return words if last is None else words[: last + 1]


class _Place(msgspec.Struct, frozen=True, gc=False):
    value: object
    pointer: str
    owner: tuple[str, ...]
    depth: int


class _Walk:
    """One walk over one body."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.waiting: deque[_Place] = deque()
        self.texts = _MOST_TEXTS  # JSON inside a text that may still be opened
        self.seen = 0

    def run(self, value: object, pointer: str) -> list[Leaf]:
        self.waiting.append(_Place(value, pointer, (), 0))
        while self.waiting and self.seen < _MOST:
            place = self.waiting.popleft()
            if isinstance(place.value, dict):
                for name in sorted(place.value, key=str):
                    self._take(place, str(name), pointer_of(str(name)), place.value[name])
        return self.leaves

    def _take(self, place: _Place, name: str, step: str, value: object) -> None:
        self.seen += 1
        if self.seen > _MOST:
            return
        words, pointer = words_of(name), place.pointer + step
        if isinstance(value, dict):
            self._enter(place, words, pointer, value)
        elif isinstance(value, list):
            self._list(place, words, pointer, value)
        elif isinstance(value, str) and value[:1] in ("{", "[") and (inner := self._opened(value)) is not None:
            self._take(place, name, step, inner)
        elif isinstance(value, str | int | float | bool) and value != "":
            self.leaves.append(_leaf(pointer, place, words, value))

    def _enter(self, place: _Place, words: tuple[str, ...], pointer: str, value: object) -> None:
        if place.depth >= _DEEPEST or _foreign(words):
            return
        envelope = not words or "".join(words) in _ENVELOPES or words[-1] in _ENVELOPES
        self.waiting.append(_Place(value, pointer, place.owner if envelope else _subject(words), place.depth + 1))

    def _opened(self, text: str) -> object:
        """JSON that was written as a text inside JSON."""
        if self.texts == 0 or len(text) > _LONGEST_TEXT:
            return None
        self.texts -= 1
        try:
            found = read_json(text.encode(errors="replace"))
        except Unreadable:
            return None
        return found if isinstance(found, dict | list) else None

    def _list(self, place: _Place, words: tuple[str, ...], pointer: str, value: list[object]) -> None:
        """A list of named values, of tags, or of things, of which the first stands for all."""
        if not value or _foreign(words):
            return
        if "".join(words) in _LABELS and not all(isinstance(each, dict) for each in value):
            for name, said in read_tags(value[:100]).items():
                self._add(place, pointer, words_of(name), said)
            return
        for index, each in enumerate(value[:100]):
            pair = _pair(each)
            if pair is not None:
                self._add(place, pointer + pointer_of(index), words_of(pair[0]), pair[1])
        first = value[0]
        if isinstance(first, dict) and _pair(first) is None:
            self._enter(place, _one(words), pointer + "/0", first)
        elif isinstance(first, str | int | float) and first != "":
            self.leaves.append(_leaf(pointer + "/0", place, _one(words), first, 1))

    def _add(self, place: _Place, pointer: str, words: tuple[str, ...], said: Scalar) -> None:
        self.seen += 1
        if words and said != "":
            self.leaves.append(_leaf(pointer, place, words, said, 1))


def _one(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*words[:-1], words[-1].removesuffix("s")) if words else words


def _pair(value: object) -> tuple[str, Scalar] | None:
    """`{"name": "Host", "value": "db-1"}` as a field of that name."""
    if not isinstance(value, dict) or len(value) > 4:
        return None
    name = next((value[each] for each in _NAMES if isinstance(value.get(each), str)), None)
    said = next((value[each] for each in _VALUES if isinstance(value.get(each), str | int | float | bool)), None)
    return None if name is None or said is None or len(name) > _LONGEST_NAME else (name, said)


def leaves_of(value: object, pointer: str = "") -> list[Leaf]:
    """Every value inside, outer ones first; at most about fifteen hundred, at most twelve deep. Never fails."""
    return _Walk().run(value, pointer)
