"""The draft's structure: automatic blocks, human slots, and everything else, which belongs to people.

    <!-- auto:timeline v=1 sha=0123456789ab -->     <!-- slot:root_cause status=empty -->
    …                                               …
    <!-- /auto -->                                  <!-- /slot -->

Guarantee: `parse` loses nothing (the raw text of its segments, joined, is the document) and never fails: a mark that is
damaged, unclosed or inside a slot is ordinary text. A block is *fresh* while its content has the hash in its mark.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

import msgspec

__all__ = ["BLOCK_VERSION", "Auto", "Segment", "Slotted", "Text", "kept", "parse", "render_auto", "render_slot"]

BLOCK_VERSION: Final = 1

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_AUTO: Final = re.compile(r"<!-- auto:([a-z_]+) v=(\d+) sha=([0-9a-f]+) -->\r?\n")
_SLOT: Final = re.compile(r"<!-- slot:([a-z_]+) status=([a-z]+) -->\r?\n")
_AUTO_END: Final = re.compile(r"<!-- /auto -->\r?\n?")
_SLOT_END: Final = re.compile(r"<!-- /slot -->\r?\n?")


class Text(msgspec.Struct, frozen=True):
    """What people may change at will, and no program touches."""

    raw: str


class Auto(msgspec.Struct, frozen=True):
    """An automatic block: its name, its content, and whether the content is still what was generated."""

    raw: str
    name: str
    content: str
    fresh: bool


class Slotted(msgspec.Struct, frozen=True):
    """A slot: its name, the status that its mark states, and what stands in it."""

    raw: str
    name: str
    status: str
    content: str


Segment = Text | Auto | Slotted


def render_auto(name: str, content: str) -> str:
    """An automatic block around content that ends in a newline."""
    return f"<!-- auto:{name} v={BLOCK_VERSION} sha={_sha(content)} -->\n{content}<!-- /auto -->\n"


def render_slot(name: str, status: str, content: str) -> str:
    """A slot around content that ends in a newline."""
    return f"<!-- slot:{name} status={status} -->\n{content}<!-- /slot -->\n"


def kept(block: Auto) -> str:
    """A block that somebody edited, under a mark that makes it people's text from now on, with a note that says so."""
    return (
        f"<!-- kept:{block.name} -->\n{block.content}<!-- /kept -->\n\n"
        f"> **Conflict**: the part above ({block.name}) was edited by hand and is kept. The generated part is below.\n"
        "> Keep one of them.\n\n"
    )


def parse(document: str) -> list[Segment]:
    """Cut a document into its segments, in order."""
    lines = _LINE.findall(document)
    segments: list[Segment] = []
    loose: list[str] = []
    position = 0
    while position < len(lines):
        block = _block_at(lines, position)
        if block is None:
            loose.append(lines[position])
            position += 1
            continue
        segments.extend(_flush(loose))
        segment, position = block
        segments.append(segment)
    segments.extend(_flush(loose))
    return segments


def _flush(loose: list[str]) -> Iterator[Text]:
    if loose:
        yield Text("".join(loose))
        loose.clear()


def _block_at(lines: list[str], start: int) -> tuple[Segment, int] | None:
    if mark := _AUTO.fullmatch(lines[start]):
        end = _end(lines, start, _AUTO_END, (_AUTO, _SLOT))
    elif mark := _SLOT.fullmatch(lines[start]):
        # an automatic block that somebody pasted into a slot is theirs
        end = _end(lines, start, _SLOT_END, (_SLOT,))
    else:
        return None
    if end is None:
        return None
    raw, content = "".join(lines[start : end + 1]), "".join(lines[start + 1 : end])
    if mark.re is _SLOT:
        return Slotted(raw, mark[1], mark[2], content), end + 1
    return Auto(raw, mark[1], content, fresh=_sha(content) == mark[3]), end + 1


def _end(lines: list[str], start: int, closing: re.Pattern[str], openings: tuple[re.Pattern[str], ...]) -> int | None:
    """The line that closes the block; None where another one opens first, or none closes it."""
    for index in range(start + 1, len(lines)):
        if closing.fullmatch(lines[index]):
            return index
        if any(opening.fullmatch(lines[index]) for opening in openings):
            return None
    return None


def _sha(content: str) -> str:
    """Twelve hex digits over the content; line ends are unified, for editors that write their own."""
    return hashlib.sha256(content.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()[:12]
