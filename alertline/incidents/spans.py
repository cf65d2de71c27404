"""What one source said about one start of one alert: what episodes are folded from (`episodes.py`)."""

from datetime import datetime

import msgspec

from schemas.vocabulary import Basis, EndBasis

__all__ = ["Resolve", "Span"]


class Resolve(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A resolve that ended nothing that was known: it may be the end of a firing that is told late.

    Attributes:
        at: the stated end; received_at: of its notification; changed_at: the state-change time, where one is stated.
        event: the id of the event behind it.
    """

    at: datetime
    received_at: datetime
    event: str
    changed_at: datetime | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """All that one source said about one start of one alert.

    Attributes:
        start, start_basis: the stated start (`reported`), or the receive time that stood in (`fallback`).
        end, end_basis: the latest explicit end; None while it fires.
        fired_at: when its first firing was received; None if none was before its resolve.
        resolved_at: when the resolve that stands was received; read_at: log time at which it was read.
        changed_at: the newest state-change time of the source, where it states one.
        fired_event, resolved_event: ids of the events behind start and end.
        unnamed: the resolve behind the end named no start; later: what its source resolved after that, earliest first.
        stated_start, stated_end: what the source stated, where its clock was ahead: the receive time stands instead.
    """

    start: datetime
    start_basis: Basis = Basis.REPORTED
    end: datetime | None = None
    end_basis: EndBasis | None = None
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    read_at: datetime | None = None
    changed_at: datetime | None = None
    fired_event: str | None = None
    resolved_event: str | None = None
    stated_start: datetime | None = None
    stated_end: datetime | None = None
    unnamed: bool = False
    later: tuple[Resolve, ...] = ()

    @property
    def named(self) -> datetime:
        """The start by which its source names it."""
        return self.stated_start or self.start
