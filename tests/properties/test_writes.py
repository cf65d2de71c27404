"""Any sequence of writes over the API, lost races and retries too: a replay of the log gives the same incidents."""

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.server.test_export import alert
from tests.support.reviewing import Review, reviewing

_TIMES = st.sampled_from([f"2025-03-04T10:{minute:02}:00Z" for minute in range(0, 40, 5)])
_SLOTS = st.sampled_from(["root_cause", "impact"])
_SEEN = st.sampled_from(["present", "older", "none"])


class Writes(RuleBasedStateMachine):
    """Two incidents and people who write, some of them too late; what a client was told must be so."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.stack = AsyncExitStack()
        self.number = 0
        self.review: Review = self.runner.run(self.stack.enter_async_context(reviewing(self.folder)))

    def teardown(self) -> None:
        """End the service."""
        self.runner.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        """Two unrelated outages."""
        fires = self.review.receives
        self.runner.run(fires("10:00:30", alert("latency", "10:00")))
        self.runner.run(fires("10:20", alert("disk", "10:19:30") | {"service": "billing"}))

    def some(self, data: st.DataObject) -> dict[str, Any]:
        """One of the incidents."""
        incidents = self.runner.run(self.review.incidents())
        found: dict[str, Any] = data.draw(st.sampled_from(sorted(incidents, key=lambda each: str(each["id"]))))
        return found

    def write(
        self, method: str, path: str, body: Any, *, seen: str = "none", revision: int = 0, again: bool = False
    ) -> int:
        """Write, perhaps with the revision that was seen, perhaps twice; what it was answered."""
        self.number += 1
        headers = {"Idempotency_Key": f"k{self.number}"}
        if seen != "none":
            headers["If_Match"] = f'"{revision if seen == "present" else revision + 7}"'
        status, answer = self.runner.run(self.review.asks(method, path, body, **headers))
        assert status in (200, 201, 409, 412), answer
        assert (status == 412) == (seen == "older"), answer
        if again:
            assert self.runner.run(self.review.asks(method, path, body, **headers))[0] == status
        return status

    @rule(data=st.data(), at=st.none() | _TIMES, seen=_SEEN, again=st.booleans(), undo=st.booleans())
    def override(self, data: st.DataObject, at: str | None, seen: str, again: bool, undo: bool) -> None:
        """A milestone is set, to none, or undone."""
        incident, name = self.some(data), data.draw(st.sampled_from(["detected", "mitigated", "impact_started"]))
        path = f"/v1/incidents/{incident['id']}/milestones/{name}"
        method, body = ("DELETE", None) if undo else ("PUT", {"at": at, "reason": "a test"})
        revision = incident["revisions"][name]
        status = self.write(method, path, body, seen=seen, revision=revision, again=again)
        if status == 200 and not undo:
            now = self.runner.run(self.review.asks("GET", f"/v1/incidents/{incident['id']}"))[1]
            assert (now["milestones"][name] or {"at": None})["at"] == at
            assert now["revisions"][name] == revision + 1

    @rule(data=st.data(), slot=_SLOTS, text=st.sampled_from(["a", "b"]), seen=_SEEN, again=st.booleans())
    def slot(self, data: st.DataObject, slot: str, text: str, seen: str, again: bool) -> None:
        """Something is written into a slot."""
        incident = self.some(data)
        revision = incident["postmortem"]["slots"][slot]["revision"]
        body = {"slots": {slot: {"text": text, "status": "draft"}}}
        self.write("PATCH", f"/v1/incidents/{incident['id']}", body, seen=seen, revision=revision, again=again)

    @rule(data=st.data(), body=st.sampled_from([{"title": "T"}, {"severity": "info"}, {"title": None}]), seen=_SEEN)
    def field(self, data: st.DataObject, body: dict[str, Any], seen: str) -> None:
        """The title or the severity is set, or given back."""
        incident = self.some(data)
        revision = incident["revisions"][next(iter(body))]
        self.write("PATCH", f"/v1/incidents/{incident['id']}", body, seen=seen, revision=revision)

    @rule(data=st.data(), kind=st.sampled_from(["note", "mitigated", "resolved", "hypothesis"]), at=_TIMES)
    def entry(self, data: st.DataObject, kind: str, at: str) -> None:
        """Somebody says something."""
        body = {"kind": kind, "text": "…", "at": at, "actor": "ana"}
        self.write("POST", f"/v1/incidents/{self.some(data)['id']}/entries", body, again=True)

    @rule(data=st.data(), edit=st.sampled_from([{"pinned": True}, {"note": "n"}, {"text": "better"}]), seen=_SEEN)
    def edit(self, data: st.DataObject, edit: dict[str, Any], seen: str) -> None:
        """A row is edited."""
        incident = self.some(data)
        row = data.draw(st.sampled_from(incident["timeline"]))
        path = f"/v1/incidents/{incident['id']}/entries/{row['id']}"
        self.write("PATCH", path, edit, seen=seen, revision=row["revision"])

    @rule(data=st.data(), word=st.sampled_from(["acknowledge", "resolve", "reopen", "close"]))
    def word(self, data: st.DataObject, word: str) -> None:
        """Its state is changed."""
        self.write("POST", f"/v1/incidents/{self.some(data)['id']}/{word}", {"at": "2025-03-04T10:29:00Z"})

    @rule(data=st.data(), word=st.sampled_from(["merge", "detach", "attach", "split"]))
    def move(self, data: st.DataObject, word: str) -> None:
        """Alerts or whole incidents go elsewhere."""
        incident, other = self.some(data), self.some(data)
        alerts = [each["id"] for each in other["alerts"] + incident["alerts"]]
        body = {"into": other["id"]} if word == "merge" else {"alerts": [data.draw(st.sampled_from(alerts or ["x"]))]}
        self.write("POST", f"/v1/incidents/{incident['id']}/{word}", body)

    @precondition(lambda self: self.number > 0)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """What can be undone can be, and is not offered twice."""
        incident = self.some(data)
        offered = [each["id"] for each in incident["history"] if each["undoable"]]
        if offered:
            body = {"command": data.draw(st.sampled_from(offered))}
            path = f"/v1/incidents/{incident['id']}/undo"
            self.write("POST", path, body, again=True)

    @rule(minute=st.integers(31, 50), start=st.integers(20, 30))
    def fires(self, minute: int, start: int) -> None:
        """An alert comes in between."""
        self.number += 1
        fired = alert(f"more{self.number}", f"10:{start}")
        self.runner.run(self.review.receives(f"10:{minute}:30", fired))

    @invariant()
    def replay_gives_the_same(self) -> None:
        """Byte for byte, but for what lies outside of the log: nothing."""
        incidents = sorted(self.runner.run(self.review.incidents()), key=lambda each: str(each["id"]))
        assert self.runner.run(self.review.replayed()) == incidents


Writes.TestCase.settings = settings(max_examples=8, stateful_step_count=14)
TestWrites = Writes.TestCase
