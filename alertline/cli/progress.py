"""Progress bars for long work: on standard error, and only where somebody is looking."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Advance", "progress"]


Advance = Callable[[], None]
"""Says that one more is done."""


@contextmanager
def progress(words: str, total: int | None) -> Iterator[Advance]:
    """Show a bar while something is worked through; `total` None shows a count without an end."""
    if not sys.stderr.isatty():
        yield _no_bar
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(words, total=total)
        yield lambda: bar.advance(task)


def _no_bar() -> None:
    """Nobody is looking."""
