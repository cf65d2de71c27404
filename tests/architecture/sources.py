"""The files of this checkout that belong to it: tracked, or new and not ignored."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["CODE", "ROOT", "functions", "module", "python_files", "repository_files", "text_of"]

ROOT: Final = Path(__file__).resolve().parents[2]
CODE: Final = ("alertline", "ingest", "consumers", "review", "schemas")
_NOT_OURS: Final = {".git", ".venv", "__pycache__", "dist", "build", "alertline-data"}


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file of the repository, relative to its root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:  # an unpacked archive
        return tuple(
            sorted(
                path.relative_to(ROOT)
                for path in ROOT.rglob("*")
                if path.is_file() and not _NOT_OURS & set(path.parts) and not path.name.startswith(".")
            )
        )
    names = sorted(set(listed.stdout.split("\0")) - {""})
    return tuple(Path(name) for name in names if (ROOT / name).is_file())


def python_files(*folders: str) -> list[Path]:
    """Python files below the folders; all of them without one."""
    return [path for path in repository_files() if path.suffix == ".py" and (not folders or path.parts[0] in folders)]


def text_of(path: Path) -> str | None:
    """The text of a file of the repository; None where it is none, or has gone since."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError):
        return None


@cache
def module(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text_of(path) or "", filename=str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file, nested ones too."""
    for node in ast.walk(module(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
