"""Fire, resolve, fire again, in each vendor's own words: one condition, two episodes, at the right times."""

import json
import pkgutil
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.policy import Policy
from consumers.replay import Replay
from ingest.catalogue import adapters, detect
from ingest.intake import Posted, receive, request_of
from ingest.integrations import Integration
from schemas.events import AlertEvent
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus
from tests.ingest import dialects
from tests.ingest.dialects import Tell, Told
from tests.ingest.dialects.datadog import datadog
from tests.ingest.dialects.flux import flux

EPOCH = datetime(2025, 3, 4, tzinfo=UTC)
LAG = timedelta(seconds=3)


def _tellers() -> dict[str, tuple[str, Tell]]:
    """Every dialect of every module, by source and name."""
    found: dict[str, tuple[str, Tell]] = {}
    for module in pkgutil.iter_modules(dialects.__path__):
        for name, tell in import_module(f"tests.ingest.dialects.{module.name}").DIALECTS.items():
            found[f"{module.name}: {name}"] = (module.name, tell)
    return found


TELLERS: Final = _tellers()


def posted(source: str, told: dict[str, Any] | Told, at: datetime) -> Posted:
    """The request that was sent a little after it happened."""
    if not isinstance(told, Told):
        told = Told(body=json.dumps(told).encode())
    return Posted(
        integration=source,
        body=told.body,
        headers=told.headers,
        path=told.path,
        query=told.query,
        method=told.method,
        received_at=at + LAG,
    )


def received(source: str, told: dict[str, Any] | Told, at: datetime) -> Delivery:
    """The record of what was told."""
    record = receive(posted(source, told, at), Integration(name=source, source=source), adapters()[source])
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
    told = tell(1, first, None)
    late = LAG if isinstance(told, Told) and not told.timed else timedelta(0)
    records = [
        received(source, told, first),
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
    stated = {(first, first_end), (second, second_end)}
    assert episodes == {(began + late, ended + late) for began, ended in stated}


@pytest.mark.parametrize("name", TELLERS)
def test_recognised(name: str) -> None:
    """A notification that was posted without naming its sender is recognised by its body alone."""
    source, tell = TELLERS[name]
    told = tell(1, EPOCH, None)
    if isinstance(told, Told) and not told.recognised:
        pytest.skip("its body is like those of others: it has to be posted to its own address")

    found = detect(request_of(posted(source, told, EPOCH)))

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


def test_news_of_success_opens_nothing() -> None:
    """Flux tells of every success: alone it is no incident; after an error it ends one."""
    replay = Replay(Policy())
    for number, (start, end) in enumerate([(0, 1), (10, None), (10, 20)]):
        start_at, end_at = (None if at is None else EPOCH + timedelta(minutes=at) for at in (start, end))
        assert start_at is not None
        replay.feed(received("flux", flux(number, start_at, end_at), end_at or start_at))
    replay.run_on()

    (incident,) = replay.result().incidents

    (episode,) = incident.alerts[0].episodes
    assert (episode.started_at, episode.ended_at) == (EPOCH + timedelta(minutes=10), EPOCH + timedelta(minutes=20))


def test_news_of_success_joins_nothing() -> None:
    """Something else fires: that an object of Flux is well does not belong to it."""
    replay = Replay(Policy())
    replay.feed(received("datadog", datadog(1, EPOCH, None), EPOCH))
    replay.feed(received("flux", flux(1, EPOCH, EPOCH + timedelta(seconds=5)), EPOCH + timedelta(seconds=5)))

    (incident,) = replay.result().incidents

    assert [alert.source for alert in incident.alerts] == ["datadog"]


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
