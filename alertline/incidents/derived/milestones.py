"""The eleven milestones of an incident, each with its basis, bounds, evidence and revision (contract §8.7–8.11).

One pure function, `stamp`, of the incident's row, episodes and items. Nothing here is stored: a late record, a
correction or an undo is a change of the input, and the stamps follow.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from alertline.incidents.derived.resolution import page_resolve_counts, resolution
from alertline.incidents.model import EpisodeRow, IncidentRow, ItemRow, witnesses
from alertline.incidents.policy import Policy
from alertline.incidents.words import time_words
from schemas.incident import Conflict, Milestone
from schemas.vocabulary import Basis, IncidentStatus, MilestoneName, RowKind, Severity

__all__ = ["Stamps", "is_overridden", "onset_of", "stamp"]

# A statement of these kinds is the milestone of the same name; said twice, the earliest stands.
_SAID = {
    MilestoneName.NOTIFIED: RowKind.NOTIFIED,
    MilestoneName.ACKNOWLEDGED: RowKind.ACKNOWLEDGED,
    MilestoneName.INVESTIGATING: RowKind.INVESTIGATING,
    MilestoneName.ESCALATED: RowKind.ESCALATED,
    MilestoneName.CAUSE_IDENTIFIED: RowKind.CAUSE_IDENTIFIED,
    MilestoneName.FIX_APPLIED: RowKind.FIX_APPLIED,
    MilestoneName.MITIGATED: RowKind.MITIGATED,
}
# of two onsets at the same time the better known one is named
_STRENGTH = {
    Basis.MANUAL: 0,
    Basis.REPORTED: 1,
    Basis.DERIVED: 2,
    Basis.ASSUMED: 3,
    Basis.IMPORTED: 4,
    Basis.FALLBACK: 5,
}


class Stamps(msgspec.Struct, frozen=True):
    """The milestones as they stand, and what contradicts them."""

    milestones: dict[MilestoneName, Milestone | None]
    conflicts: tuple[Conflict, ...]

    def at(self, name: MilestoneName) -> datetime | None:
        """Event time of a milestone; None where it is not set."""
        milestone = self.milestones[name]
        return None if milestone is None else milestone.at


def stamp(row: IncidentRow, episodes: Sequence[EpisodeRow], items: Sequence[ItemRow], policy: Policy) -> Stamps:
    """Compute the milestones of an incident from its facts."""
    overrides = _overrides(items)
    said = [item for item in items if item.accepted]
    found: dict[MilestoneName, Milestone | None] = dict.fromkeys(MilestoneName)
    for name, kind in _SAID.items():
        found[name] = _earliest_said(item for item in said if item.kind is kind)
    found[MilestoneName.DETECTED] = _detected(episodes, said)
    found[MilestoneName.RESOLVED] = resolution(row, episodes, items, policy)
    found[MilestoneName.CLOSED] = _closed(row, said)
    for name, own in overrides.items():
        if name is not MilestoneName.IMPACT_STARTED:
            found[name] = _overridden(found[name], name, own, row)
    impact = _impact(episodes, said, policy)
    impact = _not_after_detection(impact, found[MilestoneName.DETECTED])
    found[MilestoneName.IMPACT_STARTED] = _overridden(
        impact, MilestoneName.IMPACT_STARTED, overrides.get(MilestoneName.IMPACT_STARTED, []), row
    )
    conflicts = [*_conflicts(found, items, overrides), *_contradicted_pages(episodes, items, policy)]
    return Stamps(found, tuple(conflicts))


def _detected(episodes: Sequence[EpisodeRow], said: Iterable[ItemRow]) -> Milestone | None:
    first = min(witnesses(episodes), key=lambda each: (each.started_at, each.id), default=None)
    report = _earliest_said(item for item in said if item.kind in (RowKind.DETECTED, RowKind.DECLARED))
    if first is None or (report is not None and report.at < first.started_at):
        return report
    stated = first.start_basis is not Basis.FALLBACK
    return Milestone(
        at=first.started_at,
        basis=first.start_basis,
        earliest=first.started_at if stated else None,
        latest=first.started_at,
        evidence=first.start_evidence,
        note="start of the earliest firing alert" if stated else _unstated(first),
    )


def _unstated(episode: EpisodeRow) -> str:
    ahead = episode.spans[0].stated_start
    if ahead is None:
        return "no stated start: when its first notification came"
    return f"when its first notification came: its source's clock is ahead, it stated {time_words(ahead)}"


def _impact(episodes: Sequence[EpisodeRow], said: Iterable[ItemRow], policy: Policy) -> Milestone | None:
    """§8.7: one onset an impact-class alert; a person's word replaces assumed onsets; the earliest remaining stands."""
    onsets = [_onset(each, policy.interval) for each in witnesses(episodes) if each.severity is not Severity.INFO]
    words = [_said(item) for item in said if item.kind is RowKind.IMPACT_STARTED]
    if words:
        onsets = [onset for onset in onsets if onset.basis is Basis.DERIVED]
    return min(words + onsets, key=lambda each: (each.at, _STRENGTH[each.basis], each.evidence), default=None)


def onset_of(episode: EpisodeRow) -> tuple[datetime, Basis]:
    """When the condition of an alert began, and how that is known: its start, less its pending window, if stated."""
    if episode.pending_for is None or episode.start_basis is Basis.FALLBACK:
        return episode.started_at, Basis.ASSUMED
    return episode.started_at - timedelta(seconds=episode.pending_for), Basis.DERIVED


