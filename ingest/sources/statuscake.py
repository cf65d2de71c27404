"""StatusCake: the webhook of a contact group. A form, a query with placeholders, or JSON."""

import re
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.batches import Told, read_each
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.forms import document_form_or_query, first_object
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.local_times import local_time
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template
from ingest.reading.urls import host_of_url
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_VARIABLE: Final = re.compile(r"\|[A-Za-z_]+\|")
_CHECK: Final = ("testid", "checkid", "uptimeid", "id")
_NAME: Final = ("name", "testname", "checkname", "websitename")
_ADDRESS: Final = ("url", "websiteurl", "checkurl")
_STATES: Final = {"down": AlertStatus.FIRING, "up": AlertStatus.RESOLVED}
_NO_VERDICT: Final = frozenset(("paused", "unpaused", "maintenance", "pending", "unknown"))
_MOMENT: Final = ("timestamp", "datetime", "date", "time", "triggeredat")


def _adapt(request: Request) -> Adapted:
    document = document_form_or_query(request)
    if not document or not isinstance(document, dict | list):
        raise Unreadable("not an alert of StatusCake: a form, a query or an object is expected")
    return read_each(items_of(document), _told)


def _told(fields: Fields, warnings: list[str]) -> Told:
    whole = Template.read(fields.values, _VARIABLE, fields.pointer)
    said = whole.plain()
    mild = Lenient(said, warnings)
    state = mild.text("status", "state")
    if state is None and said.unexpanded:
        return TestEvent(title="a request whose placeholders were not filled in")
    word = (state or "").lower()
    if word == "test":
        return TestEvent(title="StatusCake's test")
    if word in _NO_VERDICT:
        return f"{state}: neither up nor down"
    status = _STATES.get(word)
    if status is None or state is None:
        raise BadField(said.at("status"), f"unknown word {(state or '')[:60]!r}; Up or Down")
    return _event(whole, mild, status, state)


def _event(whole: Template, mild: Lenient, status: AlertStatus, state: str) -> AlertEvent:
    name, address = mild.text(*_NAME), mild.text(*_ADDRESS)
    key = mild.text(*_CHECK) or "/".join(part for part in (name, address) if part)
    if not key:
        raise BadField(whole.at("name"), "missing, as are URL and TestID")
    labels = read_tags(whole.values.get("tags"))
    moment = local_time(whole.plain(), mild.warnings, None, *_MOMENT)
    resolved = status is AlertStatus.RESOLVED
    code = whole.number("statuscode")
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=f"{name or address or key} is {state}",
        starts_at=None if resolved else moment,
        ends_at=moment if resolved else None,
        description="timed out" if code == 0 else None,
        service=service_of(labels) or name,
        host=host_of_url(address) or mild.text("ip"),
        environment=environment_of(labels),
        labels=labels,
        source_url=address if address and address.startswith("http") else None,
        value=code,
    )


def _detect(request: Request) -> bool:
    first = first_object(request)
    if first is None:
        return False
    return {"Status", "StatusCode"} <= first.keys() and not first.keys().isdisjoint(("Token", "CheckRate", "URL"))


ADAPTER = Adapter(
    name="statuscake",
    version=1,
    about=About(
        title="StatusCake",
        paste="Alerting > Contact groups > Webhook URL: {url}, method POST.",
        reads="Status (Up, Down), name, address, TestID where there is one, status code, tags (service, environment); "
        "as form, query or JSON.",
        cannot_know="When it happened: the time of receipt stands in. How bad it is. Without a TestID a check is known "
        "by name and address, so a renamed check is another.",
    ),
    detect=_detect,
    gets=True,
    adapt=_adapt,
    secrets=("Token",),
)
