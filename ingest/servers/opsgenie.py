"""Opsgenie's Alert API: alerts are created, and closed or worked on by id or alias, which the path names.

Every request is answered 202 before anybody knows whether the alert exists; what became of it is asked for by the
request's id (`review/compatible.py`). That id is the delivery's.
"""

from typing import Final

from alertline.web.problems import Problem
from ingest.servers.protocol import Call, Credential, Protocol, Reply, Taken, json_reply
from schemas.vocabulary import Outcome

__all__ = ["PROTOCOL"]

_ONE: Final = "/v2/alerts/{alert:.+}"


def _reply(taken: Taken) -> Reply:
    delivery = taken.delivery
    request = {"took": round(taken.seconds, 3), "requestId": delivery.id if delivery is not None else ""}
    if delivery is None or delivery.outcome is not Outcome.QUARANTINED:
        return json_reply(202, {"result": "Request will be processed", **request})
    errors = {each.pointer.lstrip("/") or "request": each.reason for each in delivery.rejected}
    told = {"message": "Request body is not processable. Please check the errors.", "errors": errors}
    return json_reply(422, {**told, **request} if errors else {"message": delivery.reason, **request})


def _refused(problem: Problem) -> Reply:
    return json_reply(problem.status, {"message": str(problem), "took": 0.0, "requestId": ""})


PROTOCOL: Final = Protocol(
    source="opsgenie",
    credential=Credential(header="Authorization", prefix="GenieKey "),
    calls=(
        Call("POST", "/v2/alerts", _reply, told=True),
        *(Call(method, _ONE, _reply, told=True) for method in ("POST", "PUT", "PATCH", "DELETE")),
    ),
    refused=_refused,
)
