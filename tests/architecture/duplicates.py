"""Finding what was written twice: runs of lines that stand in two places."""

import ast
import re
from collections.abc import Iterator, Mapping

__all__ = ["duplicates"]

_Line = tuple[int, str]
_TRIVIAL = re.compile(r"""[\W_]*|else:|try:|finally:|return|pass|__all__ = .*|from .*|import .*|"\w+",""")


def duplicates(sources: Mapping[str, str], run: int) -> list[str]:
    """Places that begin a run of so many telling lines which an earlier place has too.

    Lines are compared without indentation. Blank lines, brackets, imports, lists of words and docstrings tell nothing:
    they neither count nor interrupt.
    """
    first: dict[tuple[str, ...], tuple[str, int]] = {}
    found: list[str] = []
    for name, source in sources.items():
        lines = list(_telling(source))
        reported_to = -1
        for n in range(len(lines) - run + 1):
            window = tuple(text for _, text in lines[n : n + run])
            place = (name, lines[n][0])
            before = first.setdefault(window, place)
            if before != place and n > reported_to:
                found.append(f"{name}:{place[1]} is {before[0]}:{before[1]}")
                reported_to = n + run - 1
    return found


def _telling(source: str) -> Iterator[_Line]:
    docstrings = _docstring_lines(source)
    for number, line in enumerate(source.splitlines(), start=1):
        text = line.split("  #")[0].strip()
        if number not in docstrings and not text.startswith("#") and not _TRIVIAL.fullmatch(text):
            yield number, text


def _docstring_lines(source: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines
