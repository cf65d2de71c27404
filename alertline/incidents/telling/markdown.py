"""Foreign text in Markdown: escaped so that it can never start a comment, a table cell, a tag or a block."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from alertline.incidents.telling.wording import one_line

__all__ = ["bullet", "escape", "safe_human", "table", "trace", "traced"]

# the characters that mean something inside a line; `_` only where it can open or close emphasis
_SPECIAL: Final = re.compile(r"([\\`*\[\]|~])|(?<![^\W_])(_)|(_)(?![^\W_])")
_UNSAFE_ID: Final = re.compile(r"[^A-Za-z0-9_.:/=+]|-(?=-|>)")
_COMMENT: Final = re.compile(r"<!--+>?|--!?>")


def escape(text: str) -> str:
    """One line of Markdown that shows exactly the text (line breaks as spaces) and can do nothing else."""
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(lambda match: "\\" + match[0], line)


def safe_human(text: str) -> str:
    """A person's Markdown, kept but for comment marks, which alone could break the draft's structure."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return _COMMENT.sub(lambda match: match[0].replace("<", "&lt;").replace(">", "&gt;"), unified)


def trace(evidence: Iterable[str]) -> str:
    """The comment at the end of an automatic line that names the events behind it; `none` for a stated absence."""
    ids = dict.fromkeys(_UNSAFE_ID.sub("_", identifier) for identifier in evidence if identifier)
    return f"<!-- ev: {' '.join(ids) or 'none'} -->"


def traced(text: str, evidence: Iterable[str]) -> str:
    """A line with its trace. The text is Markdown already."""
    return f"{text} {trace(evidence)}"


def bullet(label: str, text: str, evidence: Iterable[str]) -> str:
    """A bullet in the form that the seeds use: `- **label**: text`. The text is Markdown already."""
    return traced(f"- **{label}**: {text}", evidence)


def table(header: Sequence[str], rows: Iterable[tuple[Sequence[str], Iterable[str]]]) -> list[str]:
    """A table of Markdown cells; each row ends in the trace of its evidence, inside the last cell."""
    lines = [f"| {' | '.join(header)} |", f"|{'|'.join(' --- ' for _ in header)}|"]
    lines.extend(f"| {' | '.join(cells)} {trace(evidence)} |" for cells, evidence in rows)
    return lines
