"""Writes over the API, on a real log and store: what is answered, and what stands then (contract §6)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.story.test_people import firing, two_incidents
from tests.support.reviewing import Review, reviewing


@pytest.fixture
async def review(tmp_path: Path) -> AsyncIterator[Review]:
    """A service with one open incident."""
    async with reviewing(tmp_path) as started:
        await started.happens(firing())
        yield started


async def path_of(review: Review) -> str:
    """Where the one incident is."""
    return f"/v1/incidents/{(await review.the_incident())['id']}"


async def test_an_override_and_its_undo(review: Review) -> None:
    """PUT sets it with a reason, null sets it to none, DELETE brings the automatic value back."""
    path = await path_of(review)
    status, incident = await review.asks(
        "PUT", f"{path}/milestones/detected", {"at": "2025-03-04T09:57:00Z", "reason": "a call"}, If_Match='"0"'
    )
    detected = incident["milestones"]["detected"]
    assert (status, detected["at"], detected["basis"], detected["revision"], detected["note"]) == (
        200,
        "2025-03-04T09:57:00Z",
        "manual",
        1,
        "a call",
    )
    _, none = await review.asks("PUT", f"{path}/milestones/detected", {"at": None, "reason": "nobody knows"})
    assert none["milestones"]["detected"] is None
    assert none["revisions"]["detected"] == 2
    _, back = await review.asks("DELETE", f"{path}/milestones/detected")
    assert (back["milestones"]["detected"]["at"], back["milestones"]["detected"]["revision"]) == (
        "2025-03-04T10:00:00Z",
        3,
    )
    assert [each["actor"] for each in back["history"]] == ["local"] * 3


async def test_a_lost_race_is_412_and_loses_nothing(review: Review) -> None:
    """Whoever is second is told the revision that stands; the first one's words stand untouched."""
    path = await path_of(review)
    slots = {"slots": {"root_cause": {"text": "the pool", "status": "done"}}, "actor": "ana"}
    assert (await review.asks("PATCH", path, slots, If_Match='"0"'))[0] == 200
    status, problem = await review.asks("PATCH", path, slots | {"actor": "ben"}, If_Match='"0"')

    assert (status, problem["title"]) == (412, "Somebody was first")
    assert problem["detail"].endswith("slot root_cause is at revision 1, not 0")
    slot = (await review.the_incident())["postmortem"]["slots"]["root_cause"]
    assert slot == {"status": "done", "text": "the pool", "revision": 1}


async def test_the_same_request_again_has_one_effect(review: Review) -> None:
    """A retry with its key is answered as the first one, also after others changed the thing, and also with 412."""
    path = await path_of(review)
    title = {"title": "One", "reason": "first"}
    for _ in range(2):
        assert (await review.asks("PATCH", path, title, If_Match="0", Idempotency_Key="k1"))[0] == 200
    assert (await review.asks("PATCH", path, {"title": "Two"}))[0] == 200
    assert (await review.asks("PATCH", path, title, If_Match="0", Idempotency_Key="k1"))[0] == 200
    for _ in range(2):
        assert (await review.asks("PATCH", path, title, If_Match="0", Idempotency_Key="k2"))[0] == 412

    assert (await review.the_incident())["title"] == "Two"
    assert (await review.the_incident())["revisions"]["title"] == 2


async def test_entries_are_added_and_edited(review: Review) -> None:
    """201 with the incident and the address of the row; pinned, hidden, annotated, corrected, with its revision."""
    path = await path_of(review)
    body = {"kind": "hypothesis", "text": "the database", "at": "2025-03-04T10:05:00+02:00", "actor": "ana"}
    response = await review.client.post(f"{path}/entries", json=body)
    where = response.headers["Location"]
    row = await (await review.client.get(where)).json()
    assert (response.status, row["text"], row["actor"], row["at"], row["written"]) == (
        201,
        "the database",
        "ana",
        "2025-03-04T08:05:00Z",
        True,
    )
    edit = {"hidden": True, "note": "a wrong path", "text": "the database, at first", "at": "2025-03-04T10:05:00Z"}
    assert (await review.asks("PATCH", where, edit, If_Match='"0"'))[0] == 200
    response = await review.client.get(where)
    row = await response.json()
    assert response.headers["ETag"] == '"1"'
    assert {name: row[name] for name in edit} == edit
    assert (await review.asks("PATCH", where, {"pinned": True}, If_Match='"0"'))[0] == 412
    assert (await review.asks("GET", f"{path}/entries/nowhere"))[0] == 404


async def test_an_entry_that_finds_no_incident_waits(review: Review) -> None:
    """201 all the same: nothing that was said is lost; it is attached by hand."""
    path = await path_of(review)
    await review.happens(two_incidents())  # of two that fit neither is guessed
    status, said = await review.asks(
        "POST", "/v1/entries", {"kind": "note", "text": "odd", "at": "2025-03-04T10:25:00Z"}
    )
    assert (status, said["incident"], said["unattached"]["text"]) == (201, None, "odd")
    status, incident = await review.asks("POST", f"{path}/attach", {"entries": [said["unattached"]["id"]]})

    assert status == 200
    assert [row["text"] for row in incident["timeline"] if row["kind"] == "note"] == ["odd"]


