"""The picture above the key times: one proportional axis with the impact, the alerts' bars and the key times.

It repeats what the tables say and is hidden from readers that cannot see it. Units are those of an SVG view box that is
`WIDTH` wide; the same incident gives the same numbers.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from alertline.incidents.telling.wording import BASIS_MARKS, milestone_title, since
from review.lanes import Band, bands
from review.zones import UTC_ZONE, Zone
from schemas.incident import Alert, Incident, Milestone
from schemas.vocabulary import Basis, MilestoneName, Severity

__all__ = ["WIDTH", "Axis", "Bar", "Label", "Lane", "Tick", "axis_of", "spaced"]

WIDTH: Final = 1000.0
_LABEL_WIDTH: Final = 98.0
_TICK_WIDTH: Final = 36.0
_EDGE: Final = 0.02  # of the length, on either side
_MAX_LANES: Final = 12
_MAX_TICKS: Final = 8
_MINUTE: Final = 60
_DAY: Final = 86_400
_STEPS: Final = tuple(
    _MINUTE * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200)
)


class Bar(msgspec.Struct, frozen=True):
    """From x to x + width; open: it still fires at the axis' end."""

    x: float
    width: float
    open: bool = False


class Lane(msgspec.Struct, frozen=True):
    """One alert: its severity's bars, one for each episode; `flaps`: how many there are, if more than one."""

    title: str
    severity: Severity
    bars: tuple[Bar, ...]
    flaps: int = 0


class Tick(msgspec.Struct, frozen=True):
    """A round time on the axis."""

    x: float
    text: str


class Label(msgspec.Struct, frozen=True):
    """A key time: its true place, the left edge of its label, and between which places it lies (None: no bounds)."""

    x: float
    left: float
    title: str
    time: str
    mark: str
    basis: Basis
    name: MilestoneName
    since: str
    whisker: tuple[float, float] | None = None


class Axis(msgspec.Struct, frozen=True):
    """The whole picture. `more` alerts are left out of the lanes, never of the table; `days`: where a day begins."""

    impact: Bar | None
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    more: int
    bands: tuple[Band, ...] = ()
    days: tuple[Tick, ...] = ()


