"""Setting up as a stranger meets it: what is there is used, what is missing is one line, half a job is done again."""

import ast
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "setup_env.py"
FAKE_UV = """#!/bin/sh
echo "$@" >> "{log}"
if [ "$1" = venv ]; then
  for last; do :; done
  mkdir -p "$last/bin" && : > "$last/bin/python"
elif [ -e "{log}.fail" ]; then exit 7
fi
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a space in its path."""
    root = tmp_path / "my checkout"
    (root / "deploy").mkdir(parents=True)
    (root / "requirements").mkdir()
    shutil.copy(SCRIPT, root / "deploy")
    (root / "pyproject.toml").write_text("[project]\n")
    (root / "requirements" / "run.txt").write_text("one==1 --hash=sha256:0\n")
    return root


@pytest.fixture
def uv_log(tmp_path: Path) -> Path:
    """A folder `tools` with a fake uv, which writes here what it was called with."""
    log = tmp_path / "uv.log"
    (tmp_path / "tools").mkdir()
    fake = tmp_path / "tools" / "uv"
    fake.write_text(FAKE_UV.format(log=log))
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    return log


def set_up(root: Path, tools: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the script as make does; of tools only those in the folder are found."""
    environment = dict(os.environ) | {"PATH": f"{tools}:/bin:/usr/bin" if tools else "/nowhere"}
    return subprocess.run(
        [sys.executable, "deploy/setup_env.py", "requirements/run.txt"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def loaded(root: Path) -> Any:
    """The script as a module, to replace what it finds on a machine."""
    spec = importlib.util.spec_from_file_location("setup_env_under_test", root / "deploy" / "setup_env.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_uv_is_used_where_it_is(checkout: Path, uv_log: Path) -> None:
    """Environment, pinned packages by hash, then this checkout; the second run does nothing."""
    first = set_up(checkout, uv_log.parent / "tools")
    calls = uv_log.read_text().splitlines()
    again = set_up(checkout, uv_log.parent / "tools")

    assert (first.returncode, again.returncode, again.stdout + again.stderr) == (0, 0, "")
    assert [call.split()[:2] for call in calls] == [["venv", "--quiet"], ["pip", "install"], ["pip", "install"]]
    assert "--require-hashes" in calls[1]
    assert f"--no-deps --no-build-isolation -e {checkout}" in calls[2]
    assert uv_log.read_text().splitlines() == calls


@pytest.mark.parametrize("changed", ["requirements/run.txt", "pyproject.toml"])
def test_what_changed_is_set_up_again(checkout: Path, uv_log: Path, changed: str) -> None:
    """New pins or new metadata of the project make the environment anew, and so does a checkout that was moved."""
    set_up(checkout, uv_log.parent / "tools")
    (checkout / changed).write_text('[project]\nname = "other"\n')
    set_up(checkout, uv_log.parent / "tools")
    moved = checkout.rename(checkout.with_name("moved"))
    set_up(moved, uv_log.parent / "tools")

    assert len(uv_log.read_text().splitlines()) == 9


def test_settings_of_linters_change_no_environment(checkout: Path, uv_log: Path) -> None:
    """Only what the project is built from counts."""
    set_up(checkout, uv_log.parent / "tools")
    (checkout / "pyproject.toml").write_text("[project]\n[tool.ruff]\nline-length = 100\n")
    set_up(checkout, uv_log.parent / "tools")

    assert len(uv_log.read_text().splitlines()) == 3


def test_a_broken_project_file_is_told(checkout: Path) -> None:
    """In one line, without a traceback."""
    (checkout / "pyproject.toml").write_text("[project\n")
    done = set_up(checkout)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("setup: pyproject.toml: ")


def test_a_failed_setup_is_made_anew(checkout: Path, uv_log: Path) -> None:
    """A step that fails is told in one line with exit status 2; the next run begins from the start."""
    failing = Path(f"{uv_log}.fail")
    failing.touch()
    failed = set_up(checkout, uv_log.parent / "tools")
    left_over = checkout / ".venv" / "half installed"
    left_over.touch()
    failing.unlink()
    repaired = set_up(checkout, uv_log.parent / "tools")

    assert (failed.returncode, repaired.returncode) == (2, 0)
    assert failed.stderr.startswith("setup: failed (exit 7): uv pip install")
    assert not left_over.exists()


def test_an_environment_that_lost_its_python_is_made_anew(checkout: Path, uv_log: Path) -> None:
    """As after an upgrade of the system's Python: the link in .venv leads nowhere."""
    set_up(checkout, uv_log.parent / "tools")
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    set_up(checkout, uv_log.parent / "tools")

    assert python.exists()


def test_removal_begins_with_the_stamp(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a removal that was cut short is never taken for a finished environment."""
    module = loaded(checkout)
    venv = checkout / ".venv"
    venv.mkdir()
    (venv / ".ready-run.txt").write_text("x")
    monkeypatch.setattr(module.shutil, "rmtree", lambda _path: None)
    module.remove()

    assert list(venv.iterdir()) == []


def with_commands(module: Any, monkeypatch: pytest.MonkeyPatch, works: Callable[[str], bool]) -> None:
    """A machine without uv on which only such commands work."""
    monkeypatch.setattr(module.shutil, "which", lambda _name: None)
    monkeypatch.setattr(module, "works", lambda *command: works(" ".join(command[1:])))


def test_venv_brings_its_own_pip(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uv the environment's own pip installs."""
    module = loaded(checkout)
    with_commands(module, monkeypatch, lambda _command: True)

    assert module.create()[:4] == [module.PYTHON, "-m", "pip", "install"]


def test_a_system_without_python3_venv_uses_its_pip(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's pip fills an environment that has none; it never installs into the system (PEP 668)."""
    module = loaded(checkout)
    with_commands(module, monkeypatch, lambda command: "--without-pip" in command or "pip --python" in command)

    assert module.create()[1:5] == ["-m", "pip", "--python", module.PYTHON]


@pytest.mark.parametrize(
    ("works", "line"),
    [
        ("nothing", "setup: this Python has no 'venv' module: install python3-venv (Debian, Ubuntu) or uv"),
        ("--without-pip", "setup: no pip >= 22.3 found: install python3-venv or python3-pip (Debian, Ubuntu) or uv"),
    ],
)
def test_what_is_missing_is_one_line(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], works: str, line: str
) -> None:
    """No venv module, or no pip: what to install, and exit status 2."""
    module = loaded(checkout)
    with_commands(module, monkeypatch, lambda command: works in command)
    with pytest.raises(SystemExit) as left:
        module.create()

    assert left.value.code == 2
    assert capsys.readouterr().err == f"{line}, then run make again\n"


def test_an_old_python_is_told(checkout: Path) -> None:
    """The version, and how to name another; the script can be read by Pythons that are far too old."""
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2 (old)'; "
        "sys.argv = ['x', 'requirements/run.txt']; runpy.run_path('deploy/setup_env.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", pretend], cwd=checkout, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("setup: Python 3.11 or newer is needed, this is 3.9.2: run make PYTHON=")
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_a_missing_requirements_file_is_told(checkout: Path) -> None:
    """By its name, without a traceback."""
    (checkout / "requirements" / "run.txt").unlink()
    done = set_up(checkout)

    assert (done.returncode, done.stderr) == (
        2,
        "setup: cannot read requirements/run.txt: No such file or directory\n",
    )


def test_a_read_only_checkout_is_told(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is tried, instead of a wrong guess at what is missing."""
    module = loaded(checkout)
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    with pytest.raises(SystemExit):
        module.set_up(str(checkout / "requirements" / "run.txt"))

    assert capsys.readouterr().err == f"setup: cannot write to {checkout}: .venv is made there\n"


def test_an_interrupted_setup_says_so(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C is no traceback."""
    module = loaded(checkout)

    def interrupted(_requirements: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "set_up", interrupted)
    monkeypatch.setattr(module.sys, "argv", ["setup_env.py", "requirements/run.txt"])
    with pytest.raises(SystemExit) as left:
        module.main()

    assert left.value.code == 130
    assert capsys.readouterr().err == "\nsetup: interrupted; the next make begins anew\n"


def test_the_callers_shell_does_not_mislead(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONPATH, PIP_TARGET, PIP_USER of the shell do not reach pip; where packages come from does."""
    for name in ("PYTHONPATH", "PIP_TARGET", "PIP_USER"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "wheels")
    given = loaded(checkout).environment()

    assert given["PIP_USER"] == "0"
    assert given["PIP_FIND_LINKS"] == "wheels"
    assert not {"PYTHONPATH", "PIP_TARGET"} & set(given)
