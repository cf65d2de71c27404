"""`python -m tests.simulation`: run schedules of the simulation, or look at one of them; `--help` says more."""

import sys
from uuid import uuid4

import click

from alertline.cli.progress import progress
from alertline.clock import monotonic
from tests.simulation.bugs import BUGS
from tests.simulation.campaign import here, verdicts
from tests.simulation.schedule import Verdict, run_schedule

_FRESH = 1_000_000_000
_TELL = 500


@click.command(epilog="\b\nExamples:\n  python -m tests.simulation --count 10000 --jobs 2\n"
               "  python -m tests.simulation --seed 2273 --trace\n"
               "  python -m tests.simulation --bug 'fence removed'")  # fmt: skip
@click.option("--seed", type=int, help="Replay this one schedule, and tell what happened in it.")
@click.option("--trace", is_flag=True, help="With --seed: tell every crossing too, not only what was done to whom.")
@click.option("--count", type=click.IntRange(1), default=500, show_default=True, help="How many schedules to run.")
@click.option("--first", type=int, help="The first seed; without it, one that nobody has run before.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="On how many processors.")
@click.option("--bug", type=click.Choice(tuple(BUGS)), help="Plant this bug first: the simulation should find it.")
def _simulation(seed: int | None, trace: bool, count: int, first: int | None, jobs: int, bug: str | None) -> None:
    """Run the service in a world made of chance.

    Real receivers' spools, correlators, relays and SQL run under virtual time on a simulated broker and disk. At every
    await the seed of a schedule says who goes on, who is killed or stopped, what is cut and whose answer is lost. When
    all is mended and read, the store must equal a plain replay of the log, and all that was acknowledged must be in it
    once.

    A seed is all that it takes to see a failure again.
    """
    if seed is not None:
        sys.exit(_replay(seed, trace, bug))
    first = uuid4().int % _FRESH if first is None else first
    began, ran, deliveries, steps, failed = monotonic(), 0, 0, 0, list[Verdict]()
    with progress("schedules", count) as advance:
        for verdict in verdicts(range(first, first + count), jobs=jobs, bug=bug):
            advance()
            if (ran + 1) % _TELL == 0:
                click.echo(f"{ran + 1} schedules, {monotonic() - began:.0f} s, {len(failed)} failed", err=True)
            ran, deliveries, steps = ran + 1, deliveries + verdict.deliveries, steps + verdict.steps
            if verdict.failure is not None:
                failed.append(verdict)
                click.echo(f"seed {verdict.seed}: {verdict.failure}", err=True)
            if len(failed) == 1 and bug is not None:
                break
    seconds = monotonic() - began
    click.echo(
        f"seeds {first} to {first + ran - 1}: {len(failed)} of {ran} schedules failed; {deliveries} deliveries "
        f"acknowledged, {steps} steps, {seconds:.0f} s, {60 * ran / seconds:.0f} schedules a minute"
    )
    if failed:
        click.echo(f"again: python -m tests.simulation --seed {failed[0].seed}" + (f" --bug '{bug}'" if bug else ""))
    sys.exit(1 if failed else 0)


def _replay(seed: int, trace: bool, bug: str | None) -> int:
    with here(bug) as place:
        verdict = run_schedule(seed, place, tracing=trace)
    click.echo("\n".join(verdict.told))
    click.echo(f"seed {seed}: {verdict.steps} steps, {verdict.deliveries} deliveries acknowledged, "
               f"digest {verdict.digest or 'none'}")  # fmt: skip
    click.echo(verdict.failure or "everything holds")
    return 1 if verdict.failure else 0


if __name__ == "__main__":
    _simulation()
