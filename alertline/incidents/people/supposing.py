"""What an override would change, before anybody says it: the same facts with one statement more."""

from datetime import datetime

import msgspec

from alertline.incidents.model import IncidentFacts, ItemRow, Order
from schemas.vocabulary import Basis, CommandName, MilestoneName, RowKind

__all__ = ["supposing"]


def supposing(facts: IncidentFacts, name: MilestoneName, to: datetime | None) -> IncidentFacts:
    """The facts as they would be with an override of a milestone (`to` None: to none)."""
    newest = max((item.order for item in facts.items), default=Order(0))
    args = {"milestone": name.value} | ({"to": to.isoformat()} if to is not None else {})
    said = ItemRow(
        id="supposed",
        stream=facts.row.stream,
        scope=facts.row.scope,
        incident=facts.row.id,
        kind=RowKind.CORRECTION,
        at=facts.row.updated_at,
        text="",
        basis=Basis.MANUAL,
        order=Order(max(newest.offset, facts.row.opened.offset) + 1),
        read_at=facts.row.updated_at,
        command=CommandName.OVERRIDE_MILESTONE.value,
        args=args,
    )
    return msgspec.structs.replace(facts, items=(*facts.items, said))
