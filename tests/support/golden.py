"""The golden incident: what the demo's recording comes to. `python -m tests.support.golden` writes it again."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from alertline.cli.recordings import lines_of
from alertline.cli.replaying import replay_lines
from alertline.config import Settings

__all__ = ["LOAD_BALANCER", "replayed"]

LOAD_BALANCER: Final = Path(__file__).resolve().parents[2] / "schemas" / "examples" / "incident" / "load_balancer.json"


def replayed() -> dict[str, Any]:
    """The one incident of the demo's recording, as `replay` prints it."""
    with as_file(files("alertline.demo").joinpath("load-balancer.ndjson")) as recording:
        text = replay_lines(lines_of((recording,)), Settings(), form="json", events=False, advance=lambda: None)
    (incident,) = orjson.loads(text)["incidents"]
    found: dict[str, Any] = incident
    return found


if __name__ == "__main__":
    LOAD_BALANCER.write_bytes(msgspec.json.format(orjson.dumps(replayed()), indent=2) + b"\n")
