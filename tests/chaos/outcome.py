"""What a run came to: figures, and what was found wrong."""

import os
import sys
from collections import Counter
from typing import Any

import msgspec
import orjson
from rich.console import Console
from rich.table import Table

from tests.chaos.plan import Plan

__all__ = ["Outcome", "first_difference"]


class Outcome(msgspec.Struct):
    """The outcome of a run.

    Attributes:
        wrong: what was found wrong, in words, the first difference of each sort; empty: nothing.
        lost, doubled: deliveries and edits that were answered 2xx and are not there, or more than once.
    """

    plan: Plan
    events: Counter[str] = Counter()
    deliveries: int = 0
    copies: int = 0
    retries: int = 0
    cuts: int = 0
    poisoned: int = 0
    edits: int = 0
    edit_retries: int = 0
    incidents: int = 0
    samples: int = 0
    lost: int = 0
    doubled: int = 0
    statuses: Counter[str] = Counter()
    replay_equal: bool = False
    wrong: list[str] = []
    seconds: dict[str, float] = {}

    def figures(self) -> dict[str, Any]:
        """Everything as one JSON object; the schedule only where something is wrong."""
        plan = self.plan
        told: dict[str, Any] = {
            "seed": plan.seed, "on": plan.form, "brokers": plan.brokers if plan.form == "kafka" else None,
            "long": plan.long, "events": self.events.total(), "events_by_kind": dict(sorted(self.events.items())),
            "left_out": list(plan.skipped), "deliveries": self.deliveries, "copies": self.copies,
            "retries": self.retries, "connections_cut": self.cuts, "poisoned": self.poisoned, "edits": self.edits,
            "edit_retries": self.edit_retries, "answers": dict(sorted(self.statuses.items())),
            "incidents": self.incidents, "positions_sampled": self.samples, "lost": self.lost, "doubled": self.doubled,
            "replay_equal": self.replay_equal, "seconds": self.seconds, "cpus": os.cpu_count(),
            "python": sys.version.split()[0], "wrong": self.wrong, "again": plan.again,
        }  # fmt: skip
        return told | ({"schedule": [each.told for each in plan.events]} if self.wrong else {})

    def json(self) -> str:
        """The figures, as they are kept."""
        return orjson.dumps(self.figures(), option=orjson.OPT_INDENT_2).decode()

    def show(self, console: Console) -> None:
        """A table of the figures; what is wrong, the schedule and how to run it again."""
        figures = self.figures()
        table = Table("", "", title=f"chaos on {self.plan.form}, seed {self.plan.seed}", show_header=False)
        for name, value in figures.items():
            if name not in ("wrong", "schedule", "again"):
                table.add_row(name.replace("_", " "), _plain(value))
        console.print(table)
        console.print(f"again: {self.plan.again}", highlight=False, soft_wrap=True)
        for each in self.wrong:
            console.print(f"WRONG: {each}", style="bold red", highlight=False, markup=False, soft_wrap=True)
        for line in figures.get("schedule", ()):
            console.print(f"  {line}", highlight=False, markup=False)
        if not self.wrong:
            console.print("nothing lost, nothing doubled, the replay is equal", style="green")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def first_difference(one: Any, other: Any, path: str = "") -> str | None:
    """Where two JSON values differ first, and in what; None: they do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [(name, one.get(name), other.get(name)) for name in dict.fromkeys((*one, *other))]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(str(index), *both) for index, both in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other else f"{path or '/'}: {str(one)[:300]} and {str(other)[:300]}"
    return next((said for name, a, b in pairs if (said := first_difference(a, b, f"{path}/{name}"))), None)
