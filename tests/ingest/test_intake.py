"""The pure heart of receiving: any request becomes a record, always the same one."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.catalogue import adapters
from ingest.intake import Posted, receive
from ingest.integrations import Integration, Integrations, UnknownSource
from schemas.records import Delivery, decode, encode
from schemas.vocabulary import Outcome

NOW = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
NAMES = (
    "alerts labels annotations status startsAt endsAt title state type kind command at text milestone fields event "
    "evalMatches ruleId tags values severity pending_for"
)
KEYS = st.sampled_from(NAMES.split(" "))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | KEYS, inner, max_size=6),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, JSON | st.sampled_from(["firing", "resolved", "entry", "note", "command", "update"]))


def take(body: bytes, source: str = "generic", **more: object) -> Delivery:
    """The record of a body."""
    posted = Posted(integration=source, body=body, received_at=NOW, **more)  # type: ignore[arg-type] # a test's short cut
    record = receive(posted, Integration(name=source, source=source), adapters().get(source))
    assert isinstance(record, Delivery)
    return record


@given(st.binary(), st.sampled_from(sorted(adapters())))
def test_any_bytes(body: bytes, source: str) -> None:
    """Any bytes get an outcome, keep their bytes, and survive the log."""
    record = take(body, source)

    assert body == record.raw
    assert record == decode(encode(record))
    assert record.outcome in (Outcome.QUARANTINED, Outcome.IGNORED) or record.events


@given(OBJECTS | st.lists(OBJECTS), st.sampled_from(sorted(adapters())))
def test_any_document(document: object, source: str) -> None:
    """Any JSON with our own words in it gets an outcome without a failing adapter, and survives the log."""
    record = take(json.dumps(document).encode(), source)

    assert "the adapter failed" not in (record.reason or "")
    assert record == decode(encode(record))


def test_failing_adapter() -> None:
    """An adapter that fails loses nothing: the delivery is quarantined with the reason."""

    def fail(request: Request) -> Adapted:
        raise KeyError("x")

    about = About(title="t", paste="{url}", reads="r", cannot_know="c")
    broken = Adapter(name="broken", version=1, about=about, adapt=fail, detect=lambda request: False)

    record = receive(
        Posted(integration="broken", body=b"{}", received_at=NOW), Integration(name="broken", source="broken"), broken
    )

    assert isinstance(record, Delivery)
    assert (record.outcome, record.reason) == (Outcome.QUARANTINED, "the adapter failed: KeyError: 'x'")


def test_source_that_is_not_installed() -> None:
    """A recording of a source that we do not have waits in quarantine."""
    assert Outcome.QUARANTINED is take(b"{}", "teletype").outcome


def test_empty_body() -> None:
    """An empty body is ignored: somebody looked whether we are there."""
    assert Outcome.IGNORED is take(b" \n").outcome


def test_delivery_id() -> None:
    """The id comes from the sender's key where there is one, else from the body; integrations never share ids."""
    plain = take(b"{}")
    keyed = take(b"{}", headers=(("Idempotency-Key", "k1"),))

    assert plain.id == take(b"{}").id
    assert plain.id != take(b"{} ").id
    assert plain.id != take(b"{}", "alertmanager").id
    assert keyed.id == take(b"{other}", headers=(("IDEMPOTENCY-KEY", "k1"),)).id
    assert (plain.keyed, keyed.keyed) == (False, True)
    assert keyed.id != take(b"k1").id
    assert plain.id.startswith("d_")
    assert len(plain.id) == 22


def test_what_an_address_says_tells_deliveries_apart() -> None:
    """The same body to another path is another delivery; so is another query where there is no body."""
    closed = take(b"{}", "opsgenie", path="/v2/alerts/a/close", query="identifierType=alias")

    assert closed.id == take(b"{}", "opsgenie", path="/v2/alerts/a/close", query="identifierType=id").id
    assert closed.id != take(b"{}", "opsgenie", path="/v2/alerts/b/close", query="identifierType=alias").id
    assert take(b"", query="status=up").id != take(b"", query="status=down").id
    assert take(b"{}", query="key=1").id == take(b"{}").id


@pytest.mark.parametrize(
    ("header", "source", "keyed"),
    [
        ("X-GitHub-Delivery", "generic", True),
        ("X-Webhook-Id", "generic", True),
        ("x-amz-sns-message-id", "generic", True),
        ("Request-ID", "sentry", True),
        ("Request-ID", "generic", False),
    ],
)
def test_vendor_delivery_ids(header: str, source: str, keyed: bool) -> None:
    """Vendors' delivery ids count; a proxy's request id does not, except where the vendor uses that name."""
    assert keyed is take(b"{}", source, headers=((header, "1"),)).keyed


def test_an_id_in_the_body() -> None:
    """An event is known by the id that its sender put into the body, however its bytes differ; a header comes first."""
    event = {"specversion": "1.0", "type": "org.acme.deployed", "source": "/ci", "id": "7"}
    plain, spaced = (take(json.dumps(event, indent=indent).encode(), "cloudevents") for indent in (None, 2))
    other = take(json.dumps(event | {"id": "8"}).encode(), "cloudevents")
    headed = take(json.dumps(event).encode(), "cloudevents", headers=(("Idempotency-Key", "/ci#7"),))

    assert plain.id == spaced.id
    assert (plain.keyed, other.keyed) == (True, True)
    assert len({plain.id, other.id, headed.id}) == 3


def test_the_tries_of_one_message_of_amazon() -> None:
    """They have its MessageId in the body, where a proxy does not let its header through."""
    message = {"AlarmName": "a", "NewStateValue": "ALARM", "StateChangeTime": "2024-03-04T12:00:00.000+0000"}
    envelope = {
        "Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:1:t", "Message": json.dumps(message)
    }  # fmt: skip
    first, other = (
        take(json.dumps(envelope | {"MessageId": each}).encode(), "aws_sns_cloudwatch") for each in ("m-1", "m-2")
    )
    again = take(json.dumps(envelope | {"MessageId": "m-1", "Signature": "other"}).encode(), "aws_sns_cloudwatch")

    message["NewStateValue"] = "OK"
    copied = take(
        json.dumps(envelope | {"MessageId": "m-1", "Message": json.dumps(message)}).encode(), "aws_sns_cloudwatch"
    )

    assert first.keyed
    assert first.id == again.id
    assert len({first.id, other.id, copied.id}) == 3


def test_integrations() -> None:
    """Without configuration every source is an integration; a configured one has its own stream."""
    known = Integrations({"prod": Integration(name="prod", source="alertmanager", stream="eu")})
    found = known.find("prod")

    assert found is not None
    assert (found[0].stream, found[1].name) == ("eu", "alertmanager")
    assert known.find("nobody") is None
    assert {"prod", *adapters()} == {one.name for one in known.all()}
    with pytest.raises(UnknownSource, match="teletype"):
        Integrations({"x": Integration(name="x", source="teletype")})
