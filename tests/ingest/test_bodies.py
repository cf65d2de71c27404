"""Bodies in all the forms that senders have: forms, queries, lists, templates; and what an address says."""

import re
from datetime import UTC, datetime

import pytest

from ingest.adapter import Request
from ingest.reading.batches import Told, read_each
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.forms import document_form_or_query, first_object
from ingest.reading.json_body import Unreadable
from ingest.reading.templates import Template
from ingest.reading.urls import host_of_url
from schemas.events import TestEvent

FORM = {"content-type": "application/x-www-form-urlencoded"}


def request(body: bytes = b"", query: str | None = None, headers: dict[str, str] | None = None) -> Request:
    """A request of a sender."""
    return Request(body=body, query=query, headers=headers or {}, received_at=datetime(2025, 1, 1, tzinfo=UTC))


def test_where_the_fields_are() -> None:
    """In a JSON body, in a form, or, where the body is empty, in the query."""
    assert document_form_or_query(request(b'{"a": 1}', "a=2")) == {"a": 1}
    assert document_form_or_query(request(b"a=3+4&b=", "a=2", FORM)) == {"a": "3 4", "b": ""}
    assert document_form_or_query(request(b" ", "a=%26&c=1")) == {"a": "&", "c": "1"}
    assert document_form_or_query(request()) == {}
    with pytest.raises(Unreadable):
        document_form_or_query(request(query="&".join(f"n{number}=1" for number in range(1001))))


def test_the_first_object() -> None:
    """What a source is recognised by: nothing where there is no object."""
    assert first_object(request(b'[{"a": 1}, 2]')) == {"a": 1}
    assert [first_object(request(body)) for body in (b"[]", b"[1]", b"{", b"null")] == [None] * 4


def test_each_by_itself() -> None:
    """A bad item loses no good one; indexes are the sender's; a reason counts only where nothing else came of it."""

    def read(fields: Fields, warnings: list[str]) -> Told:
        word = fields.needed("word")
        warnings.append("the same")
        return f"{word}: nothing" if word == "rest" else TestEvent(title=word)

    told = [{"word": "a"}, {}, {"word": "rest"}, {"word": "b"}, 5]
    adapted = read_each(items_of(told), read)
    nothing = read_each(items_of([{"word": "rest"}]), read)

    assert adapted.events == (TestEvent(title="a"), TestEvent(title="b", item=3))
    assert [(one.index, one.pointer) for one in adapted.rejected] == [(1, "/1/word"), (4, "/4")]
    assert (adapted.warnings, adapted.ignored) == (("the same",), None)
    assert (nothing.events, nothing.ignored) == ((), "rest: nothing")
    assert read_each([], read).ignored == "an empty list"


def test_template_within_a_list() -> None:
    """The pointers of an item begin with its own; without what is nested, names that hold objects are free."""
    said = Template.read({"Host": {"name": "a"}, "other": "$X"}, re.compile(r"\$\w+"), "/alerts/1")

    assert (said.at("hostname"), said.at("zone"), said.unexpanded) == (
        "/alerts/1/Host/name",
        "/alerts/1/zone",
        ("other",),
    )
    with pytest.raises(BadField):
        said.text("host", "hostname")
    assert said.plain().text("host", "hostname") == "a"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://shop.example.com:8443/health?a=b", "shop.example.com"),
        ("shop.example.com", "shop.example.com"),
        ("192.0.2.7:5432", "192.0.2.7"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
        ("https://", None),
        ("https://[broken", None),
        ("my check", None),
        ("", None),
        (None, None),
    ],
)
def test_host_of_url(text: str | None, host: str | None) -> None:
    """With or without a scheme; no host rather than a wrong one."""
    assert host_of_url(text) == host
