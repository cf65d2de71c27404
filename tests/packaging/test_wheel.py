"""The wheel alone is a whole Alertline: it holds what it needs and nothing else, and comes to the same results."""

import fcntl
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"alertline", "ingest", "consumers", "review", "schemas"}
NEEDED = (
    "alertline/demo/load-balancer.ndjson",
    "alertline/store/migrations/env.py",
    "alertline/store/migrations/versions/r0001_first.py",
    "review/static/style.css",
    "review/templates/incident.html",
    "schemas/json/index.json",
    "schemas/json/incident.schema.json",
)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built once however many workers run tests."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "wheel"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("*.whl")):
            ran([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT)
        (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel, and finds its dependencies in ours.

    Our own site-packages is named as a plain path, so the .pth file of the editable installation there is not followed.
    """
    folder = tmp_path_factory.mktemp("environment with a space")
    venv.create(folder, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def ran(command: list[str], cwd: Path) -> bytes:
    """The standard output of a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ALERTLINE"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    """No tests, benchmarks, documentation or set-up scripts are installed."""
    tops = {name.split("/")[0] for name in names(wheel)}
    (metadata,) = tops - PACKAGES

    assert tops >= PACKAGES
    assert metadata.endswith(".dist-info")
    assert f"{metadata}/licenses/LICENSE" in names(wheel)
    assert not [name for name in names(wheel) if name.startswith("schemas/examples/")]


@pytest.mark.parametrize("name", NEEDED)
def test_the_wheel_holds_what_is_not_code(wheel: Path, name: str) -> None:
    """Recording, migrations, templates, style, JSON Schemas."""
    assert name in names(wheel)


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    """Nothing that lies in a package folder is forgotten, except the golden examples and caches."""
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "examples" not in path.parts
    }

    assert sorted(name for name in ours - names(wheel) if (ROOT / name).exists()) == []


def test_alertline_comes_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """The proof that the other tests test what they say."""
    for package in sorted(PACKAGES):
        place = ran([str(installed), "-c", f"import {package}; print({package}.__file__)"], tmp_path).decode()

        assert place.startswith(str(installed.parent.parent))


def test_the_wheel_comes_to_the_same_bytes(installed: Path, tmp_path: Path) -> None:
    """Replaying the packaged recording from an empty folder is replaying it from the checkout."""
    find = "from importlib.resources import files; print(files('alertline.demo') / 'load-balancer.ndjson')"
    packaged = ran([str(installed), "-c", find], tmp_path).decode().strip()
    original = str(files("alertline.demo").joinpath("load-balancer.ndjson"))
    replay: Callable[[str, str], bytes] = lambda python, recording: ran(  # noqa: E731 - said once
        [python, "-m", "alertline", "replay", recording, "--format", "json"], tmp_path
    )

    assert packaged.startswith(str(installed.parent.parent))
    assert replay(str(installed), packaged) == replay(sys.executable, original)


def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Server, correlator process, pages: `demo --exit` ends with 0 only if the expected times came out."""
    told = ran([str(installed), "-m", "alertline", "demo", "--exit"], tmp_path).decode()

    assert "Timeline" in told
    assert list(tmp_path.iterdir()) == []


def test_the_migrations_run_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """`db upgrade` makes the tables in an empty folder."""
    told = ran([str(installed), "-m", "alertline", "db", "upgrade", "--data", str(tmp_path / "data")], tmp_path)

    assert told.decode().startswith("tables are at revision ")
    assert (tmp_path / "data" / "store.db").exists()
