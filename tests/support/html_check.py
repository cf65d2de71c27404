"""Reads a page as a browser's parser would, and fails on what is not well formed."""

from html.parser import HTMLParser

__all__ = ["PageReader", "read_page"]

_VOID = {"meta", "link", "br", "hr", "img", "input"}


class PageReader(HTMLParser):
    """What a page holds.

    Attributes:
        tags: every tag, in order; attributes: (tag, name, value) of each; text: what is read.
        headings: levels of the headings, in order; problems: what is not well formed.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.headings: list[int] = []
        self.problems: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an opening tag."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if len({name for name, _ in attrs}) < len(attrs):
            self.problems.append(f"an attribute twice in {self.get_starttag_text()}")
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself, as those of SVG do."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Note a closing tag, which must match."""
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} closes nothing")

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data

    def handle_comment(self, data: str) -> None:
        """No page needs a comment: one would be text of a sender that got out."""
        self.problems.append(f"comment {data!r}")

    def close(self) -> None:
        """Note what was never closed."""
        super().close()
        self.problems += [f"<{tag}> is never closed" for tag in self._open]


def read_page(html: str) -> PageReader:
    """Read a page that is expected to be well formed."""
    reader = PageReader()
    reader.feed(html)
    reader.close()
    assert reader.problems == []
    ids = [value for _, name, value in reader.attributes if name == "id"]
    assert len(set(ids)) == len(ids), "an id stands twice"
    return reader
