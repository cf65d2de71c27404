"""Incidents that are not like the usual one: what the draft and the terminal's text say of them."""

import msgspec
import pytest

from alertline.incidents.telling.draft import draft, rerender
from alertline.incidents.telling.plaintext import incident_text
from schemas.incident import Impact, Incident, Metric, Milestone, Postmortem, Task
from schemas.vocabulary import Basis, Classification, MetricName, MilestoneName
from tests.support.sample_incident import at, outage, running


def stamped(**stamps: Milestone | None) -> Incident:
    """The outage with some milestones replaced."""
    changed = {MilestoneName(name): stamp for name, stamp in stamps.items()}
    return msgspec.structs.replace(outage(), milestones=outage().milestones | changed)


def manual(clock: str, **more: object) -> Milestone:
    """A stamp that a person gave."""
    return msgspec.structs.replace(Milestone(at=at(clock), basis=Basis.MANUAL, evidence=("ev_said",)), **more)


@pytest.mark.parametrize(
    ("incident", "expected"),
    [
        (stamped(impact_started=None), "Resolved at 2024-08-20 15:45 UTC; start of the impact not recorded."),
        (stamped(impact_started=None, resolved=None), "Open, start of the impact not recorded; not resolved."),
        (stamped(impact_started=manual("16:00")), "before the stated start of the impact, 2024-08-20 16:00 UTC."),
        (
            stamped(detected=manual("13:58")),
            "Detected at 13:58 UTC, 5 min after the impact started, reported by a person.",
        ),
        (stamped(detected=None), "- **Detection**: not recorded."),
        (stamped(mitigated=manual("15:40", earliest=at("15:38"))), "not before 2024-08-20 15:38"),
        (stamped(mitigated=manual("15:40", latest=at("15:41"))), "not after 2024-08-20 15:41"),
        (stamped(mitigated=manual("15:40", earliest=at("15:40"), latest=at("15:40"))), "| exact |"),
        (
            stamped(mitigated=manual("15:40", evidence=("a", "b", "c", "d", "e"))),
            "a, b, c and 2 more <!-- ev: a b c d e -->",
        ),
        (msgspec.structs.replace(outage(), recurrence_of="inc_before"), "- **Recurrence of**: inc\\_before"),
        (msgspec.structs.replace(outage(), reopen_count=2), "- **Reopened**: 2 ×, first resolved 2024-08-20 15:45 UTC"),
        (msgspec.structs.replace(outage(), timeline=()), "No timeline rows are recorded."),
        (msgspec.structs.replace(outage(), services=()), "- **Service**: not recorded"),
    ],
)
def test_the_draft_says_what_is_unusual(incident: Incident, expected: str) -> None:
    """Missing, contradicting and bounded stamps are stated, never smoothed."""
    # an underscore between letters needs no escape, so the expectation is compared without any
    assert expected.replace("\\", "") in draft(incident).replace("\\", "")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (Metric(0.0, Basis.ASSUMED), "Detected at 14:05 UTC, assumed to be the start of the impact"),
        (Metric(0.0, Basis.REPORTED), "Detected at 14:05 UTC, as the impact started"),
        (Metric(-60.0, Basis.REPORTED), "Detected at 14:05 UTC, 1 min before the impact started"),
        (Metric(None), "Detected at 14:05 UTC, by the alert"),
    ],
)
def test_detection_is_told_as_it_was_measured(metric: Metric, expected: str) -> None:
    """A zero is told by its basis, a negative distance is told as one."""
    incident = outage()
    metrics = incident.metrics | {MetricName.DETECT_FROM_IMPACT: metric}

    assert expected in draft(msgspec.structs.replace(incident, metrics=metrics))


def test_tasks_and_impact_stand_in_their_slots() -> None:
    """What an import or a person recorded as tasks and impact is the slot's text until somebody writes another."""
    document = draft(
        msgspec.structs.replace(
            outage(),
            impact=Impact(None, "Slow pages."),
            tasks=(Task("Review the pool", done=True, owner="netops-f", type="prevent"), Task("Add an alert")),
            postmortem=Postmortem({}, 0.0),
        )
    )

    assert "<!-- slot:impact status=draft -->\nSlow pages.\n" in document
    assert "- [x] Review the pool (netops-f, prevent)\n- [ ] Add an alert\n" in document


def test_the_terminal_names_scope_and_classification() -> None:
    """A drill in production is told apart from an incident; one-sided bounds are words."""
    incident = msgspec.structs.replace(
        stamped(
            mitigated=manual("15:40", earliest=at("15:38")),
            fix_applied=manual("15:30", latest=at("15:31")),
            detected=None,
        ),
        scope="production",
        classification=Classification.DRILL,
    )
    text = incident_text(incident)

    assert "scope: production | drill" in text
    assert "not before 15:38" in text
    assert "not after 15:31" in text
    assert "Cause identified at 2024-08-20 15:20 UTC" in text


def test_a_block_of_another_version_is_left_alone() -> None:
    """A block that this version does not make is not its to judge."""
    document = "<!-- auto:weather v=9 sha=00 -->\nsunny\n<!-- /auto -->\n"

    assert document == rerender(document, outage())


def test_a_document_may_end_without_a_line_end() -> None:
    """The last mark of a document needs no newline after it, and gets none."""
    document = draft(running()).rstrip("\n")
    after = rerender(document, outage())

    assert after.endswith("<!-- /auto -->")
    assert after == rerender(after, outage())
