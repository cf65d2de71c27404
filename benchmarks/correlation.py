"""How right the correlation is on recorded calendars with known truth, where they are there: with and without a map."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any, Final

from alertline.cli.replaying import replay_lines
from alertline.config import load_settings
from benchmarks.reporting import Figure, Options, tell
from ingest.recording import read_recordings

__all__ = ["measure"]

_GIVEN: Final = Path(__file__).parents[2] / "shared" / "benchmarks" / "correlation"
_KINDS: Final = ("none", "moderate")


def measure(_options: Options) -> Iterator[Figure]:
    """The mean over the calendars of each kind. Nothing here depends on the machine: one round is enough."""
    calendars = sorted((_GIVEN / "seeds").glob("*.truth.json"))
    if not calendars:
        tell("correlation: left out, the calendars with known truth are not there")
        return
    for kind in _KINDS:
        own = [path for path in calendars if path.name.startswith(kind)]
        for mapped in (False, True):
            scores = [_score(path, mapped) for path in own]
            yield from _figures(f"{kind} noise, {'with' if mapped else 'no'} map", scores)


def _score(truth: Path, mapped: bool) -> dict[str, Any]:
    """One calendar: replayed, and compared with its truth by the scorer that lies beside it; and delivered anew."""
    name = truth.name.removesuffix(".truth.json")
    tell(f"correlation: {name}{' with its map' if mapped else ''}")
    settings = load_settings(truth.with_name(f"{name}.topology.toml") if mapped else None, {})
    with TemporaryDirectory() as folder:
        outcomes = []
        for recording in (truth.with_name(f"{name}.ndjson.gz"), truth.with_name(f"{name}-redelivered.ndjson.gz")):
            if recording.exists():
                lines = read_recordings((recording,))
                outcome = Path(folder) / f"{recording.name}.json"
                outcome.write_text(replay_lines(lines, settings, form="json", events=False, advance=_nothing))
                outcomes.append(str(outcome))
        against = ["--against", outcomes[1]] if len(outcomes) > 1 else []
        command = [sys.executable, str(_GIVEN / "score.py"), str(truth), outcomes[0], *against, "--json"]
        scored = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(scored.stdout)
    return found


def _nothing(*_: object) -> None:
    """No progress bar: `tell` says where we are."""


def _figures(name: str, scores: Iterable[dict[str, Any]]) -> Iterator[Figure]:
    scores = list(scores)
    parts = {
        "F1": [each["f1"] for each in scores],
        "exact membership": [each["exact_membership"] for each in scores],
        "start within 60 s": [each["start_error"]["within_60s"] for each in scores],
        "same in another order": [each["against"]["ari"] for each in scores if "against" in each],
    }
    for part, values in parts.items():
        if values:
            yield Figure(f"{name}: {part}", 1000 * mean(values), "per mille")
    lost = sum(each["unmatched_episodes"] + each["unexpected_episodes"] for each in scores)
    yield Figure(f"{name}: lost or made up", lost, "episodes")
