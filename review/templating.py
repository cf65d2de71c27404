"""How pages are rendered: one environment for all of them, every text escaped, a missing value an error."""

import hashlib
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from alertline.incidents.telling import wording
from alertline.incidents.telling.statements import row_detail
from review.signing import Who
from review.zones import UTC_ZONE, ZONE_FILTERS
from schemas.vocabulary import IncidentStatus, Severity

__all__ = ["STATIC", "STATIC_TYPES", "Render", "no_notices", "renderer"]

Render = Callable[..., str]

STATIC_TYPES: Final = {
    "style.css": "text/css; charset=utf-8",
    "reports.css": "text/css; charset=utf-8",
    "mark.svg": "image/svg+xml",
    "page.js": "text/javascript; charset=utf-8",
}
STATIC: Final = {name: files("review").joinpath("static", name).read_bytes() for name in STATIC_TYPES}
_STAMP: Final = hashlib.sha256(b"".join(STATIC.values())).hexdigest()[:8]


def no_notices() -> Sequence[str]:
    """Everything is there."""
    return ()


def renderer(recorded_time: bool, notices: Callable[[], Sequence[str]] = no_notices) -> Render:
    """What renders a template by its name. With `recorded_time` every page says so; `notices`: what else."""
    environment = Environment(
        loader=PackageLoader("review", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= ZONE_FILTERS | {
        "duration": wording.duration,
        "kind_title": wording.kind_title,
        "metric_value": wording.metric_value,
        "milestone_title": wording.milestone_title,
        "row_detail": row_detail,
        "since": wording.since,
    }
    environment.globals |= {
        "recorded_time": recorded_time,
        "notices": notices,
        "stamp": _STAMP,
        "marks": {basis.value: mark for basis, mark in wording.BASIS_MARKS.items()},
        "statuses": tuple(IncidentStatus),
        "severities": tuple(Severity),
        "zone": UTC_ZONE,
        "who": Who("", free=False),
    }

    def render(template: str, **context: object) -> str:
        return environment.get_template(template).render(context)

    return render
