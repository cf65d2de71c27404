"""Reading what users template themselves: tags, spellings, forms of keys, and fields that cannot be read."""

import re
from datetime import UTC, datetime

import pytest

from ingest.reading.aliases import aliases_of
from ingest.reading.fields import Fields
from ingest.reading.lenient import Lenient
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template

VARIABLE = re.compile(r"\$[A-Z_]+")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("service:api,url:http://a:80/,plain", {"service": "api", "url": "http://a:80/", "plain": ""}),
        (["team:a", "team:b", ["zone", 1], 7, [1]], {"team": "a", "zone": "1"}),
        ([{"tag": "env", "value": "prod"}, {"value": "lost"}], {"env": "prod"}),
        ('["env:prod"]', {"env": "prod"}),
        ("[odd,env:prod", {"[odd": "", "env": "prod"}),
        ({"env": "prod", "none": None}, {"env": "prod"}),
        (None, {}),
        ("", {}),
        (5, {}),
    ],
)
def test_tags(given: object, read: dict[str, str]) -> None:
    """Tags in every usual form become labels, and nothing fails."""
    assert read == read_tags(given)


def test_spellings() -> None:
    """A field is found whatever its spelling, nested or not; the plain one comes first, ids need their owner."""
    read = Template.read(
        {"org": {"id": "1"}, "alert": {"ID": "2", "Title": "inner"}, "Alert-Title": "t", "x": "$GONE", "y": "null"},
        VARIABLE,
    )

    assert (read.text("alertid"), read.text("alerttitle"), read.text("title")) == ("2", "t", "inner")
    assert read.text("id", "x", "y") is None
    assert read.unexpanded == ("x",)
    assert (read.at("alertid"), read.at("missing")) == ("/alert/ID", "/missing")


@pytest.mark.parametrize(
    ("key", "aliases"),
    [("datadog/17", ("datadog/17", "17")), ("abc", ("abc",)), ("arn:aws:x:y/z", ("arn:aws:x:y/z",)), (None, ())],
)
def test_aliases(key: str | None, aliases: tuple[str, ...]) -> None:
    """A key is known by itself and by what follows its source's name."""
    assert aliases == aliases_of(key)


def test_what_cannot_be_read_is_left_out_and_told_once() -> None:
    """Not even a number of thousands of digits fails; of synonyms the next one counts."""
    warnings: list[str] = []
    fields = Lenient(Fields({"a": "1" * 5000, "b": 1741082400, "c": {}, "d": [1, "2", None, {}]}, "/x"), warnings)

    assert fields.time("a", "b") == datetime(2025, 3, 4, 10, tzinfo=UTC)
    assert fields.time("a") is None
    assert fields.text("c") is None
    assert fields.numbers("d") == [1.0, 2.0]
    assert fields.inner("b").text("any") is None
    assert [warning.split(":")[0] for warning in warnings] == ["/x/a", "/x/c"]


def test_texts_and_labels_inside() -> None:
    """Lists of texts and objects of labels are read as far as they can be; one text stands for a list of it."""
    warnings: list[str] = []
    fields = Lenient(Fields({"a": ["x ", 1, None, "", "y"], "b": "z", "c": {"n": 1, "u": None}, "d": []}), warnings)

    assert (fields.texts("a"), fields.texts("b"), fields.texts("c"), fields.texts("e")) == (["x", "y"], ["z"], [], [])
    assert (fields.labels("c"), fields.labels("d"), fields.labels("e")) == ({"n": "1"}, {}, {})
    assert warnings == ["/d: an object of labels is expected here; left out"]
    assert fields.values["b"] == "z"
