"""A highly available pair of Alertmanagers: both tell of the same alerts, seconds or minutes apart, by their bodies."""

from typing import Any

import orjson
import pytest

from alertline.config import Settings
from alertline.wiring.integrations import integrations_of
from ingest.intake import Posted, receive
from schemas.incident import Incident
from schemas.vocabulary import EndBasis, IncidentStatus, RowKind
from tests.support.story import Story, time, times_of

LABELS = {"alertname": "HighLatency", "service": "api", "severity": "critical"}
RUNNING = "0001-01-01T00:00:00Z"


class Pair(Story):
    """Posts of the Alertmanagers `a` and `b`."""

    def post(self, sender: str, at: str, *, start: str = "10:00", end: str | None = None) -> None:
        """One group of one alert, as Alertmanager writes it."""
        status = "resolved" if end else "firing"
        alert: dict[str, Any] = {
            "status": status,
            "labels": LABELS,
            "annotations": {"summary": "Latency is high"},
            "startsAt": time(start).isoformat(),
            "endsAt": time(end).isoformat() if end else RUNNING,
            "fingerprint": "43a22db1bd7a3a62",
        }
        body = {
            "version": "4",
            "groupKey": '{}:{alertname="HighLatency"}',
            "status": status,
            "receiver": "alertline",
            "externalURL": f"https://alertmanager-{sender}.example.com",
            "alerts": [alert],
        }
        known = integrations_of(Settings()).find("alertmanager")
        assert known is not None
        posted = Posted(integration="alertmanager", received_at=time(at), body=orjson.dumps(body))
        self.records.append(receive(posted, *known))


def episodes(incident: Incident) -> list[tuple[str, str | None, EndBasis | None]]:
    """Times of day and end basis of the episodes of the incident's one alert."""
    (alert,) = incident.alerts
    return [
        (f"{each.started_at:%H:%M:%S}", f"{each.ended_at:%H:%M:%S}" if each.ended_at else None, each.end_basis)
        for each in alert.episodes
    ]


def fired_twice() -> Pair:
    """Both tell that it fires since 10:00."""
    pair = Pair()
    pair.post("a", "10:00:30")
    pair.post("b", "10:00:35")
    return pair


def test_both_tell_the_same_story() -> None:
    """One alert, one episode, every notification counted; nothing fires again, nothing is corrected."""
    pair = fired_twice()
    pair.post("a", "10:20:10", end="10:20")
    pair.post("b", "10:20:15", end="10:20")

    incident = pair.incident()
    assert episodes(incident) == [("10:00:00", "10:20:00", EndBasis.REPORTED)]
    assert incident.alerts[0].notifications == 4
    assert incident.status is IncidentStatus.RESOLVED
    assert times_of(incident, RowKind.ALERT_REFIRED) == times_of(incident, RowKind.CORRECTION) == []
    assert "flapping" not in incident.flags


@pytest.mark.parametrize(("still", "corrections"), [("10:20:40", 0), ("10:22:10", 1)])
def test_the_slower_one_repeats_its_firing_after_the_resolve(still: str, corrections: int) -> None:
    """Within a minute that is late delivery; later it takes the resolve back until it says resolved itself."""
    pair = fired_twice()
    pair.post("a", "10:20:10", end="10:20")
    pair.post("b", still)
    pair.post("b", "10:23:10", end="10:20")

    incident = pair.incident()
    assert episodes(incident) == [("10:00:00", "10:20:00", EndBasis.REPORTED)]
    assert (incident.status, incident.reopen_count) == (IncidentStatus.RESOLVED, 0)
    assert len(times_of(incident, RowKind.CORRECTION)) == corrections
    assert "flapping" not in incident.flags


def test_the_slower_one_resolves_after_the_incident_did() -> None:
    """Ten minutes later and with the same end: counted, and nothing moves."""
    pair = fired_twice()
    pair.post("a", "10:20:10", end="10:20")
    pair.post("b", "10:30:10", end="10:20")
    incident = pair.incident()

    assert episodes(incident) == [("10:00:00", "10:20:00", EndBasis.REPORTED)]
    assert (incident.status, incident.reopen_count, incident.alerts[0].notifications) == (IncidentStatus.RESOLVED, 0, 4)
    assert times_of(incident, RowKind.CORRECTION) == []


def test_each_has_a_prometheus_of_its_own() -> None:
    """Their starts and ends differ by seconds: the earliest start, the latest end, one episode."""
    pair = Pair()
    pair.post("a", "10:00:30", start="10:00:00")
    pair.post("b", "10:00:35", start="10:00:12")
    pair.post("a", "10:20:10", start="10:00:00", end="10:20:00")
    pair.post("b", "10:20:40", start="10:00:12")
    pair.post("b", "10:21:30", start="10:00:12", end="10:20:05")

    incident = pair.incident()
    assert episodes(incident) == [("10:00:00", "10:20:05", EndBasis.REPORTED)]
    assert incident.alerts[0].notifications == 5
    assert times_of(incident, RowKind.CORRECTION) == []


def test_one_falls_silent_and_the_other_goes_on() -> None:
    """An hourly repeat of either is a repeat: nothing expires while one of them is heard."""
    pair = fired_twice()
    for hour in range(11, 20):
        pair.post("b", f"{hour}:00:35")
    pair.tick("20:00")
    assert pair.incident().status is IncidentStatus.OPEN
    pair.tick("23:00")

    assert episodes(pair.incident()) == [("10:00:00", "19:00:35", EndBasis.EXPIRED)]


def test_one_that_was_cut_off_tells_of_another_firing_late() -> None:
    """B tells of the second firing first, A of the first one last: two episodes, by their own times."""
    pair = Pair()
    pair.post("a", "10:00:30")
    pair.post("b", "10:12:40", start="10:12")
    pair.post("a", "10:12:50", end="10:08")
    pair.post("b", "10:30:10", start="10:12", end="10:30")

    incident = pair.incident()
    assert episodes(incident) == [
        ("10:00:00", "10:08:00", EndBasis.REPORTED),
        ("10:12:00", "10:30:00", EndBasis.REPORTED),
    ]
    assert times_of(incident, RowKind.ALERT_REFIRED) == ["10:12"]
