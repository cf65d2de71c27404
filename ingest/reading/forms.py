"""Bodies that senders encode as forms."""

from urllib.parse import parse_qsl

from ingest.adapter import Request
from ingest.reading.fields import items_of
from ingest.reading.json_body import Unreadable, read_json

__all__ = ["document_form_or_query", "document_or_form", "first_object", "payload_of", "sniffed_fields"]

_FORM = "application/x-www-form-urlencoded"
_PAYLOAD = b"payload="


def document_or_form(request: Request) -> object:
    """The body as JSON; where it is a form instead, its fields.

    The content type is only advice: `curl -d` calls everything a form.

    Raises:
        Unreadable: neither.
    """
    try:
        return request.document
    except Unreadable:
        if not request.headers.get("content-type", "").lower().startswith(_FORM):
            raise
    return _fields(request.body)


def payload_of(request: Request) -> object:
    """The body as JSON, or the JSON in the field `payload` of a form, whatever the content type says.

    Raises:
        Unreadable: neither.
    """
    if not request.body.lstrip().startswith(_PAYLOAD):
        return request.document
    return read_json(_fields(request.body.strip()).get("payload", "").encode(errors="replace"))


def _fields(body: bytes) -> dict[str, str]:
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000))
    except ValueError as error:
        raise Unreadable(f"not a form: {error}") from None
    if not fields:
        raise Unreadable("not a form: no fields")
    return fields


def sniffed_fields(request: Request) -> dict[str, object] | None:
    """The fields of a body, JSON or form, for `detect`: None where it is neither, or no object."""
    try:
        document = document_or_form(request)
    except Unreadable:
        return None
    return document if isinstance(document, dict) else None


def document_form_or_query(request: Request) -> object:
    """The body as JSON or as a form; where it is empty, the fields of the query string (senders that use GET).

    Raises:
        Unreadable: none of them.
    """
    if request.body.strip():
        return document_or_form(request)
    try:
        return dict(parse_qsl(request.query or "", keep_blank_values=True, max_num_fields=1000))
    except ValueError as error:
        raise Unreadable(f"not a query: {error}") from None


def first_object(request: Request) -> dict[str, object] | None:
    """What `detect` looks at: the first object of a body or the fields of a form or query; None for anything else."""
    try:
        items = items_of(document_form_or_query(request))
    except Unreadable:
        return None
    first = items[0][1] if items else None
    return first if isinstance(first, dict) else None
