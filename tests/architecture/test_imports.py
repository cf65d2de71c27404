"""Imports go downwards only, and the top-level names are ours alone."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from alertline.cli.house import NEIGHBOURS
from tests.architecture.sources import ROOT

TOP_LEVEL = ("alertline", *NEIGHBOURS)


def test_import_contracts_are_kept() -> None:
    """What pyproject.toml says of layers and of the pure core is so."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guard_knows_every_top_level_package() -> None:
    """The packages of the wheel are `alertline` and those that the start-up guard checks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(TOP_LEVEL)


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_no_dependency_has_our_names(name: str) -> None:
    """No installed distribution but our own ships a module or package of that name."""
    assert set(packages_distributions().get(name, ["alertline"])) == {"alertline"}
