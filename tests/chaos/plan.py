"""What happens in a run, and when: drawn from its seed before it begins, so that the same can be asked for again."""

import random
from typing import Final

import msgspec

__all__ = ["FORMS", "KINDS", "Event", "Kind", "Plan", "held_by", "make_plan"]

FORMS: Final = ("embedded", "kafka")
_LEAD_S: Final = 1.0


class Kind(msgspec.Struct, frozen=True):
    """One way of breaking things.

    Attributes:
        told: what it does, in a few words; forms: where it can be done.
        short, long: for how many seconds, at least and at most, in each form of a run.
        holds: what no other event may touch meanwhile; `#` stands for which one of several.
        needs: what the machine must let us do.
    """

    told: str
    forms: tuple[str, ...]
    short: tuple[float, float] = (0.0, 1.0)
    long: tuple[float, float] = (0.0, 5.0)
    holds: str = ""
    needs: str = ""


_E: Final = ("embedded",)
_K: Final = ("kafka",)
KINDS: Final = {
    "kill_server": Kind("kill -9 of serve", _E, holds="server"),
    "kill_correlator": Kind("kill -9 of the correlator beside serve", _E, holds="server"),
    "restart_server": Kind("serve is stopped as an operator does, and started", _E, holds="server"),
    "frozen_correlator": Kind("its correlator stands still and goes on", _E, (1, 3), (3, 12), "server"),
    "zombie": Kind("a correlator stands still, is replaced, and comes back", FORMS, (4, 6), (20, 70), "correlate-#"),
    "kill_ingest": Kind("kill -9 of a receiver", _K, holds="ingest-#"),
    "kill_correlate": Kind("kill -9 of a correlator", _K, holds="correlate-#"),
    "kill_review": Kind("kill -9 of the pages", _K, holds="review-#"),
    "restart_ingest": Kind("a receiver is stopped as an operator does, and started", _K, holds="ingest-#"),
    "frozen_ingest": Kind("a receiver stands still and goes on", _K, (1, 3), (2, 15), "ingest-#"),
    "rebalance": Kind("a correlator leaves the group and joins it again", _K, (1, 2), (1, 10), "correlate-#"),
    "broker": Kind("kill -9 of a broker", _K, (1, 2), (2, 20), "brokers"),
    "cluster": Kind("every broker is gone", _K, (3, 5), (60, 60), "brokers"),
    "spool_full": Kind("every broker is gone, and the spools' disk is full", _K, (3, 5), (5, 15), "brokers", "disk"),
    "postgres_kill": Kind("kill -9 of PostgreSQL", _K, (0.5, 2), (1, 15), "postgres"),
    "postgres_crash": Kind("an immediate stop of PostgreSQL", _K, (0.5, 2), (1, 15), "postgres"),
    "log_full": Kind("the disk of the log is full", _E, (1, 3), (2, 15), "log", "disk"),
    "store_full": Kind("the disk of the store is full", FORMS, (1, 3), (2, 15), "postgres", "disk"),
    "wrong_clock": Kind("a receiver's clock is an hour off", _K, (2, 4), (5, 30), "ingest-#"),
    "copies": Kind("deliveries of a moment ago are posted again, at once", FORMS),
    "cut_bodies": Kind("connections are cut in the middle of a body", FORMS, (2, 3), (3, 10), "network"),
    "cut_answers": Kind("connections are cut in the middle of an answer", FORMS, (2, 3), (3, 10), "network"),
    "poison": Kind("a body on which the core fails", FORMS),
}  # fmt: skip


class Event(msgspec.Struct, frozen=True):
    """One thing that happens: when, for how long, and a number that says to which of several."""

    at: float
    kind: str
    seconds: float
    number: int

    @property
    def told(self) -> str:
        """A line of the schedule."""
        return f"{self.at:7.1f} s  {self.kind}  {self.seconds:.1f} s  no. {self.number % 2}"


class Plan(msgspec.Struct, frozen=True):
    """A whole run.

    Attributes:
        rate: deliveries a second; skipped: what cannot be done on this machine, and why.
    """

    seed: int
    form: str
    deliveries: int
    long: bool
    brokers: int
    rate: float
    senders: int
    events: tuple[Event, ...]
    skipped: tuple[str, ...]

    @property
    def again(self) -> str:
        """The command that runs it again."""
        long = " --long" if self.long else ""
        brokers = f" --brokers {self.brokers}" if self.form == "kafka" else ""
        counts = f"--events {len(self.events)} --deliveries {self.deliveries}"
        return f"python -m tests.chaos --seed {self.seed} --on {self.form} {counts}{brokers}{long}"


def held_by(event: Event, form: str) -> str:
    """What no other event may touch while this one happens; what touches nothing holds only itself."""
    holds = KINDS[event.kind].holds.replace("#", str(event.number % 2))
    if form == "embedded" and holds.endswith(str(event.number % 2)):
        return "server"  # it is all of them
    return holds or f"{event.kind} {event.at} {event.number}"


def make_plan(
    seed: int, form: str, events: int, deliveries: int, *, long: bool = False, brokers: int = 3, disk: bool = True
) -> Plan:
    """Draw a run: every kind about as often as any other, in any order. `disk`: whether small disks can be made."""
    chance = random.Random(f"{seed} {form} plan")
    own = [name for name, kind in KINDS.items() if form in kind.forms]
    skipped = [] if disk else [name for name in own if KINDS[name].needs == "disk"]
    possible = [name for name in own if name not in skipped]
    gap = (7.0 if long else 1.6) if form == "kafka" else (6.0 if long else 1.3)
    drawn: list[Event] = []
    at, deck = _LEAD_S, list[str]()
    while len(drawn) < events:
        deck = deck or chance.sample(possible, len(possible))
        name = deck.pop()
        low, high = KINDS[name].long if long else KINDS[name].short
        drawn.append(Event(round(at, 1), name, round(chance.uniform(low, high), 1), chance.randrange(1000)))
        at += min(chance.expovariate(1 / gap), 4 * gap)
    return Plan(
        seed=seed, form=form, deliveries=deliveries, long=long, brokers=brokers, rate=max(20.0, deliveries / (at + 10)),
        senders=24 if long else 18, events=tuple(drawn), skipped=tuple(skipped),
    )  # fmt: skip
