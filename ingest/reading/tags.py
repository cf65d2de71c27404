"""Tags in all the forms that senders give them: `service:api` in a list or between commas, pairs, a map, JSON text."""

from ingest.reading.json_body import Unreadable, printable, read_json
from ingest.reading.labels import string_labels, text_of

__all__ = ["read_tags"]

_NAMES = ("name", "key", "tag")


def read_tags(value: object) -> dict[str, str]:
    """Tags as labels. Never fails: a tag without a value has the empty one, of repeated names the first counts."""
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, dict):
        return string_labels(value)
    found: dict[str, str] = {}
    for tag in value if isinstance(value, list) else ():
        name, said = _pair(tag)
        if name:
            found.setdefault(name, said)
    return found


def _of_text(text: str) -> dict[str, str]:
    if text.startswith(("[", "{")):
        try:
            return read_tags(read_json(text.encode(errors="replace")))
        except Unreadable:
            pass  # a tag may begin with a bracket
    return read_tags(list(text.split(",")))


def _pair(tag: object) -> tuple[str, str]:
    if isinstance(tag, str):
        # only the first colon parts: values hold addresses and times
        name, _, said = printable(tag).partition(":")
        return name.strip(), said.strip()
    if isinstance(tag, dict):
        return text_of(next((tag[name] for name in _NAMES if tag.get(name)), None)), text_of(tag.get("value"))
    if isinstance(tag, list) and len(tag) == 2:
        return text_of(tag[0]), text_of(tag[1])
    return "", ""
