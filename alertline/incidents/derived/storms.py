"""Storms: so many alerts that a timeline of all of them is no story. What is decided stays as it is; less is shown.

Of the alert rows of one service and title, the first and the last are shown, and how many lay between.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from alertline.incidents.model import EpisodeRow, IncidentFacts
from schemas.incident import TimelineRow
from schemas.vocabulary import RowKind

__all__ = ["MOST_ALERT_ROWS", "bounded", "rows_of"]

MOST_ALERT_ROWS: Final = 500
_ALERT_ROWS: Final = frozenset({RowKind.ALERT_FIRED, RowKind.ALERT_REFIRED, RowKind.ALERT_RESOLVED})

Key = tuple[str, ...]


def rows_of(episode: EpisodeRow) -> int:
    """How many alert rows tell of an episode."""
    return 1 if episode.ended_at is None or episode.point else 2


def bounded(rows: Sequence[TimelineRow], facts: IncidentFacts) -> tuple[TimelineRow, ...]:
    """The rows, of which at most `MOST_ALERT_ROWS` tell of alerts; in the same order."""
    own = [row for row in rows if row.kind in _ALERT_ROWS]
    if len(own) <= MOST_ALERT_ROWS:
        return tuple(rows)
    kept = _kept(own, _keys(facts))
    return tuple(kept.get(row.id, row) for row in rows if row.kind not in _ALERT_ROWS or row.id in kept)


def _keys(facts: IncidentFacts) -> dict[str, Key]:
    """What each alert row is told together with, by its id: service and title."""
    alerts = {alert.id: (alert.service or "", alert.title) for alert in facts.alerts}
    keys: dict[str, Key] = {}
    for episode in facts.episodes:
        for end in ("fired", "resolved"):
            keys[f"{episode.id}.{end}"] = alerts[episode.alert]
    return keys


def _kept(own: Sequence[TimelineRow], keys: dict[str, Key]) -> dict[str, TimelineRow]:
    """The rows that are shown, by id: of each service and title, of each service, or else the first and last of all."""
    for depth in (2, 1):
        groups: dict[Key, list[TimelineRow]] = {}
        for row in own:
            groups.setdefault(keys[row.id][:depth], []).append(row)
        if 2 * len(groups) <= MOST_ALERT_ROWS:
            of = "of this alert" if depth == 2 else "of alerts of this service"
            return {row.id: row for group in groups.values() for row in _ends(group, of)}
    half = MOST_ALERT_ROWS // 2
    middle = [own[half - 1], *own[half:-half], own[-half]]
    return {row.id: row for row in (*own[: half - 1], *_ends(middle, "of alerts"), *own[-half + 1 :])}


def _ends(group: Sequence[TimelineRow], of: str) -> Iterable[TimelineRow]:
    yield group[0]
    if len(group) > 2:
        text = f"{group[-1].text} (the last; {len(group) - 2} more rows {of} since {group[0].at:%H:%M:%S} not shown)"
        yield msgspec.structs.replace(group[-1], text=text)
    elif len(group) == 2:
        yield group[1]
