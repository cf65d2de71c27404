"""Alertmanager's API, version 2, as Prometheus, vmalert, Loki, Grafana, Flux, Argo CD and amtool post into it.

Success is 200 without a body: some of them (Argo CD) take anything else for a failure. Of a list that can be read in
part the rest waits in quarantine, and its sender hears of success: Prometheus would drop the whole list otherwise.
A failure is a text in JSON: amtool takes nothing else.
"""

from typing import Final

from alertline.web.problems import Problem
from ingest.servers.protocol import Call, Credential, Protocol, Reply, Taken, json_reply
from schemas.vocabulary import Outcome

__all__ = ["PROTOCOL"]


def _reply(taken: Taken) -> Reply:
    delivery = taken.delivery
    if delivery is not None and delivery.outcome is Outcome.QUARANTINED:
        return json_reply(400, delivery.reason or "nothing in it could be read")
    return Reply(200)


def _refused(problem: Problem) -> Reply:
    return json_reply(problem.status, str(problem))


PROTOCOL: Final = Protocol(
    source="alertmanager_api_v2",
    credential=Credential(header="Authorization", prefix="Bearer "),
    calls=(Call("POST", "/api/v2/alerts", _reply),),
    refused=_refused,
)
