"""The REST endpoint of VictorOps, now Splunk On-Call. The secret is a part of the path, so the path is never kept."""

from typing import Final

from alertline.web.problems import Problem
from ingest.servers.protocol import Call, Credential, Protocol, Reply, Taken, json_reply
from schemas.events import AlertEvent
from schemas.vocabulary import Outcome

__all__ = ["PROTOCOL"]

_PATH: Final = "/integrations/generic/20131114/alert/{key}"


def _reply(taken: Taken) -> Reply:
    delivery = taken.delivery
    if delivery is not None and delivery.outcome is Outcome.QUARANTINED:
        # success over HTTP: it is kept, and asking again would not help
        return json_reply(200, {"result": "failure", "message": delivery.reason or "it cannot be read"})
    events = delivery.events if delivery is not None else ()
    key = next((each.dedup_key for each in events if isinstance(each, AlertEvent)), "")
    return json_reply(200, {"result": "success", "entity_id": key or (delivery.id if delivery is not None else "")})


def _refused(problem: Problem) -> Reply:
    return json_reply(problem.status, {"result": "failure", "message": str(problem)})


PROTOCOL: Final = Protocol(
    source="victorops",
    credential=Credential(part="key"),
    calls=tuple(Call("POST", path, _reply) for path in (_PATH, f"{_PATH}/", f"{_PATH}/{{routing}}")),
    refused=_refused,
)
