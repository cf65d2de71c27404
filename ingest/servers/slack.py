"""Slack's incoming webhooks: for senders that know nothing else. The secret is the last part of the path.

The reply is the text `ok` and nothing else: Alertmanager and Grafana take any other for a failure.
"""

from typing import Final

from alertline.web.problems import Problem
from ingest.servers.protocol import Call, Credential, Protocol, Reply, Taken
from schemas.vocabulary import Outcome

__all__ = ["OK", "PROTOCOL"]

_TEXT: Final = "text/plain"
OK: Final = Reply(200, b"ok", _TEXT)


def _reply(taken: Taken) -> Reply:
    delivery = taken.delivery
    wrong = delivery is not None and delivery.outcome is Outcome.QUARANTINED
    return Reply(400, b"invalid_payload", _TEXT) if wrong else OK


def _refused(problem: Problem) -> Reply:
    return Reply(problem.status, str(problem).encode(errors="replace"), _TEXT)


PROTOCOL: Final = Protocol(
    source="slack_incoming",
    credential=Credential(part="key"),
    calls=(Call("POST", "/services/{team}/{app}/{key}", _reply),),
    refused=_refused,
)
