"""A stranger of one of our common package names is told in one line, before it can do harm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alertline import __version__
from alertline.cli.house import NEIGHBOURS, check_house, stranger


def command(*arguments: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `python -m alertline`; `path` comes first on PYTHONPATH."""
    environment = dict(os.environ) | ({"PYTHONPATH": str(path)} if path else {})
    return subprocess.run(
        [sys.executable, "-m", "alertline", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_foreign_package_is_told(name: str, tmp_path: Path) -> None:
    """One earlier on PYTHONPATH is named with its place; exit status 2, and nothing of it was run."""
    foreign = tmp_path / "elsewhere"
    (foreign / name).mkdir(parents=True)
    (foreign / name / "__init__.py").write_text("raise SystemExit('the stranger ran')")

    done = command("--version", cwd=tmp_path, path=foreign)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"alertline: the package '{name}' would be loaded from {foreign / name} instead of ")
    assert done.stderr.count("\n") == 1


def test_a_foreign_module_in_the_working_directory_is_told(tmp_path: Path) -> None:
    """`python -m` puts the working directory first: a file review.py there is a stranger too."""
    (tmp_path / "review.py").write_text("")

    done = command("config", "check", cwd=tmp_path)

    assert done.returncode == 2
    assert str(tmp_path / "review.py") in done.stderr


def test_folders_of_our_names_do_no_harm(tmp_path: Path) -> None:
    """A folder without Python in it is not taken instead of a package."""
    for name in NEIGHBOURS:
        (tmp_path / name).mkdir()

    assert command("--version", cwd=tmp_path).returncode == 0


def test_a_missing_package_is_told(tmp_path: Path) -> None:
    """Half an installation says what is missing."""
    problem = stranger(home=tmp_path, names=["no_such_package"])

    assert problem is not None
    assert problem.startswith("the package 'no_such_package' is missing beside ")


def test_at_home_nothing_is_said() -> None:
    """The usual start goes on."""
    assert stranger() is None
    check_house()


def test_the_console_script_works(tmp_path: Path) -> None:
    """The editable installation has the command `alertline`."""
    script = Path(sys.executable).with_name("alertline")
    done = subprocess.run([script, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, f"alertline, version {__version__}\n")