class _Scale(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        return round((at - self.start) / (self.end - self.start) * WIDTH, 1)

    def bar(self, start: datetime, end: datetime | None) -> Bar:
        left = self.x(start)
        return Bar(left, max(round(self.x(end or self.end) - left, 1), 2.0), open=end is None)


def axis_of(incident: Incident, zone: Zone = UTC_ZONE) -> Axis | None:
    """The picture of an incident, its times in a zone; None where no time at all is known."""
    times = list(_times(incident))
    if not times:
        return None
    scale = _scale(min(times), max(times))
    lanes = sorted(
        incident.alerts, key=lambda alert: min((each.started_at for each in alert.episodes), default=scale.end)
    )
    return Axis(
        impact=_impact(incident, scale),
        lanes=tuple(_lane(alert, scale) for alert in lanes[:_MAX_LANES]),
        ticks=tuple(_ticks(scale, zone)),
        labels=tuple(_labels(incident, scale, zone)),
        more=max(0, len(lanes) - _MAX_LANES),
        bands=bands(incident, scale.x, WIDTH),
        days=tuple(_days(scale, zone)),
    )


def spaced(places: Sequence[float], width: float, length: float) -> list[float]:
    """Left edges of labels that keep their order, never overlap, and stand as near to their places as that allows.

    Least squares with a minimum distance: neighbours that would overlap move as one group around their mean.
    If they do not all fit into the length they overlap evenly.
    """
    width = min(width, length / len(places)) if places else width
    groups: list[tuple[float, int]] = []
    for index, place in enumerate(places):
        mean, size = place - index * width, 1
        while groups and groups[-1][0] > mean:
            other, count = groups.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        groups.append((mean, size))
    shifts = [mean for mean, size in groups for _ in range(size)]
    room = length - len(places) * width
    return [round(min(max(shift, 0.0), room) + index * width, 1) for index, shift in enumerate(shifts)]


def _times(incident: Incident) -> Iterable[datetime]:
    for stamp in incident.milestones.values():
        if stamp is not None:
            yield stamp.at
    for alert in incident.alerts:
        for episode in alert.episodes:
            yield episode.started_at
            if episode.ended_at is not None:
                yield episode.ended_at
    for row in incident.timeline:
        if not row.hidden:
            yield row.at


def _scale(first: datetime, last: datetime) -> _Scale:
    edge = max((last - first) * _EDGE, timedelta(minutes=1))
    return _Scale(first - edge, last + edge)


def _impact(incident: Incident, scale: _Scale) -> Bar | None:
    start = incident.milestones.get(MilestoneName.IMPACT_STARTED)
    end = incident.milestones.get(MilestoneName.MITIGATED) or incident.milestones.get(MilestoneName.RESOLVED)
    if start is None or (end is not None and end.at < start.at):
        return None
    return scale.bar(start.at, end.at if end else None)


def _lane(alert: Alert, scale: _Scale) -> Lane:
    bars = tuple(scale.bar(episode.started_at, episode.ended_at) for episode in alert.episodes)
    return Lane(alert.title, alert.severity, bars, len(bars) if len(bars) > 1 else 0)


def _ticks(scale: _Scale, zone: Zone) -> Iterable[Tick]:
    length = (scale.end - scale.start).total_seconds()
    step = next((step for step in _STEPS if length / step <= _MAX_TICKS), length)
    # round times are those of the zone's clock
    shift = (scale.start.astimezone(zone.info).utcoffset() or timedelta()).total_seconds()
    start = scale.start.timestamp() + shift
    count = int((scale.end.timestamp() + shift - start) // step) + 1
    for index in range(count + 1):
        at = datetime.fromtimestamp((start // step + index) * step - shift, UTC)
        if scale.start <= at <= scale.end and scale.x(at) <= WIDTH - _TICK_WIDTH:
            yield Tick(scale.x(at), f"{at.astimezone(zone.info):%d %b}" if step >= _DAY else zone.clock(at))


def _days(scale: _Scale, zone: Zone) -> Iterable[Tick]:
    """The midnights within the picture, unless there are many."""
    first, last = scale.start.astimezone(zone.info).date(), scale.end.astimezone(zone.info).date()
    if (last - first).days > _MAX_TICKS:
        return
    for number in range(1, (last - first).days + 1):
        day = first + timedelta(days=number)
        at = datetime(day.year, day.month, day.day, tzinfo=zone.info)
        if scale.start < at < scale.end:
            yield Tick(scale.x(at), f"{day:%a %d %b}")


def _labels(incident: Incident, scale: _Scale, zone: Zone) -> Iterable[Label]:
    stamps = sorted(
        ((stamp, name) for name, stamp in incident.milestones.items() if stamp is not None),
        key=lambda pair: (pair[0].at, list(MilestoneName).index(pair[1])),
    )
    detected = incident.milestones.get(MilestoneName.DETECTED)
    places = [scale.x(stamp.at) for stamp, _ in stamps]
    for (stamp, name), x, left in zip(stamps, places, spaced(places, _LABEL_WIDTH, WIDTH), strict=True):
        yield Label(
            x,
            left,
            milestone_title(name),
            zone.clock(stamp.at),
            BASIS_MARKS[stamp.basis],
            stamp.basis,
            name,
            since(stamp.at, detected.at if detected else None),
            _whisker(stamp, scale),
        )


def _whisker(stamp: Milestone, scale: _Scale) -> tuple[float, float] | None:
    """Between which places a stamp lies, where both bounds are known and differ; cut at the picture's edges."""
    if stamp.earliest is None or stamp.latest is None or stamp.earliest == stamp.latest:
        return None
    return max(scale.x(stamp.earliest), 0.0), min(scale.x(stamp.latest), WIDTH)
