"""Secrets in bodies: whatever an adapter names is gone before the log, and nothing else is."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import adapters
from ingest.intake import Posted, receive
from ingest.integrations import Integration
from ingest.recording import line_of, read_recordings
from ingest.redaction import REDACTED, redact
from schemas.records import Delivery
from tests.ingest.test_adapters import EXAMPLES

NAMES = ("email", "apiKey", "naïve")
SECRET = "hunter2"  # noqa: S105 - nobody uses it
NOW = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
GONE = json.dumps(REDACTED).encode()
SPACES = st.sampled_from([b"", b" ", b"\n\t "])
# a piece of JSON as it came, and as it must be afterwards
Piece = tuple[bytes, bytes]


def written(text: str, *, escaped: bool) -> bytes:
    """A text as JSON, plain or with every letter as an escape."""
    if not escaped:
        return json.dumps(text, ensure_ascii=len(text) % 2 == 0).encode(errors="surrogatepass")
    units = [text.encode("utf-16-be", "surrogatepass")[at : at + 2].hex() for at in range(0, 2 * _units(text), 2)]
    return b'"' + "".join(f"\\u{unit}" for unit in units).encode() + b'"'


def _units(text: str) -> int:
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [*NAMES, 'my "email', '"email":', '\\"', "\\", "{", '"}', "{not json: 1}", "", REDACTED]
)
PLAIN = st.builds(written, TEXTS, escaped=st.booleans()) | st.sampled_from([b"null", b"true", b"1e3", b"-7"])
KEYS = TEXTS | st.sampled_from(NAMES)


@st.composite
def fields(draw: st.DrawFn, inner: st.SearchStrategy[Piece]) -> Piece:
    """An object whose secret fields are gone afterwards."""
    came, left = [], []
    for name in draw(st.lists(KEYS, max_size=4)):
        before, after = draw(SPACES), draw(SPACES)
        key = before + written(name, escaped=draw(st.booleans())) + before + b":" + after
        value, clean = draw(inner)
        if name in NAMES:
            clean = value if value in (b"null", b"true", b'""') else GONE
        came.append(key + value + after)
        left.append(key + clean + after)
    return b"{" + b",".join(came) + b"}", b"{" + b",".join(left) + b"}"


def listed(pieces: list[Piece], space: bytes) -> Piece:
    """A list of pieces."""
    came, left = ((b"," + space).join(side) for side in zip(*pieces, strict=True)) if pieces else (b"", b"")
    return b"[" + came + b"]", b"[" + left + b"]"


DOCUMENTS: st.SearchStrategy[Piece] = st.recursive(
    PLAIN.map(lambda plain: (plain, plain)),
    lambda inner: fields(inner) | st.builds(listed, st.lists(inner, max_size=4), SPACES),
    max_leaves=12,
)


@given(DOCUMENTS, SPACES)
def test_json(piece: Piece, space: bytes) -> None:
    """In any JSON, however it is written, exactly the values of the named fields are replaced."""
    came, left = piece

    assert redact(space + came + space, NAMES) == space + left + space


@given(DOCUMENTS, st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_utf_16(piece: Piece, encoding: str) -> None:
    """The same in the encoding that some systems write."""
    came, left = (("\ufeff" + side.decode()).encode(encoding) for side in piece)

    assert redact(came, NAMES) == left


@given(DOCUMENTS, st.lists(st.tuples(KEYS.filter(bool), st.text(max_size=8)), max_size=4))
def test_forms(piece: Piece, pairs: list[tuple[str, str]]) -> None:
    """Of a form the named fields are replaced, in a field that holds JSON the fields inside; order and rest stay."""
    came, left = (side.decode() for side in piece)
    given_pairs = [*pairs, ("payload", came)]
    body = "&".join(f"{quote_plus(n, errors='replace')}={quote_plus(v, errors='replace')}" for n, v in given_pairs)

    clean = parse_qsl(redact(body.encode(), NAMES).decode(), keep_blank_values=True)

    for (name, value), (kept, now) in zip(parse_qsl(body, keep_blank_values=True), clean, strict=True):
        assert name == kept
        if name in NAMES and value:
            assert now == REDACTED
        elif not value.lstrip().startswith(("{", "[", '"')):
            assert now == value
    assert clean[-1][1] == left


@given(
    st.binary() | DOCUMENTS.map(lambda piece: piece[0]),
    st.integers(0, 200),
    st.sampled_from([NAMES, ("a", "b=", ""), ()]),
)
def test_twice_is_once(body: bytes, cut: int, names: tuple[str, ...]) -> None:
    """Any bytes, also bodies that are cut off, are redacted without an error; doing it again changes nothing."""
    for given_body in (body, body[:cut], b'{"email": "' + body, b"email=" + body):
        once = redact(given_body, names)
        assert redact(once, names) == once


@given(
    st.recursive(st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_nothing_to_hide(document: object) -> None:
    """A body without such fields is given back as the very object that came."""
    body = json.dumps({"rest": document}, ensure_ascii=False).encode(errors="replace")
    if not any(name.encode() in body for name in NAMES):
        assert redact(body, NAMES) is body
    assert redact(body, ()) is body


@pytest.mark.parametrize(
    "value",
    [f'"{SECRET}"', f'"a\\"b {SECRET}"', f'["x", {{"y": "{SECRET}"}}]', f'{{"y": ["}}", "{SECRET}"]}}', f'"{SECRET}'],
)
@pytest.mark.parametrize(
    "inside", ['{"email": %s}', '{"a": [{"b": {"email" : %s , "c": 1}}]}', '{"email":1,"email":%s']
)
def test_no_secret_survives(inside: str, value: str) -> None:
    """At any depth, behind quotes and brackets, in duplicate fields, and where the body is cut off."""
    assert SECRET.encode() not in redact((inside % value).encode(), NAMES)


def test_json_inside_a_text() -> None:
    """JSON that is a text of JSON is looked into, with its escapes as they are."""
    message = json.dumps({"email": f'"{SECRET}\\" \n', "apiKey": 7, "rest": "\\ é"})
    body = json.dumps({"Message": message, "Subject": 'about "email": nothing'}).encode()

    clean = json.loads(redact(body, NAMES))

    assert json.loads(clean["Message"]) == {"email": REDACTED, "apiKey": REDACTED, "rest": "\\ é"}
    assert clean["Subject"] == 'about "email": nothing'


def test_parts_of_a_multipart_body() -> None:
    """In a body that is neither JSON nor a form, what looks like JSON is treated as such, and the rest stays."""
    body = b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"email": "%s", "a": "b&c=d"}\r\n--x--\r\n'

    assert redact(body % SECRET.encode(), NAMES) == body % REDACTED.encode()


def record_of(source: str, body: bytes) -> Delivery:
    """The record of a body."""
    posted = Posted(integration=source, body=body, received_at=NOW)
    record = receive(posted, Integration(name=source, source=source), adapters()[source])
    assert isinstance(record, Delivery)
    return record


@pytest.mark.parametrize("source", sorted(name for name, adapter in adapters().items() if adapter.secrets))
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_no_secret_reaches_the_log(tmp_path: Path, source: str, form: bool) -> None:
    """Nothing on the record holds a secret; exported and replayed, it is the same delivery with the same events."""
    document = json.dumps({"title": "t", "inner": [dict.fromkeys(adapters()[source].secrets, SECRET)]})
    body = f"payload={quote_plus(document)}&{quote_plus(adapters()[source].secrets[0])}={SECRET}" if form else document
    record = record_of(source, body.encode())
    recording = tmp_path / "export.ndjson"
    recording.write_bytes(line_of(record))

    (line,) = read_recordings([recording])

    assert SECRET.encode() not in msgspec.json.encode(record)
    assert receive(line.posted, Integration(name=source, source=source), adapters()[source]) == record


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_secrets_are_of_no_use(path: Path) -> None:
    """No adapter needs what it names as secret: with and without it gives the same events."""
    example, adapter = json.loads(path.read_text()), adapters()[path.parent.name]
    body = example["body_text"] if "body_text" in example else json.dumps(example["body"])
    posted = Posted(
        integration=adapter.name,
        body=body.encode(),
        headers=tuple(example.get("headers", {}).items()),
        received_at=NOW,
    )
    integration = Integration(name=adapter.name, source=adapter.name)

    kept, clean = (
        receive(posted, integration, each) for each in (msgspec.structs.replace(adapter, secrets=()), adapter)
    )

    assert isinstance(kept, Delivery)
    assert isinstance(clean, Delivery)
    assert (kept.outcome, kept.events, kept.rejected) == (clean.outcome, clean.events, clean.rejected)
