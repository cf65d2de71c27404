"""Storms: everything is decided as ever, and what is shown stays a story."""

import pytest

from schemas.incident import Incident
from schemas.vocabulary import AlertStatus, RowKind
from tests.support.story import Story, alert

ALERT_ROWS = {RowKind.ALERT_FIRED, RowKind.ALERT_REFIRED, RowKind.ALERT_RESOLVED}


def storm(alerts: int, *, services: int, titles: int) -> Incident:
    """So many alerts of so many services and titles, one a tenth of a second; all end at 10:30."""
    story, events = Story(), []
    for n in range(alerts):
        more = {"service": f"s{n % services}", "title": f"Check {n % titles}"}
        start = f"10:{n // 600:02d}:{n % 600 / 10:.1f}"
        events.append(alert(f"A{n}", AlertStatus.FIRING, start, None, **more))
    story.at("10:10").posts(events)
    story.at("10:30").posts([alert(f"A{n}", AlertStatus.RESOLVED, None, "10:30") for n in range(alerts)])
    return story.incident()


def alert_rows(incident: Incident) -> list[str]:
    """The texts of an incident's alert rows."""
    return [row.text for row in incident.timeline if row.kind in ALERT_ROWS]


@pytest.mark.parametrize(("services", "titles", "shown"), [(1, 3, 6), (1, 100, 200), (7, 700, 14), (700, 700, 500)])
def test_a_storm_shows_bounded_rows(services: int, titles: int, shown: int) -> None:
    """First and last of each service and title, of each service where those are too many, else the ends of it all."""
    incident = storm(700, services=services, titles=titles)

    rows = alert_rows(incident)
    assert len(rows) == shown
    assert sum("not shown" in row for row in rows) == max(1, shown // 2 if shown < 500 else 1)
    assert "storm" in incident.flags
    assert len(incident.alerts) == 700
    assert [row.at for row in incident.timeline] == sorted(row.at for row in incident.timeline)


def test_the_rows_that_are_not_shown_are_counted() -> None:
    """Every row is either shown or in a count."""
    rows = alert_rows(storm(700, services=1, titles=3))

    hidden = [int(row.split("the last; ")[1].split()[0]) for row in rows if "the last; " in row]
    assert len(rows) + sum(hidden) == 1400


def test_a_timeline_that_fits_is_shown_as_it_is() -> None:
    """Two hundred and fifty alerts that fired and ended are five hundred rows."""
    incident = storm(250, services=1, titles=3)

    assert len(alert_rows(incident)) == 500
    assert "storm" not in incident.flags
