"""The pictures of the reports page, as numbers for an SVG: strips of incidents on a log scale, and medians over time.

They repeat what the tables say and are hidden from readers that cannot see them. Same report, same numbers.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log
from typing import Final

import msgspec

from alertline.incidents.telling.wording import duration

__all__ = [
    "LEAST",
    "STRIP_HEIGHT",
    "STRIP_WIDTH",
    "TREND_HEIGHT",
    "TREND_WIDTH",
    "Mark",
    "Scale",
    "Strip",
    "Trend",
    "scale_of",
    "strip",
    "trend",
]

STRIP_WIDTH: Final = 300.0
STRIP_HEIGHT: Final = 34
TREND_WIDTH: Final = 640.0
TREND_HEIGHT: Final = 200
LEAST: Final = 3
"""So many values a week, or a month, must have for its median to be drawn."""

_EDGE: Final = 6.0
_BIN: Final = 3.0
_STACK: Final = 7  # dots above each other; where there are more it is a bar
_TICKS: Final = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400)
_STEPS: Final = (
    1,
    5,
    15,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14_400,
    28_800,
    86_400,
    172_800,
    604_800,
    2_592_000,
)
_LEFT: Final = 62.0
_BASE: Final = 150.0
_TOP: Final = 10.0
_MOST_DOTS: Final = 500


class Mark(msgspec.Struct, frozen=True):
    """Something at a place, with its text."""

    x: float
    y: float = 0.0
    text: str = ""


class Scale(msgspec.Struct, frozen=True):
    """A log scale over seconds; what lies outside stands at its edge."""

    least: float
    most: float

    def x(self, seconds: float) -> float:
        """The place of a duration."""
        inside = min(max(seconds, self.least), self.most)
        share = log(inside / self.least) / log(self.most / self.least)
        return round(_EDGE + share * (STRIP_WIDTH - 2 * _EDGE), 1)

    def ticks(self) -> list[Mark]:
        """Round durations that are far enough from each other to be read."""
        found: list[Mark] = []
        for seconds in _TICKS:
            x = self.x(seconds)
            if self.least <= seconds <= self.most and (not found or x - found[-1].x > 44):
                found.append(Mark(x, text=duration(seconds)))
        return found


class Strip(msgspec.Struct, frozen=True):
    """The incidents behind one row of a table, each a dot; `bars` are places where there are many."""

    dots: tuple[Mark, ...]
    bars: tuple[Mark, ...]
    median: float | None
    p90: float | None


class Trend(msgspec.Struct, frozen=True):
    """Median and p90 of one metric over time.

    Attributes:
        lines, dashes: pieces of the median and of p90 between neighbours that both have enough values, as points.
        medians, p90s: their points; dots: values by themselves.
        columns: n below each column; names: of some columns; levels: of the axis.
    """

    lines: tuple[str, ...]
    dashes: tuple[str, ...]
    medians: tuple[Mark, ...]
    p90s: tuple[Mark, ...]
    dots: tuple[Mark, ...]
    columns: tuple[Mark, ...]
    names: tuple[Mark, ...]
    levels: tuple[Mark, ...]


def scale_of(values: Sequence[float]) -> Scale:
    """One scale for all rows of a table."""
    positive = [value for value in values if value > 0]
    least, most = min(positive, default=60.0), max(positive, default=3600.0)
    return Scale(min(least, most / 10), most)


def strip(values: Sequence[float], scale: Scale, median: float | None, p90: float | None) -> Strip:
    """The dots of some durations."""
    places = Counter(int(scale.x(value) / _BIN) for value in values)
    dots, bars = [], []
    for place, count in sorted(places.items()):
        x = round(place * _BIN + _BIN / 2, 1)
        if count > _STACK:
            bars.append(Mark(x))
        else:
            dots += [Mark(x, STRIP_HEIGHT / 2 + (1 - 2 * (n % 2)) * ((n + 1) // 2) * 4) for n in range(count)]
    return Strip(
        tuple(dots),
        tuple(bars),
        None if median is None else scale.x(median),
        None if p90 is None else scale.x(p90),
    )


def trend(columns: Sequence[tuple[str, Sequence[float], float | None, float | None]]) -> Trend:
    """The picture of columns in order of time: name, values, median, p90."""
    values = [value for _, own, _, _ in columns for value in own]
    shown = values if len(values) <= _MOST_DOTS else [p90 for *_, p90 in columns if p90 is not None]
    step = _step(max(shown, default=0.0))
    top = max(step, -(-max(shown, default=0.0) // step) * step)
    places = _places(len(columns))

    def y(seconds: float) -> float:
        return round(_BASE - min(max(seconds, 0.0), top) / top * (_BASE - _TOP), 1)

    drawn = [(x, own, median, p90) for x, (_, own, median, p90) in zip(places, columns, strict=True)]
    medians = [Mark(x, y(at)) if at is not None and len(own) >= LEAST else None for x, own, at, _ in drawn]
    p90s = [Mark(x, y(at)) if at is not None and len(own) >= LEAST else None for x, own, _, at in drawn]
    few = len(values) <= _MOST_DOTS
    return Trend(
        lines=tuple(_pieces(medians)),
        dashes=tuple(_pieces(p90s)),
        medians=tuple(each for each in medians if each is not None),
        p90s=tuple(each for each in p90s if each is not None),
        dots=tuple(Mark(x, y(value)) for x, own, _, _ in drawn for value in own if few or len(own) < LEAST),
        columns=tuple(Mark(x, text=str(len(own))) for x, own, _, _ in drawn),
        names=tuple(_names(places, [name for name, *_ in columns])),
        levels=tuple(Mark(_LEFT, y(n * step), duration(n * step) if n else "0") for n in range(int(top / step) + 1)),
    )


def _places(count: int) -> list[float]:
    room = TREND_WIDTH - _LEFT - 20
    return [
        round(_LEFT + 14 + room * n / max(count - 1, 1), 1) if count > 1 else round(_LEFT + room / 2, 1)
        for n in range(count)
    ]


def _step(most: float) -> float:
    return next((step for step in _STEPS if most / step <= 5), most / 5 or 1.0)


def _pieces(marks: Sequence[Mark | None]) -> Iterator[str]:
    """A line between two neighbours that both are there; a gap is a gap."""
    for one, other in pairwise(marks):
        if one is not None and other is not None:
            yield f"{one.x},{one.y} {other.x},{other.y}"


def _names(places: Sequence[float], names: Sequence[str]) -> Iterator[Mark]:
    last = -100.0
    for x, name in zip(places, names, strict=True):
        if x - last >= 76 and x <= TREND_WIDTH - 66:
            yield Mark(x, text=name)
            last = x
