"""Fire, resolve, fire again, in each vendor's own words: one condition, two episodes, at the right times."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.policy import Policy
from consumers.replay import Replay
from ingest.adapter import Request
from ingest.catalogue import adapters, detect
from ingest.intake import Posted, receive
from ingest.integrations import Integration
from schemas.events import AlertEvent
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus

EPOCH = datetime(2025, 3, 4, tzinfo=UTC)
LAG = timedelta(seconds=3)
# how the vendor tells of episode `number`: firing where there is no end
Tell = Callable[[int, datetime, datetime | None], dict[str, Any]]


def datadog(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new cycle key for every episode, milliseconds as text."""
    word = "Triggered" if end is None else "Recovered"
    return {
        "alert_id": "17",
        "alert_title": f"[{word}] Latency",
        "alert_transition": word,
        "alert_cycle_key": f"cycle-{number}",
        "alert_scope": "service:api",
        "tags": "service:api",
        "date": f"{(end or start).timestamp() * 1000:.0f}",
    }


def datadog_without_cycles(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A template with neither cycle nor aggregation key, and seconds."""
    told = datadog(number, start, end)
    return {name: told[name] for name in told if name not in ("alert_cycle_key", "date")} | {
        "date_posix": f"{(end or start).timestamp():.0f}"
    }


def cloudwatch(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """An alarm in its envelope."""
    alarm = {
        "AlarmName": "Latency",
        "AWSAccountId": "1",
        "NewStateValue": "ALARM" if end is None else "OK",
        "StateChangeTime": (end or start).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "Trigger": {"Namespace": "AWS/X", "Period": 60, "EvaluationPeriods": 5, "Dimensions": []},
    }
    topic = "arn:aws:sns:eu-west-1:1:alarms"
    return {"Type": "Notification", "MessageId": f"m{number}", "TopicArn": topic, "Message": json.dumps(alarm)}


def pagerduty(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new incident for every episode of the same service and key."""
    word = "triggered" if end is None else "resolved"
    data = {
        "id": f"Q{number}",
        "type": "incident",
        "status": word,
        "incident_key": "latency",
        "created_at": start.isoformat(),
        "title": "Latency",
        "service": {"id": "P1", "summary": "api"},
    }
    told = {"event_type": f"incident.{word}", "resource_type": "incident", "occurred_at": (end or start).isoformat()}
    return {"event": told | {"data": data, "agent": None}}


def opsgenie(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Milliseconds for the creation, nanoseconds for the update."""
    alert = {
        "alertId": f"a{number}",
        "alias": "latency",
        "message": "Latency",
        "createdAt": int(start.timestamp()) * 1000,
        "updatedAt": int((end or start).timestamp()) * 1_000_000_000,
    }
    return {"action": "Create" if end is None else "Close", "alert": alert}


TELLERS: Final[dict[str, tuple[str, Tell]]] = {
    "datadog": ("datadog", datadog),
    "datadog without cycles": ("datadog", datadog_without_cycles),
    "cloudwatch": ("aws_sns_cloudwatch", cloudwatch),
    "pagerduty": ("pagerduty_webhook_v3", pagerduty),
    "opsgenie": ("opsgenie_webhook", opsgenie),
}


def received(source: str, told: dict[str, Any], at: datetime) -> Delivery:
    """The record of what was told a little after it happened."""
    posted = Posted(integration=source, body=json.dumps(told).encode(), received_at=at + LAG)
    record = receive(posted, Integration(name=source, source=source), adapters()[source])
    assert isinstance(record, Delivery)
    return record


@pytest.mark.parametrize("name", TELLERS)
@given(
    offset=st.integers(0, 10**7),
    lasts=st.integers(1, 20_000),
    rests=st.integers(1, 20_000),
    again=st.integers(1, 20_000),
)
def test_fire_resolve_fire_again(name: str, offset: int, lasts: int, rests: int, again: int) -> None:
    """One identity, two episodes, at the times that the vendor stated, whatever lies between them."""
    source, tell = TELLERS[name]
    first = EPOCH + timedelta(seconds=offset)
    first_end = first + timedelta(seconds=lasts)
    second = first_end + timedelta(seconds=rests)
    second_end = second + timedelta(seconds=again)
    records = [
        received(source, tell(1, first, None), first),
        received(source, tell(1, first, first_end), first_end),
        received(source, tell(2, second, None), second),
        received(source, tell(2, second, second_end), second_end),
    ]
    replay = Replay(Policy())
    for record in records:
        replay.feed(record)
    replay.run_on()

    events = [event for record in records for event in record.events]
    assert all(isinstance(event, AlertEvent) for event in events)
    alerts = [event for event in events if isinstance(event, AlertEvent)]
    assert len({event.identity for event in alerts}) == 1
    assert [event.status for event in alerts] == [AlertStatus.FIRING, AlertStatus.RESOLVED] * 2
    episodes = {
        (episode.started_at, episode.ended_at)
        for incident in replay.result().incidents
        for alert in incident.alerts
        for episode in alert.episodes
    }
    assert episodes == {(first, first_end), (second, second_end)}


@pytest.mark.parametrize("name", TELLERS)
def test_recognised(name: str) -> None:
    """A notification that was posted without naming its sender is recognised by its body alone."""
    source, tell = TELLERS[name]
    request = Request(body=json.dumps(tell(1, EPOCH, None)).encode(), headers={}, received_at=EPOCH)

    found = detect(request)

    assert found is not None
    assert found.name == source


def test_late_reminder_of_a_recovered_monitor() -> None:
    """Datadog's renotification states its own moment as a change of state, older than the recovery, and no start."""
    first, end = EPOCH, EPOCH + timedelta(hours=2)
    reminder = datadog(1, first + timedelta(hours=1), None) | {"alert_transition": "Renotify"}

    recovered, reminded = (received("datadog", told, end).events[0] for told in (datadog(1, first, end), reminder))

    assert isinstance(recovered, AlertEvent)
    assert isinstance(reminded, AlertEvent)
    assert reminded.starts_at is None
    assert reminded.changed_at is not None
    assert recovered.changed_at is not None
    assert reminded.changed_at < recovered.changed_at


def test_datadog_as_a_form() -> None:
    """What Datadog encodes as a form reads like the same template in JSON."""
    posted = Posted(
        integration="datadog",
        body=b"alert_id=17&alert_title=%5BTriggered%5D+Latency&alert_transition=Triggered&date=1741082400000",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        received_at=EPOCH,
    )
    record = receive(posted, Integration(name="datadog", source="datadog"), adapters()["datadog"])

    assert isinstance(record, Delivery)
    (event,) = record.events
    assert isinstance(event, AlertEvent)
    assert (event.identity, event.title) == ("17", "[Triggered] Latency")
    assert datetime(2025, 3, 4, 10, tzinfo=UTC) == event.starts_at