def _onset(episode: EpisodeRow, interval: timedelta) -> Milestone:
    at, basis = onset_of(episode)
    evidence = episode.start_evidence
    if basis is Basis.ASSUMED or episode.pending_for is None:
        lacks = "pending window" if episode.pending_for is None else "start of its own to take its pending window from"
        note = f"the earliest alert's start; the condition began then or before: it states no {lacks}"
        return Milestone(at=at, basis=basis, latest=at, evidence=evidence, note=note)
    known = " (from the configuration)" if episode.pending_configured else ""
    note = (
        f"start of the alert less its pending window of {episode.pending_for:g} s{known}; "
        f"the rule's evaluation interval, taken as {interval.total_seconds():g} s, widens the lower bound"
    )
    return Milestone(at=at, basis=basis, earliest=at - interval, latest=at, evidence=evidence, note=note)


def _not_after_detection(impact: Milestone | None, detected: Milestone | None) -> Milestone | None:
    """An assumed start is never later than detection: it moves with it."""
    if impact is None or detected is None or impact.basis is not Basis.ASSUMED or impact.at <= detected.at:
        return impact
    return msgspec.structs.replace(
        impact,
        at=detected.at,
        latest=detected.at,
        evidence=detected.evidence,
        note="not later than detection; nothing states when the impact began",
    )


def _closed(row: IncidentRow, said: Iterable[ItemRow]) -> Milestone | None:
    if row.status is not IncidentStatus.CLOSED:
        return None
    closes = [item for item in said if item.kind is RowKind.CLOSED]
    return _said(max(closes, key=lambda item: item.order)) if closes else None


def _earliest_said(items: Iterable[ItemRow]) -> Milestone | None:
    first = min(items, key=lambda item: (item.at, item.order), default=None)
    return None if first is None else _said(first)


def _said(item: ItemRow) -> Milestone:
    return Milestone(at=item.at, basis=item.basis, evidence=item.evidence, note=item.text or None)


def _overrides(items: Iterable[ItemRow]) -> dict[MilestoneName, list[ItemRow]]:
    """The overrides and undos of each milestone, in log order."""
    found: dict[MilestoneName, list[ItemRow]] = {}
    for item in sorted(items, key=lambda each: each.order):
        if item.command == "override_milestone" and item.accepted:
            name = MilestoneName(item.args["milestone"])
            found.setdefault(name, []).append(item)
    return found


def is_overridden(row: IncidentRow, items: Iterable[ItemRow]) -> bool:
    """Whether a person's word holds for any milestone, and was not taken back since."""
    return any(_holds(name, own, row) for name, own in _overrides(items).items())


def _holds(name: MilestoneName, own: Sequence[ItemRow], row: IncidentRow) -> bool:
    """Whether the newest override holds: it is no undo, and no reopening since supersedes it (§8.6)."""
    ends = name in (MilestoneName.RESOLVED, MilestoneName.CLOSED)
    return not (own[-1].args.get("undo") or (ends and row.reopened is not None and own[-1].order < row.reopened))


def _overridden(
    automatic: Milestone | None, name: MilestoneName, own: Sequence[ItemRow], row: IncidentRow
) -> Milestone | None:
    """The milestone with its newest override, if that holds; if not, its revision stays."""
    if not own:
        return automatic
    last = own[-1]
    if not _holds(name, own, row):
        return None if automatic is None else msgspec.structs.replace(automatic, revision=len(own))
    to = last.args.get("to")
    if to is None:
        return None
    at = datetime.fromisoformat(to)
    return Milestone(at=at, basis=Basis.MANUAL, evidence=last.evidence, revision=len(own), note=last.args.get("reason"))


def _conflicts(
    found: dict[MilestoneName, Milestone | None],
    items: Sequence[ItemRow],
    overrides: dict[MilestoneName, list[ItemRow]],
) -> Iterable[Conflict]:
    starts = [item for item in items if item.kind is RowKind.IMPACT_STARTED and item.accepted]
    starts.sort(key=lambda item: item.order)
    values = sorted({item.at for item in starts})
    if len(values) > 1 and not overrides.get(MilestoneName.IMPACT_STARTED):
        yield Conflict(MilestoneName.IMPACT_STARTED, tuple(values), _evidence(starts))
    for item in sorted(items, key=lambda each: each.order):
        if item.command == "override_milestone" and not item.accepted and item.origin is not None:
            to = item.args.get("to")
            lost = datetime.fromisoformat(to) if to else "none"
            yield Conflict(item.args["milestone"], (lost,), item.evidence)
        elif item.args.get("claims") == "resolved" and not item.accepted:
            yield Conflict(MilestoneName.RESOLVED, (item.at,), item.evidence)
    impact = found[MilestoneName.IMPACT_STARTED]
    for milestone in found.values():
        if impact is not None and milestone is not None and milestone.at < impact.at:
            yield Conflict("order", (milestone.at, impact.at), milestone.evidence + impact.evidence)


def _contradicted_pages(episodes: Sequence[EpisodeRow], items: Sequence[ItemRow], policy: Policy) -> Iterable[Conflict]:
    """A pager that says resolved while an alert fires, or long after: a row and a conflict, not the end (§8.9)."""
    for item in sorted(items, key=lambda each: each.order):
        if item.paging and item.kind is RowKind.RESOLVED and not page_resolve_counts(item, episodes, policy):
            yield Conflict(MilestoneName.RESOLVED, (item.at,), item.evidence)


def _evidence(items: Iterable[ItemRow]) -> tuple[str, ...]:
    return tuple(event for item in items for event in item.evidence)
