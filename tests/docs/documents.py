"""The documents as the tests read them: fenced blocks, the commands in them, links, headings."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

__all__ = ["DOCUMENTS", "ROOT", "Block", "anchors", "blocks", "commands", "links", "prose"]

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
        *ROOT.glob("docs/**/*.md"),
    ]
)

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
_ENDS = frozenset(("|", ">", ">>", "#", "&&", ";"))


class Block(NamedTuple):
    """A fenced block: its language and its text."""

    language: str
    text: str


def blocks(document: Path, language: str) -> list[str]:
    """The texts of the fenced blocks in a language."""
    return [text for found, text in _FENCED.findall(document.read_text(encoding="utf-8")) if found == language]


def prose(document: Path) -> str:
    """The document without its fenced blocks."""
    return _FENCED.sub("", document.read_text(encoding="utf-8"))


def links(document: Path) -> list[str]:
    """The targets of its links that lead into the repository."""
    return [target for target in _LINK.findall(prose(document)) if "://" not in target]


def anchors(document: Path) -> set[str]:
    """The names under which its headings can be linked to, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(document))}


def commands(document: Path, program: str) -> list[list[str]]:
    """The commands of its shell blocks that start with a program: words up to a pipe, redirection or comment."""
    found = []
    for text in blocks(document, "sh"):
        words: list[str] = []
        for word in _words(text):
            if word == "\n":
                found.append(words)
                words = []
            else:
                words.append(word)
        found.append(words)
    return [_first(words) for words in found if words[:1] == [program]]


def _words(text: str) -> list[str]:
    """The words of a shell text, and its line ends as words of their own."""
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars="|>&;\n")
    lexer.whitespace = " \t"
    lexer.commenters = "#"
    lexer.whitespace_split = True
    return [word if word.strip("\n") else "\n" for word in lexer]


def _first(words: list[str]) -> list[str]:
    end = next((index for index, word in enumerate(words) if word in _ENDS), len(words))
    return words[:end]
