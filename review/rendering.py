"""The draft as HTML: Markdown that people and alerts have written, with raw HTML off."""

import re
from typing import Final

from markdown_it import MarkdownIt
from markupsafe import Markup

__all__ = ["draft_html"]

_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_BOX: Final = re.compile(r"^(\s*[-*] )\[([ xX])\] ", re.MULTILINE)
_DEEPEST: Final = 6

_markdown: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def draft_html(markdown: str, *, below: int) -> Markup:
    """Render a draft under a heading of level `below`: marks and traces are left out, task boxes are drawn.

    HTML in the Markdown shows as text; links keep only safe schemes.
    """
    visible = _BOX.sub(lambda box: f"{box[1]}{'☐' if box[2] == ' ' else '☑'} ", _COMMENT.sub("", markdown))
    tokens = _markdown.parse(visible)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + below, _DEEPEST)}"
    html: str = _markdown.renderer.render(tokens, _markdown.options, {})
    return Markup(html)  # noqa: S704 - the renderer escapes every text, and raw HTML is off
