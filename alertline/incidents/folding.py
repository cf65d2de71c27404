"""From spans to runs: those that overlap are one episode (contract §8.5). Pure; `episodes.py` makes the spans."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from alertline.incidents.model import EpisodeRow, Span

__all__ = ["MOST_SPANS", "compacted", "fold", "with_span", "with_start"]

MOST_SPANS: Final = 8


def fold(spans: Sequence[Span]) -> list[tuple[Span, ...]]:
    """Group spans (any order) into runs that are one episode each, in order of start."""
    if len(spans) == 1:
        return [tuple(spans)]
    runs: list[tuple[Span, ...]] = []
    covered: datetime | None = None  # how far the newest run reaches; None: it has no end yet
    for span in sorted(spans, key=lambda each: each.start):
        if runs and (covered is None or span.start <= covered):
            runs[-1] = (*runs[-1], span)
        else:
            runs.append((span,))
            covered = span.start
        covered = None if span.end is None else max(covered or span.end, span.end)
    return runs


def compacted(run: tuple[Span, ...]) -> tuple[Span, ...]:
    """The run with few enough spans to be a row: the first, the one that gives the end, and the newest.

    A source that names another start each time and never an end would fill an episode without bound. What is dropped
    changes neither start nor end; a late resolve of it makes its span again.
    """
    if len(run) <= MOST_SPANS:
        return run
    ended = [span for span in run if span.end is not None]
    longest = max(ended, key=lambda each: (each.end, each.start), default=run[0])
    kept = {span.start: span for span in (run[0], longest, *run[-(MOST_SPANS - 2) :])}
    return tuple(kept[start] for start in sorted(kept))


def with_start(episodes: Sequence[EpisodeRow], start: datetime) -> EpisodeRow | None:
    """The first episode of which a span starts then."""
    for episode in episodes:
        for span in episode.spans:
            if span.start == start:
                return episode
    return None


def with_span(spans: Sequence[Span], span: Span) -> tuple[Span, ...]:
    """The spans with one made or replaced, by start."""
    if not spans or (len(spans) == 1 and spans[0].start == span.start):
        return (span,)
    if span.start > spans[-1].start:
        return (*spans, span)
    return tuple(sorted([*(each for each in spans if each.start != span.start), span], key=lambda each: each.start))
