"""Changes in bodies of an unknown shape: a deployment, a rollback, a flag, by the kind of event or what it is of."""

from typing import Final

from ingest.reading.guessed_parts import find_text, find_title, find_url, first_line
from ingest.reading.guessed_status import kinds_in
from ingest.reading.guessed_times import find_times
from ingest.reading.json_body import printable
from ingest.reading.leaves import Leaf, words_of
from ingest.reading.word_lists import word_set
from schemas.events import Change
from schemas.vocabulary import ChangeKind

__all__ = ["find_change"]

_WORDS: Final = {
    "rollback": ChangeKind.ROLLBACK,
    "rolledback": ChangeKind.ROLLBACK,
    "deploy": ChangeKind.DEPLOY,
    "deployed": ChangeKind.DEPLOY,
    "deployment": ChangeKind.DEPLOY,
    "deployments": ChangeKind.DEPLOY,
    "rollout": ChangeKind.DEPLOY,
    "release": ChangeKind.DEPLOY,
    "released": ChangeKind.DEPLOY,
    "flag": ChangeKind.FLAG,
    "featureflag": ChangeKind.FLAG,
}
_ALERTS: Final = word_set("alert incident problem alarm monitor check outage heartbeat violation issue")


def find_change(leaves: list[Leaf]) -> tuple[Change, dict[str, str]] | None:
    """The change that a body tells of, with the paths of its parts; None where it tells of something else."""
    kinds = kinds_in(leaves)
    said = [(words_of(leaf.text), leaf.pointer) for leaf in kinds if leaf.depth <= 2]
    about = [(leaf.owner, leaf.parent) for leaf in leaves if leaf.owner and leaf.depth == 1]
    if any(not _ALERTS.isdisjoint(words) for words, _ in (*said, *about)):
        return None
    kind = next(((_WORDS[word], at) for words, at in (*said, *about) for word in words if word in _WORDS), None)
    if kind is None or any(leaf.name in ("severity", "alertname", "priority") for leaf in leaves):
        return None
    paths = {"kind": kind[1]}
    times, title = find_times(leaves), find_title(leaves)
    texts = {part: leaf for part in ("service", "environment") if (leaf := find_text(leaves, part)) is not None}
    moment = times.start or times.plain or times.end
    link = find_url(leaves)
    places = [
        ("at", moment and moment.pointer),
        ("title", title and title[0].pointer),
        ("source_url", link and link.pointer),
    ]
    paths |= {part: pointer for part, pointer in places if pointer}
    paths |= {part: leaf.pointer for part, leaf in texts.items()}
    service = texts.get("service")
    version = next((leaf.text for leaf in leaves if leaf.name in ("version", "tag", "tagname", "ref")), "")
    plain = " ".join(each for each in (kind[0].value, service.text if service else "", version) if each)
    change = Change(
        kind=kind[0],
        text=printable(first_line(title[0].text) if title else plain),
        at=moment.at if moment else None,
        ended_at=times.end.at if moment and times.end and times.end.at > moment.at else None,
        service=printable(service.text) if service else None,
        scope=printable(texts["environment"].text) if "environment" in texts else None,
        source_url=link.text if link else None,
    )
    return change, paths
