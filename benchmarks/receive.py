"""How many deliveries a second are acknowledged, beside an aiohttp handler that does nothing."""

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from benchmarks.bodies import MIXTURES
from benchmarks.reporting import Figure, Options, tell
from benchmarks.servers import KINDS, started

__all__ = ["measure"]

_CONNECTIONS: Final = 32
_AGAINST: Final = "noop"


class _Round(msgspec.Struct):
    rate: float
    p50_ms: float
    p99_ms: float
    other_statuses: dict[str, int]
    load_cpu: float
    unread: int = 0


def measure(options: Options) -> Iterable[Figure]:
    """Interleaved rounds, so that a machine that gets slower or faster does so for all."""
    for mixture in options.mixtures or tuple(MIXTURES):
        rounds: dict[str, list[_Round]] = {kind: [] for kind in KINDS}
        for number in range(options.rounds):
            for kind in KINDS:
                rounds[kind].append(one := _round(kind, mixture, options.seconds))
                tell(f"{mixture} {number + 1}/{options.rounds} {kind}: {_words(one)}")
        noop = median(one.rate for one in rounds[_AGAINST])
        for kind in KINDS:
            rate = median(one.rate for one in rounds[kind])
            yield Figure(f"receive {mixture} {kind}", rate, "requests/s", rate / noop)


def _round(kind: str, mixture: str, seconds: float) -> _Round:
    with tempfile.TemporaryDirectory(prefix="alertline-bench-") as name:
        folder = Path(name)
        with started(kind, folder) as port:
            load = [sys.executable, "-m", "benchmarks.load", str(port), str(_CONNECTIONS), str(seconds), mixture]
            done = subprocess.run(load, capture_output=True, check=True, timeout=seconds + 30)
            found = msgspec.convert(json.loads(done.stdout), _Round)
            if kind == "serve":
                found.unread = _unread(folder)
        return found


def _unread(folder: Path) -> int:
    """How far the correlator was behind when the load ended."""
    with closing(sqlite3.connect(folder / "log.db")) as log, closing(sqlite3.connect(folder / "store.db")) as store:
        (end,) = log.execute("SELECT max(id) FROM log").fetchone()
        row = store.execute("SELECT next_offset FROM positions").fetchone()
    return int(end or 0) + 1 - int(row[0] if row else 0)


def _words(one: _Round) -> str:
    behind = f", correlator {one.unread} behind" if one.unread else ""
    wrong = f", other statuses {one.other_statuses}" if one.other_statuses else ""
    return (
        f"{one.rate:,.0f}/s, p50 {one.p50_ms:.1f} ms, p99 {one.p99_ms:.1f} ms, load {one.load_cpu:.0%}{behind}{wrong}"
    )
