"""Break the service on purpose, from a terminal: `python -m tests.chaos --help`."""

import asyncio
import random
import signal
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.plan import FORMS, KINDS
from tests.chaos.running import planned, run

__all__ = ["main"]

_KINDS = "\n".join(f"  {name:18} {', '.join(kind.forms):16} {kind.told}" for name, kind in KINDS.items())


@click.command(
    context_settings={"max_content_width": 110},
    epilog=f"\b\nWhat can happen, and on which form:\n{_KINDS}\n\n\b\n"
    "Examples:\n"
    "  python -m tests.chaos                                  the embedded default, another seed each time\n"
    "  python -m tests.chaos --seed 7 --on kafka --brokers 1  needs Java, Maven, PostgreSQL and HAProxy\n"
    "  python -m tests.chaos --on kafka --long --events 200 --deliveries 100000 --json outcome.json\n",
)
@click.option("--seed", type=int, help="All that is drawn follows from it; without it a new one is taken, and said.")
@click.option("--on", "form", type=click.Choice(FORMS), default="embedded", show_default=True, help="What is broken.")
@click.option("--events", type=click.IntRange(0), default=20, show_default=True, help="How many things happen.")
@click.option("--deliveries", type=click.IntRange(1), default=1500, show_default=True, help="How many, at least.")
@click.option("--brokers", type=click.Choice(["1", "3"]), default="3", show_default=True, help="Of the Kafka cluster.")
@click.option("--long", is_flag=True, help="Things last as long as they do in life: a cluster is gone for 60 s.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Keep the outcome in a file.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep logs and the export in a folder.")
@click.option("--plan", "only_plan", is_flag=True, help="Print what would happen, and end.")
def main(
    seed: int | None, form: str, events: int, deliveries: int, brokers: str, *,
    long: bool, file: Path | None, keep: Path | None, only_plan: bool,
) -> None:  # fmt: skip
    """Break Alertline in every way we know while senders send and people edit; then see that nothing is lost.

    Senders retry until they hear a 2xx. Afterwards everything that was answered 2xx must be in the result exactly once,
    no edit may be lost or doubled, and the incidents must be, byte for byte, what `replay` makes of `export`.
    The same seed draws the same schedule and the same deliveries; when exactly a process dies is the machine's affair.
    Exit status 0: nothing was wrong; 1: something was, and the seed, the schedule and the first difference are printed.
    """
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # what was started is ended then too
    console = Console(stderr=True)
    drawn = random.SystemRandom().randrange(10**6) if seed is None else seed
    plan = planned(drawn, form, events, deliveries, long=long, brokers=int(brokers))
    if only_plan:
        for each in plan.events:
            click.echo(each.told)
        return
    for name in plan.skipped:
        console.print(f"left out on this machine: {name} (needs the superuser, to make a small disk)", style="yellow")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="alertline-chaos-") as made, Progress(*columns, console=console) as bar:
        tasks = {name: bar.add_task(name, total=None) for name in ("events", "deliveries", "looked at")}
        folder = keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)

        def show(what: str, done: int, total: int) -> None:
            bar.update(tasks[what], completed=done, total=total)

        outcome = asyncio.run(run(plan, folder.resolve(), show))
    if file is not None:
        file.write_text(outcome.json() + "\n")
    outcome.show(Console())
    sys.exit(1 if outcome.wrong else 0)


if __name__ == "__main__":
    main()
