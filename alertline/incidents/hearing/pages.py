"""What pagers say (contract §8.12): to which incident a page belongs, and the rows that it leaves there.

A page belongs to the incident of an alert that it names by key or alias, else to the one that people's words of that
time would go to (§8.13). Where a monitoring alert is a member, pages only add what people did about it; alone, a page
counts as an alert, because then it is all we heard.
"""

from datetime import datetime
from typing import Final

import msgspec

from alertline.incidents.episodes import Heard
from alertline.incidents.hearing.alerts import listen
from alertline.incidents.ids import mark_id
from alertline.incidents.model import AlertRow
from alertline.incidents.people.hearing import Asked, find_incident
from alertline.incidents.scopes import scope_of
from alertline.incidents.work import Work
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus, IncidentStatus, PageAction, RowKind

__all__ = ["hear_page"]

# actions that begin or end a page; the others only tell what happened to it meanwhile
_TURNS: Final = frozenset({PageAction.TRIGGERED, PageAction.REOPENED, PageAction.RESOLVED})
_ROWS: Final = {
    PageAction.ACKNOWLEDGED: RowKind.ACKNOWLEDGED,
    PageAction.ESCALATED: RowKind.ESCALATED,
    PageAction.RESOLVED: RowKind.RESOLVED,
    # taking an acknowledgement back is a row only (§8.15)
    PageAction.UNACKNOWLEDGED: RowKind.NOTE,
    PageAction.REOPENED: RowKind.NOTE,
    PageAction.ANNOTATED: RowKind.NOTE,
}
_WORDS: Final = {
    PageAction.ACKNOWLEDGED: "The page was acknowledged.",
    PageAction.ESCALATED: "The page was escalated.",
    PageAction.RESOLVED: "The page was resolved.",
    PageAction.UNACKNOWLEDGED: "The acknowledgement was taken back.",
    PageAction.REOPENED: "The page was reopened.",
    PageAction.ANNOTATED: "A note was added to the page.",
}


def hear_page(work: Work, event: AlertEvent) -> None:
    """Take in one record of one page."""
    heard = Heard(event, work.received_at, work.log_time, work.ids)
    page = _known_page(work, event)
    newest = None if page is None else work.state.newest_episode(page.id)
    if newest is None or event.action in _TURNS:
        page = _listened(work, heard, page)
        newest = work.state.newest_episode(page.id)
    if newest is None or newest.incident is None or page is None:
        return
    _tell(work, heard, page, newest.incident)


def _listened(work: Work, heard: Heard, page: AlertRow | None) -> AlertRow:
    """The page's alert with the record folded in; its scope is that of the incident it belongs to."""
    event = heard.alert
    if event.status is not AlertStatus.RESOLVED and event.action not in _TURNS:
        event = msgspec.structs.replace(event, starts_at=event.starts_at or event.changed_at)
    home = None if page is not None and work.state.newest_episode(page.id) is not None else _home(work, event)
    scope = page.scope if page is not None else scope_of(work.state.stream, event.environment)
    if home is not None and page is None:
        scope = work.state.incidents[home].scope
    return listen(work, msgspec.structs.replace(heard, alert=event, home=home), scope)


def _known_page(work: Work, event: AlertEvent) -> AlertRow | None:
    known = work.state.alerts_known_as([event.dedup_key])
    return next((each for each in known if each.source == work.source and each.dedup_key == event.dedup_key), None)


def _home(work: Work, event: AlertEvent) -> str | None:
    """The incident of an alert that the page names, else the one that an entry of its time would go to."""
    at = event.starts_at or event.changed_at or work.received_at
    named = _named(work, event, at)
    if named is not None:
        return named
    scope = scope_of(work.state.stream, event.environment)
    return find_incident(work.state, Asked(scope=scope, at=at, service=event.service)).incident


def _named(work: Work, event: AlertEvent, at: datetime) -> str | None:
    """The nearest incident of an alert whose key or identity the page carries; closed ones are over."""
    found = []
    for alert in work.state.alerts_known_as(event.aliases):
        for episode in work.state.episodes_around(alert.id, at, work.policy.reach):
            row = None if episode.incident is None else work.state.incidents[episode.incident]
            if row is None or episode.paging or row.status is IncidentStatus.CLOSED:
                continue
            distance = max(episode.started_at - at, at - (episode.ended_at or at), at - at)
            if distance <= work.policy.reach:
                found.append((distance, row.id))
    return min(found)[1] if found else None


def _tell(work: Work, heard: Heard, page: AlertRow, incident: str) -> None:
    """Leave the rows of one action: the notification once, at the page's creation, then what was done."""
    event = heard.alert
    created = event.starts_at or event.changed_at
    name = mark_id("it", page.id)
    told = work.state.item(name)
    if created is not None and (told is None or created < told.at):
        work.say(incident, heard, RowKind.NOTIFIED, created, f"Paged: {page.title}", name=name)
    kind = _ROWS.get(event.action) if event.action is not None else None
    if kind is not None and event.action is not None:
        at = event.changed_at or event.ends_at or heard.received_at
        stated = event.changed_at is not None or event.ends_at is not None
        work.say(incident, heard, kind, at, event.note or _WORDS[event.action], stated=stated)
