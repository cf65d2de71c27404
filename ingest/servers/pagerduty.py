"""PagerDuty's Events API: alerts and changes of version 2, events of version 1.

Senders want 202 with a JSON body, and the key of the alert, by which they may acknowledge and resolve it: where they
sent none, it is the one that the adapter made of what they sent.
"""

from collections.abc import Callable
from typing import Final

from alertline.web.problems import Problem
from ingest.servers.protocol import Call, Credential, Protocol, Reply, Taken, json_reply
from schemas.events import AlertEvent
from schemas.records import Delivery
from schemas.vocabulary import Outcome

__all__ = ["PROTOCOL"]

_DONE: Final = {"status": "success", "message": "Event processed"}
_CHANGE_DONE: Final = {"status": "success", "message": "Change event processed"}


def _keyed(status: int, name: str) -> Callable[[Taken], Reply]:
    """The reply of a call whose senders hear of the alert's key, under the name that their version has for it."""

    def reply(taken: Taken) -> Reply:
        wrong = _invalid(taken.delivery)
        return wrong or json_reply(status, {**_DONE, name: _key_of(taken.delivery)})

    return reply


def _change(taken: Taken) -> Reply:
    return _invalid(taken.delivery) or json_reply(202, _CHANGE_DONE)


def _invalid(delivery: Delivery | None) -> Reply | None:
    """What the author of an event hears of which nothing could be read; the event waits in quarantine all the same."""
    if delivery is None or delivery.outcome is not Outcome.QUARANTINED:
        return None
    errors = [f"{each.pointer or 'the body'}: {each.reason}" for each in delivery.rejected]
    return _wrong(400, "invalid event", "Event object is invalid", errors or [delivery.reason or "it cannot be read"])


def _key_of(delivery: Delivery | None) -> str:
    """The key by which the alert goes on; a test has none of its own."""
    if delivery is None:
        return ""
    return next((each.identity for each in delivery.events if isinstance(each, AlertEvent)), delivery.id)


def _refused(problem: Problem) -> Reply:
    return _wrong(problem.status, "error", problem.title, [str(problem)])


def _wrong(status: int, word: str, message: str, errors: list[str]) -> Reply:
    return json_reply(status, {"status": word, "message": message, "errors": errors})


PROTOCOL: Final = Protocol(
    source="pagerduty_events_v2",
    credential=Credential(field="routing_key"),
    calls=(
        Call("POST", "/v2/enqueue", _keyed(202, "dedup_key")),
        Call("POST", "/v2/change/enqueue", _change),
        Call("POST", "/generic/2010-04-15/create_event.json", _keyed(200, "incident_key")),
    ),
    refused=_refused,
)
