"""Bodies of several parts (multipart/form-data): the texts in them, by name."""

import re
from typing import Final

from ingest.adapter import Request
from ingest.reading.json_body import Unreadable

__all__ = ["read_parts"]

_BOUNDARY: Final = re.compile(
    r'multipart/form-data\b.*?;\s*boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE | re.DOTALL
)
_NAME: Final = re.compile(r'content-disposition:\s*form-data\b[^\n]*?;\s*name="([^"\n]*)"', re.IGNORECASE)
_MOST: Final = 100


def read_parts(request: Request) -> dict[str, str] | None:
    """The parts of the body as texts; None where it is no such body.

    Raises:
        Unreadable: it says it is one, and is not.
    """
    found = _BOUNDARY.match(request.headers.get("content-type", ""))
    if found is None:
        return None
    boundary = b"--" + (found.group(1) or found.group(2)).encode(errors="replace")
    parts: dict[str, str] = {}
    for part in request.body.split(boundary, _MOST)[1:]:
        head, separator, text = part.replace(b"\r\n", b"\n").partition(b"\n\n")
        name = _NAME.search(head.decode(errors="replace"))
        if separator and name is not None:
            parts.setdefault(name.group(1), text.removesuffix(b"\n").decode(errors="replace"))
    if not parts:
        raise Unreadable("not a body of several parts: none begins with its name")
    return parts
