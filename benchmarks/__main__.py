"""`python -m benchmarks NAME…`: what is measured is in the modules; `--help` names them."""

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Final, cast

import click

from benchmarks.bodies import MIXTURES
from benchmarks.reporting import Figure, Options, load_figures, save_figures, show, tell

_NAMES: Final = (
    "receive",
    "replay",
    "engine",
    "correlation",
    "adapters",
    "log",
    "store",
    "consumer",
    "kafka",
    "visible",
    "review",
    "reports",
)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(_NAMES))
@click.option("--rounds", default=5, show_default=True, help="How often to measure; medians are told.")
@click.option("--seconds", default=4.0, show_default=True, help="Length of one round of `receive`.")
@click.option("--mixture", "mixtures", multiple=True, type=click.Choice(tuple(MIXTURES)), help="Bodies of `receive`.")
@click.option("--json", "save", type=click.Path(path_type=Path), help="Write the results to FILE: a baseline.")
@click.option("--against", type=click.Path(path_type=Path, exists=True), help="Compare with such a FILE.")
def _benchmarks(
    names: tuple[str, ...],
    rounds: int,
    seconds: float,
    mixtures: tuple[str, ...],
    save: Path | None,
    against: Path | None,
) -> None:
    """Measure and print; nothing fails for being slow."""
    options = Options(rounds=rounds, seconds=seconds, mixtures=mixtures)
    before = load_figures(against) if against is not None else {}
    figures: list[Figure] = []
    for name in names or _NAMES:
        tell(f"{name}: {import_module(f'benchmarks.{name}').__doc__}")
        measure = cast(Callable[[Options], Iterable[Figure]], import_module(f"benchmarks.{name}").measure)
        for figure in measure(options):
            show(figure, before.get(figure.name))
            figures.append(figure)
    if save is not None:
        save_figures(save, figures)


if __name__ == "__main__":
    _benchmarks()
