"""Alert episodes, folded from what a source said (contract §8.5). Pure: spans in, spans and runs out.

A *span* is all that was said about one start of one alert. Spans that overlap are one episode: the earliest start
wins, the latest explicit end wins, and a span without an end goes on into the next one. Because runs are folded from
the spans, the order in which notifications arrive does not matter, but where §8.5 says that it does: a resolve seen
before any firing stands; after both, another firing soon after is late delivery, and later it withdraws the resolve.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

import msgspec

from alertline.incidents.folding import MOST_SPANS, fold, with_span
from alertline.incidents.ids import EventIds
from alertline.incidents.model import EpisodeRow, Span
from alertline.incidents.spans import Resolve
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus, Basis, EndBasis

__all__ = [
    "Effect",
    "Heard",
    "Observed",
    "by_our_clock",
    "expired",
    "observe",
    "usual_run",
]

_MOST_LATER: Final = 4


class Effect(Enum):
    """What one notification did to its span."""

    STARTED = auto()
    REPEATED = auto()
    ENDED = auto()
    WITHDRAWN = auto()


class Heard(msgspec.Struct, frozen=True, gc=False):
    """One notification with its receipt.

    Attributes:
        received_at: when our edge received it; read_at: log time when it was read.
        ids: of its delivery's items.
        stated_start, stated_end: what the source stated, where the receive time stands in the alert instead.
        home: the incident that it belongs to, where that is known by other means than correlation (a page).
    """

    alert: AlertEvent
    received_at: datetime
    read_at: datetime
    ids: EventIds
    home: str | None = None
    stated_start: datetime | None = None
    stated_end: datetime | None = None

    @property
    def event(self) -> str:
        """Its event id."""
        return self.ids.of(self.alert.item)


def by_our_clock(heard: Heard, skew: timedelta) -> Heard:
    """The notification with no time that lies after its own receipt: that proves a clock which is ahead, by so much.

    How far a clock is behind, nothing proves: that looks like delay.
    """
    alert, latest = heard.alert, heard.received_at + skew
    if alert.starts_at is not None and alert.starts_at > latest:
        heard = msgspec.structs.replace(heard, stated_start=alert.starts_at)
        alert = msgspec.structs.replace(alert, starts_at=heard.received_at)
    if alert.ends_at is not None and alert.ends_at > latest:
        heard = msgspec.structs.replace(heard, stated_end=alert.ends_at)
        alert = msgspec.structs.replace(alert, ends_at=heard.received_at)
    return heard if alert is heard.alert else msgspec.structs.replace(heard, alert=alert)


class Observed(msgspec.Struct, frozen=True, gc=False):
    """What a notification leaves behind.

    Attributes:
        span: the one that it is about, as it is now; before: as it was, where an end was withdrawn or put right.
        also: other spans that ended with it: they began within what the resolve says is over. Or that go on with it:
            they had expired together.
    """

    effect: Effect
    span: Span
    before: Span | None = None
    also: tuple[Span, ...] = ()


def observe(spans: Sequence[Span], heard: Heard, late_delivery: timedelta) -> Observed:
    """Fold one notification into the spans of its alert; the span whose start it names is made or changed."""
    if heard.alert.status is AlertStatus.RESOLVED:
        return _observe_resolved(spans, heard)
    # somebody acknowledged it: so it fires
    return _observe_firing(spans, heard, late_delivery)


def expired(row: EpisodeRow, at: datetime) -> tuple[Span, ...]:
    """The spans of an episode whose source fell silent, as of log time `at`: they end with the last notice of it."""
    return tuple(
        span
        if span.end is not None
        else msgspec.structs.replace(
            span, end=max(row.last_received, span.start), end_basis=EndBasis.EXPIRED, read_at=at
        )
        for span in row.spans
    )


def usual_run(known: Sequence[EpisodeRow], observed: Observed) -> tuple[EpisodeRow | None, tuple[Span, ...]] | None:
    """What nearly every notification comes to: the newest episode as one run, still; or a new one, and none changed."""
    if len(known) > 1 or observed.also:
        return None
    span = observed.span
    if not known:
        return None, (span,)
    newest = known[0]
    runs = fold(with_span(newest.spans, span))
    if len(runs) == 1:
        return (newest, runs[0]) if len(runs[0]) <= MOST_SPANS else None
    return (None, (span,)) if len(runs) == 2 and newest.spans in runs and (span,) in runs else None


def _observe_firing(spans: Sequence[Span], heard: Heard, late_delivery: timedelta) -> Observed:
    alert, start, known = heard.alert, heard.alert.starts_at, None
    if start is None:
        # no start of its own: it repeats what fires, or, told late, what fired when it was said; else it starts now
        fired = [span for run in fold(spans) for span in run if _was_firing(span, run, alert)]
        known = max(fired, key=lambda span: span.start, default=None)
        start = known.start if known else heard.received_at
    known = known or _named(spans, start, heard)
    if known is None:
        basis = _start_basis(heard)
        over = next((span for span in spans if _covers(span, start)), None)
        if over is not None and not _withdraws(over, heard, late_delivery):
            # told late: it began within what its source has said is over
            late = msgspec.structs.replace(over, start=start, start_basis=basis, stated_start=heard.stated_start)
            late = msgspec.structs.replace(late, fired_at=heard.received_at, fired_event=heard.event)
            return Observed(Effect.STARTED, late)
        fresh = Span(
            start=start,
            start_basis=basis,
            end=start if alert.point else None,
            end_basis=EndBasis.ASSUMED if alert.point else None,
            fired_at=heard.received_at,
            read_at=heard.read_at if alert.point else None,
            changed_at=alert.changed_at,
            fired_event=heard.event,
            stated_start=heard.stated_start,
        )
        return Observed(Effect.STARTED, fresh if alert.point else _resolved_before(spans, fresh, heard))
    if known.end is None or alert.point:
        return Observed(Effect.REPEATED, _newer_change(known, alert.changed_at))
    if not _withdraws(known, heard, late_delivery):
        return Observed(Effect.REPEATED, _with_fired_event(known, heard))
    return _withdrawn(spans, known, heard)


def _withdrawn(spans: Sequence[Span], known: Span, heard: Heard) -> Observed:
    """The span goes on after all; what silence ended together with it does so too."""
    again = msgspec.structs.replace(
        known,
        end=None,
        end_basis=None,
        resolved_at=None,
        read_at=None,
        resolved_event=None,
        stated_end=None,
        unnamed=False,
        changed_at=heard.alert.changed_at,
        fired_event=known.fired_event or heard.event,
    )
    also = [
        msgspec.structs.replace(span, end=None, end_basis=None, read_at=None) for span in _expired_with(spans, known)
    ]
    return Observed(Effect.WITHDRAWN, again, known, tuple(also))


def _start_basis(heard: Heard) -> Basis:
    return Basis.REPORTED if heard.alert.starts_at and heard.stated_start is None else Basis.FALLBACK


def _named(spans: Sequence[Span], start: datetime, heard: Heard) -> Span | None:
    """The span whose start a notification names: as the source states it, or as it stands here."""
    name = heard.stated_start or start
    found = next((span for span in spans if span.named == name), None)
    return found or next((span for span in spans if span.start == start), None)


def _covers(span: Span, start: datetime) -> bool:
    """Whether a time lies within a span that has ended."""
    return span.end is not None and span.start <= start < span.end


def _was_firing(span: Span, run: Sequence[Span], alert: AlertEvent) -> bool:
    """Whether a span of a run fires, or had not ended yet at the time that a notification is about.

    One without an end of its own goes on into the next ones, and ends with them.
    """
    end = span.end
    if end is None and run[-1].end is not None:
        end = max(each.end for each in run if each.end is not None)
    return end is None or (alert.changed_at is not None and alert.changed_at <= end)


def _withdraws(known: Span, heard: Heard, late_delivery: timedelta) -> bool:
    """Whether a firing takes back the end of its span (§8.5); after an end that silence told, any notice does."""
    if known.end_basis is EndBasis.EXPIRED and known.end is not None:
        return heard.received_at > known.end
    if heard.alert.changed_at is not None and known.changed_at is not None:
        return heard.alert.changed_at > known.changed_at
    if known.fired_at is None or known.resolved_at is None:
        return False  # the resolve was seen before any firing: it stands
    return heard.received_at - known.resolved_at > late_delivery


def _observe_resolved(spans: Sequence[Span], heard: Heard) -> Observed:
    alert, start = heard.alert, heard.alert.starts_at
    known = _resolved_span(spans, heard)
    end = alert.ends_at or heard.received_at
    basis = EndBasis.REPORTED if alert.ends_at and heard.stated_end is None else EndBasis.ASSUMED
    effect = Effect.ENDED
    if known is None:
        begin = start or end
        known = Span(start=min(begin, end), start_basis=_start_basis(heard), stated_start=heard.stated_start)
        effect, end = Effect.STARTED, max(begin, end)
    elif known.end is not None and not _is_expired(known) and not _is_moment(known):
        if start is None or alert.ends_at is None:
            return _observe_another(known, heard)
        if end <= known.end:
            return Observed(Effect.REPEATED, known)
    elif alert.changed_at and known.changed_at and alert.changed_at < known.changed_at:
        return Observed(Effect.REPEATED, known)  # an older state, delivered late
    ended = _ended(known, max(end, known.start), basis, heard)
    also = [span for span in spans if span.end is None and known.start < span.start < end]
    also += [span for span in _expired_with(spans, known) if span.start <= end]
    before = known if _is_expired(known) else None
    return Observed(effect, ended, before, tuple(_ended(span, end, basis, heard) for span in also))


def _observe_another(known: Span, heard: Heard) -> Observed:
    """Another resolve of what is over. Where none names a start, the earliest ends it, in whatever order they come.

    A later one ended something else, which is perhaps told late: it is kept for that (`_resolved_before`).
    """
    alert = heard.alert
    if alert.starts_at is not None or alert.ends_at is None or known.end is None or alert.ends_at == known.end:
        return Observed(Effect.REPEATED, known)
    if alert.ends_at > known.end:
        another = Resolve(
            at=alert.ends_at, received_at=heard.received_at, event=heard.event, changed_at=alert.changed_at
        )
        return Observed(Effect.REPEATED, _with_later(known, another))
    if not known.unnamed or known.resolved_at is None or known.resolved_event is None or alert.ends_at < known.start:
        return Observed(Effect.REPEATED, known)
    before = Resolve(
        at=known.end, received_at=known.resolved_at, event=known.resolved_event, changed_at=known.changed_at
    )
    return Observed(Effect.ENDED, _with_later(_ended(known, alert.ends_at, EndBasis.REPORTED, heard), before))


def _with_later(span: Span, another: Resolve) -> Span:
    """The span with one more resolve that came after its end; a source may say each hour that all is well."""
    return msgspec.structs.replace(span, later=_earliest((another, *span.later)))


def _earliest(resolves: Iterable[Resolve]) -> tuple[Resolve, ...]:
    by_time = {each.at: each for each in resolves}
    return tuple(by_time[at] for at in sorted(by_time)[:_MOST_LATER])


def _resolved_before(spans: Sequence[Span], fresh: Span, heard: Heard) -> Span:
    """The span of a firing that is told late, with the end that was told before it."""
    told = [each for span in spans for each in span.later if each.at >= fresh.start]
    first = min(told, key=lambda each: each.at, default=None)
    if first is None or any(fresh.start < span.start <= first.at for span in spans):
        return fresh
    return msgspec.structs.replace(
        fresh,
        end=first.at,
        end_basis=EndBasis.REPORTED,
        resolved_at=first.received_at,
        read_at=heard.read_at,
        resolved_event=first.event,
        changed_at=first.changed_at or fresh.changed_at,
        unnamed=True,
        later=_earliest(each for each in told if each.at > first.at),
    )


def _resolved_span(spans: Sequence[Span], heard: Heard) -> Span | None:
    """The span that a resolve is about: the start it names, else what fired by its end, else the newest (a repeat)."""
    start, end = heard.alert.starts_at, heard.alert.ends_at
    if start is not None:
        return _named(spans, start, heard)
    begun = [span for span in spans if end is None or span.start <= end]
    over = max((span.start for span in begun if span.end is not None), default=None)
    firing = [span for span in begun if span.end is None and (over is None or span.start > over)]  # others went on
    return max(firing or begun, key=lambda span: span.start, default=None)


def _ended(span: Span, end: datetime, basis: EndBasis, heard: Heard) -> Span:
    return msgspec.structs.replace(
        span,
        end=end,
        end_basis=basis,
        resolved_at=heard.received_at,
        read_at=heard.read_at,
        resolved_event=heard.event,
        changed_at=heard.alert.changed_at or span.changed_at,
        stated_end=heard.stated_end,
        unnamed=heard.alert.starts_at is None,
    )


def _is_expired(span: Span) -> bool:
    return span.end_basis is EndBasis.EXPIRED


def _is_moment(span: Span) -> bool:
    """Whether its end was never told: its source seemed to be one that tells none. If it does, that is the end."""
    return span.end == span.start and span.end_basis is EndBasis.ASSUMED and span.resolved_event is None


def _expired_with(spans: Sequence[Span], known: Span) -> list[Span]:
    """The other spans that silence ended together with one."""
    if not _is_expired(known):
        return []
    return [span for span in spans if span.start != known.start and _is_expired(span) and span.read_at == known.read_at]


def _newer_change(span: Span, changed_at: datetime | None) -> Span:
    if changed_at is None or (span.changed_at is not None and changed_at <= span.changed_at):
        return span
    return msgspec.structs.replace(span, changed_at=changed_at)


def _with_fired_event(span: Span, heard: Heard) -> Span:
    return span if span.fired_event is not None else msgspec.structs.replace(span, fired_event=heard.event)
