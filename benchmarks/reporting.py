"""What a benchmark is asked and what it tells."""

import sys
from pathlib import Path

import msgspec

__all__ = ["Figure", "Options", "load_figures", "save_figures", "show", "tell"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How long to measure.

    Attributes:
        rounds: how often everything is measured; medians are told.
        seconds: of one round, as far as a benchmark can choose.
        mixtures: of request bodies; none: all.
    """

    rounds: int = 5
    seconds: float = 4.0
    mixtures: tuple[str, ...] = ()


class Figure(msgspec.Struct, frozen=True):
    """One result; `ratio`: to what it was measured beside in the same run, where there is such a thing."""

    name: str
    value: float
    unit: str
    ratio: float | None = None


def tell(progress: str) -> None:
    """Show what is being measured, apart from the results."""
    print(progress, file=sys.stderr, flush=True)


def show(figure: Figure, before: Figure | None) -> None:
    """Print a result, and how it compares with an earlier run."""
    ratio = f"{figure.ratio:8.1%}" if figure.ratio is not None else " " * 8
    then = ""
    if before is not None and before.value:
        old = f", ratio {before.ratio:.1%}" if before.ratio is not None else ""
        then = f"   before {before.value:,.0f}{old} ({figure.value / before.value - 1:+.0%})"
    print(f"{figure.name:44} {figure.value:12,.0f} {figure.unit:12} {ratio}{then}", flush=True)


def save_figures(path: Path, figures: list[Figure]) -> None:
    """Keep results as a baseline."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n")


def load_figures(path: Path) -> dict[str, Figure]:
    """Read a baseline, by name."""
    return {figure.name: figure for figure in msgspec.json.decode(path.read_bytes(), type=list[Figure])}
