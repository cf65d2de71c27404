"""Bodies of several parts, and keys for alerts without one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.adapter import Request
from ingest.reading.json_body import Unreadable
from ingest.reading.keys import made_key
from ingest.reading.parts import read_parts

NOW = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
NAMES = st.text("abcdefgh", min_size=1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n-"))


def request(body: bytes, kind: str) -> Request:
    """A request with a body of this kind."""
    return Request(body=body, headers={"content-type": kind}, received_at=NOW)


@given(st.dictionaries(NAMES, TEXTS, min_size=1, max_size=5), st.sampled_from(["\r\n", "\n"]), st.booleans())
def test_parts_read_as_written(parts: dict[str, str], line_end: str, quoted: bool) -> None:
    """Every part comes back under its name, whatever ends its lines."""
    lines = []
    for name, text in parts.items():
        lines += ["--edge", f'Content-Disposition: form-data; name="{name}"; filename="x"', "", text]
    edge = '"edge"' if quoted else "edge"
    body = line_end.join([*lines, "--edge--", ""]).encode()

    assert parts == read_parts(request(body, f"multipart/form-data; boundary={edge}"))


def test_only_what_says_so_has_parts() -> None:
    """Other bodies are left to others; one that says it has parts and has none cannot be read."""
    assert read_parts(request(b"--edge", "application/json")) is None
    with pytest.raises(Unreadable):
        read_parts(request(b"{}", "multipart/form-data; boundary=edge"))


def test_a_made_key_tells_its_parts_apart() -> None:
    """The same parts give the same key; where one ends and the next begins counts, and nothing is an empty part."""
    assert made_key("a", None) == made_key("a", "")
    assert len({made_key("a", "b"), made_key("ab", ""), made_key("", "ab"), made_key("ab")}) == 4
    # known incidents hang on it
    assert made_key("Latency", None, None) == "auto:1:3a0c228bdb68a9d6aee0"
