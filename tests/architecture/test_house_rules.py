"""The rules of the house that a tool can check (CONTRIBUTING.md says why they are rules)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.duplicates import duplicates
from tests.architecture.sources import CODE, functions, module, python_files, repository_files, text_of

LONGEST_FILE = 400
LONGEST_FUNCTION = 40

# put together here, so that this file does not hold what it looks for
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error")) + r")\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])(/" + r"work/|/" + r"root/|/" + r"home/\w|/" + r"Users/\w)")
PACKAGE_HOSTS = re.compile("|".join(("index" + "[-_]url", "py" + r"pi\.org", "python" + "hosted")), re.IGNORECASE)


def test_files_are_short() -> None:
    """No Python file is longer than 400 lines."""
    long = {str(path): len((text_of(path) or "").splitlines()) for path in python_files()}

    assert {path: lines for path, lines in long.items() if lines > LONGEST_FILE} == {}


def test_functions_fit_a_screen() -> None:
    """No function is longer than 40 lines, docstring included, decorators not."""
    long = [
        f"{path}:{node.lineno} {node.name}: {length} lines"
        for path in python_files()
        for node in functions(path)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]

    assert long == []


WALL_CLOCK = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {
        "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns",
        "process_time", "localtime", "gmtime",
    },
}  # fmt: skip


def test_only_the_clock_reads_the_clock() -> None:
    """`now` lives in alertline/clock.py alone: everything else is given the time (or a clock)."""
    readers = [
        f"{path}:{line} {name}"
        for path in python_files(*CODE, "deploy", "docs")
        if path != Path("alertline/clock.py")
        for line, name in clock_reads(module(path))
    ]

    assert readers == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from datetime import datetime\ndatetime.now()", ["datetime.now"]),
        ("import datetime\ndatetime.datetime.utcnow()", ["datetime.utcnow"]),
        ("import datetime as dt\nread = dt.date.today", ["date.today"]),
        ("import time\ntime.time()", ["time.time"]),
        ("import time as t\nt.perf_counter()", ["time.perf_counter"]),
        ("from time import monotonic as tick", ["time.monotonic"]),
        ("from alertline.clock import now\nnow()", []),
        ("stop.time()\nstory.now()\nmoment.time()", []),
    ],
)
def test_reads_of_the_clock_are_seen(code: str, found: list[str]) -> None:
    """Under any name that the modules were imported by; methods of other things are no clocks."""
    assert [name for _, name in clock_reads(ast.parse(code))] == found


def clock_reads(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Where a module reads a clock."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {name.asname or name.name: name.name for name in node.names if name.name in ("time", "datetime")}
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
            for name in node.names:
                if node.module == "time" and name.name in WALL_CLOCK["time"]:
                    yield node.lineno, f"time.{name.name}"
                known[name.asname or name.name] = name.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            if isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id in known:
                name_of_owner: str | None = owner.attr  # datetime.datetime, datetime.date
            else:
                name_of_owner = known.get(owner.id) if isinstance(owner, ast.Name) else None
            if name_of_owner and node.attr in WALL_CLOCK.get(name_of_owner, ()):
                yield node.lineno, f"{name_of_owner}.{node.attr}"


def test_names_say_something() -> None:
    """No utils, helpers or common modules, no Manager classes: the name says what a thing does."""
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    files = [str(path) for path in python_files() if {path.stem, *path.parts[:-1]} & vague]
    classes = [
        f"{path}: {node.name}"
        for path in python_files()
        for node in ast.walk(module(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Manager")
    ]

    assert files + classes == []


def test_nothing_is_left_for_later() -> None:
    """No mark of unfinished work stands in the code."""
    assert [f"{path}: {word}" for path in python_files() for word in UNFINISHED.findall(text_of(path) or "")] == []


def test_no_file_knows_the_machine() -> None:
    """No path of somebody's machine and no address of a package index is in any file."""
    found = [
        f"{path}:{number}: {match[0]}"
        for path in repository_files()
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1)
        for match in (*MACHINE_PATHS.finditer(line), *PACKAGE_HOSTS.finditer(line))
    ]

    assert found == []


def test_every_module_says_what_it_is() -> None:
    """Each Python module begins with a docstring."""
    assert [str(path) for path in python_files() if not ast.get_docstring(module(path))] == []


def test_every_test_says_what_it_shows() -> None:
    """Each test has a docstring: the behaviour in a sentence."""
    silent = [
        f"{path}: {node.name}"
        for path in python_files("tests")
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert silent == []


def test_nothing_is_written_twice() -> None:
    """Outside the tests no six lines stand in two places."""
    sources = {str(path): text_of(path) or "" for path in python_files() if path.parts[0] != "tests"}

    assert duplicates(sources, 6) == []
