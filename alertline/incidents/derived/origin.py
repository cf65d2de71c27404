"""Where a cascade probably began: the earliest alert of a service that calls no other service of the incident.

Failures travel up the calls: of the services that alert, one that depends on none of the others is where it came in.
That is a pointer for people, not a cause: what failed may not alert at all.
"""

from collections.abc import Sequence

from alertline.incidents.callmap import CallMap
from alertline.incidents.model import AlertRow, EpisodeRow
from schemas.incident import ProbableOrigin

__all__ = ["probable_origin"]


def probable_origin(
    alerts: Sequence[AlertRow], episodes: Sequence[EpisodeRow], calls: CallMap
) -> ProbableOrigin | None:
    """The origin, if the map of calls knows at least two of the services; earliest onset first, then the deepest."""
    known = {alert.id: alert for alert in alerts if alert.service in calls.services}
    services = {alert.service for alert in known.values() if alert.service is not None}
    if len(services) < 2:
        return None
    depths = {service: len(services & calls.reached(service).keys()) - 1 for service in services}
    least = min(depths.values())
    first = min(
        (each for each in episodes if each.alert in known and depths[known[each.alert].service or ""] == least),
        key=lambda each: (each.started_at, -len(calls.callers(known[each.alert].service or "")), each.id),
    )
    service = known[first.alert].service or ""
    dependents = sorted(other for other in services if other != service and service in calls.reached(other))
    text = f"{service} calls none of the other services that alert"
    if dependents:
        text += f"; {', '.join(dependents[:5])}{' and others' if len(dependents) > 5 else ''} depend on it"
    return ProbableOrigin(service=service, alert=first.alert, at=first.started_at, text=f"{text}.")
