"""The draft as the page shows it: what is filled from records and what a person wrote are never mixed up."""

from collections.abc import Iterable
from typing import Final

import msgspec
from markupsafe import Markup

from alertline.incidents.telling.blocks import Auto, Slotted, parse
from alertline.incidents.telling.draft import draft
from alertline.incidents.telling.slots import prompt, slot_of
from review.rendering import draft_html
from schemas.incident import Incident, Slot

__all__ = ["Part", "parts_of"]


_LONG: Final = 300


class Part(msgspec.Struct, frozen=True):
    """A stretch of the draft: `html` of what is filled from records (or a heading), else a slot with what is in it.

    Attributes:
        automatic: it is filled from records, and refreshed with them.
        slot: the name of the slot; written: as it stands; asked: what it asks for; revision: how often it was written.
    """

    html: Markup | None = None
    automatic: bool = False
    slot: str | None = None
    written: Slot = Slot()
    asked: str = ""
    revision: int = 0


def parts_of(incident: Incident) -> tuple[Part, ...]:
    """The draft in its order; the rows of the timeline, which stand above it on the page, are only counted.

    Of a very long incident the first rows are told from; the exports are made of all.
    """
    return tuple(_parts(incident))


def _parts(incident: Incident) -> Iterable[Part]:
    told = incident
    if len(incident.timeline) > _LONG:
        told = msgspec.structs.replace(incident, timeline=incident.timeline[:_LONG])
    for segment in parse(draft(told)):
        if isinstance(segment, Auto) and segment.name == "timeline":
            yield Part(html=_counted(incident), automatic=True)
            continue
        if isinstance(segment, Slotted):
            kept = incident.postmortem.slots.get(segment.name, Slot())
            written = slot_of(incident, segment.name)
            yield Part(slot=segment.name, written=written, asked=prompt(segment.name), revision=kept.revision)
            continue
        html = draft_html(segment.raw, below=2)
        if html.strip():
            yield Part(html=html, automatic=isinstance(segment, Auto))


def _counted(incident: Incident) -> Markup:
    visible = sum(not row.hidden for row in incident.timeline)
    cut = " Told from the first of them; the Markdown has all." if len(incident.timeline) > _LONG else ""
    return Markup("<p>The {} visible rows of the timeline above.{}</p>").format(visible, cut)