async def test_an_incident_is_declared(review: Review) -> None:
    """201 with the new incident, though another one is open."""
    body = {"title": "Customers call", "severity": "error", "at": "2025-03-04T10:02:00Z", "service": "shop"}
    response = await review.client.post("/v1/incidents", json=body)
    incident = await response.json()

    assert (response.status, response.headers["Location"]) == (201, f"/v1/incidents/{incident['id']}")
    assert (incident["title"], incident["severity"], incident["services"]) == ("Customers call", "error", ["shop"])
    assert len(await review.incidents()) == 2


@pytest.mark.parametrize(
    ("words", "status"), [(("acknowledge",), "open"), (("resolve", "reopen"), "open"), (("resolve", "close"), "closed")]
)
async def test_the_life_of_an_incident(review: Review, words: tuple[str, ...], status: str) -> None:
    """Each word is a command; the incident is answered in its new state."""
    path = await path_of(review)
    for word in words:
        answered, incident = await review.asks("POST", f"{path}/{word}", {"at": "2025-03-04T10:20:00Z"})
        assert answered == 200

    assert incident["status"] == status
    assert [each["command"] for each in incident["history"]] == list(words)


async def test_alerts_move_and_come_back(review: Review) -> None:
    """Detached and attached again; merged and the merge undone; each move is in the history."""
    await review.happens(two_incidents())
    first, second = sorted(await review.incidents(), key=lambda each: str(each["created_at"]))
    one, other = f"/v1/incidents/{first['id']}", f"/v1/incidents/{second['id']}"
    _, merged = await review.asks("POST", f"{other}/merge", {"into": first["id"], "reason": "one disk"})
    assert merged["id"] == first["id"]
    assert (await review.asks("GET", other))[1]["id"] == first["id"]
    disk = next(each["id"] for each in merged["alerts"] if each["dedup_key"] == "DiskFull")
    merge = next(each for each in merged["history"] if each["command"] == "merge")
    assert merge["undoable"]
    assert (await review.asks("POST", f"{one}/undo", {"command": merge["id"]}))[0] == 200
    assert sorted(each["id"] for each in await review.incidents()) == sorted((first["id"], second["id"]))

    assert (await review.asks("POST", f"{one}/attach", {"alerts": [disk]}))[0] == 200
    assert (await review.asks("POST", f"{one}/detach", {"alerts": [disk], "reason": "unrelated"}))[0] == 200
    assert (await review.asks("POST", f"{one}/detach", {"alerts": [disk]}))[0] == 409
    _, again = await review.asks("POST", f"{one}/attach", {"alerts": [disk]})
    assert sorted(each["dedup_key"] for each in again["alerts"]) == ["DiskFull", "HighLatency"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/milestones/detected", {"at": "2025-03-04T09:57:00Z"}, 422),
        ("PUT", "/milestones/detected", {"at": "2025-03-04T09:57:00", "reason": "no zone"}, 422),
        ("PUT", "/milestones/detected", {"reason": "no time"}, 422),
        ("PUT", "/milestones/lunch", {"at": None, "reason": "x"}, 404),
        ("PATCH", "", {"severity": "high"}, 422),
        ("PATCH", "", {}, 422),
        ("PATCH", "", {"slots": {"Root Cause": {"text": "x"}}}, 422),
        ("POST", "/entries", {"kind": "gossip", "text": "x"}, 422),
        ("POST", "/entries", {"kind": "note"}, 422),
        ("POST", "/merge", {"into": "inc_nowhere"}, 409),
        ("POST", "/attach", {}, 422),
        ("POST", "/reopen", {}, 409),
        ("POST", "/undo", {"command": "ev_nowhere"}, 409),
        ("POST", "/undo", [], 400),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    review: Review, method: str, path: str, body: Any, status: int
) -> None:
    """4xx as problem+json, and the incident is as it was."""
    where = await path_of(review)
    before = (await review.the_incident())["milestones"]
    answered, problem = await review.asks(method, where + path, body)

    assert (answered, problem["status"]) == (status, status)
    assert (await review.the_incident())["milestones"] == before


async def test_a_revision_is_a_whole_number(review: Review) -> None:
    """The ETag of the incident is none: it moves with every alert."""
    path = await path_of(review)
    etag = (await review.client.get(path)).headers["ETag"]
    assert (await review.asks("PATCH", path, {"title": "x"}, If_Match=etag))[0] == 400
    assert (await review.asks("PATCH", path, {"title": "x"}, If_Match="*"))[0] == 200


async def test_an_unknown_incident_is_404(review: Review) -> None:
    """Nothing is written for it."""
    before = len(await review.records())

    assert (await review.asks("PATCH", "/v1/incidents/inc_nowhere", {"title": "x"}))[0] == 404
    assert len(await review.records()) == before
