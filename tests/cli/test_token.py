"""`alertline token`, as it is typed."""

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import Run, run  # noqa: F401 - the fixture


def made(run: Run, *arguments: str) -> str:  # noqa: F811 - the fixture
    """A new token."""
    status, out, _ = run("token", "create", *arguments)
    assert status == 0
    return out.strip()


def test_only_the_token_is_on_standard_output(run: Run) -> None:  # noqa: F811 - the fixture
    """So that a script takes it as it is; what it may is told beside it, and afterwards it is nowhere."""
    status, out, said = run("token", "create", "ci", "--scope", "ingest:generic", "--scope", "read")
    prefix = "_".join(out.split("_")[:2]) + "_"

    assert status == 0
    assert out.startswith("alertline_")
    assert out.count("\n") == 1
    assert "ingest:generic, read, until " in said
    status, listed, _ = run("token", "list")
    assert listed.startswith(f"{prefix}…  ci  ingest:generic, read  until ")
    assert listed.endswith("never used\n")
    assert out.strip() not in listed


def test_json(run: Run) -> None:  # noqa: F811 - the fixture
    """The same for programs: everything but the hash; what is not known is null."""
    status, out, _ = run("token", "create", "ci", "--scope", "admin", "--expires", "never", "--format", "json")
    created = json.loads(out)
    _, out, _ = run("token", "list", "--format", "json")
    [listed] = json.loads(out)["tokens"]

    assert status == 0
    assert created.pop("token").startswith(created["prefix"])
    assert created == listed
    assert (listed["expires_at"], listed["used_at"], listed["state"]) == (None, None, "valid")
    assert "hash" not in listed


@pytest.mark.parametrize("by", ["name", "id", "token"])
def test_revoke(run: Run, by: str) -> None:  # noqa: F811 - the fixture
    """By its name, its id, or itself; once; then its name is free, and it is listed with `--all` only."""
    text = made(run, "ci", "--scope", "read")
    which = {"name": "ci", "id": text.split("_")[1], "token": text}[by]

    assert run("token", "revoke", which)[0] == 0
    assert run("token", "revoke", which)[0] == 1
    assert "no tokens" in run("token", "list")[1]
    assert "revoked" in run("token", "list", "--all")[1]
    assert made(run, "ci", "--scope", "read") != text


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("create", "x"), 2, "a token needs a scope"),
        (("create", "x", "--scope", "root"), 2, "unknown scope 'root'"),
        (("create", "x", "--scope", "read", "--expires", "soon"), 2, "--expires must be a duration"),
        (("create", "local", "--scope", "read"), 2, "a token's name"),
        (("create", "integration:x", "--scope", "read"), 2, "a token's name"),
        (("create", "twice", "--scope", "read"), 1, "there is a token 'twice' already"),
        (("revoke", "nobody"), 1, "there is no such token"),
    ],
)
def test_refusals(run: Run, arguments: tuple[str, ...], status: int, words: str) -> None:  # noqa: F811 - the fixture
    """Each one line; a wrong word is exit status 2."""
    made(run, "twice", "--scope", "read")
    got, _, said = run("token", *arguments)

    assert got == status
    assert words in said
    assert said.count("\n") == 1


def test_a_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """Is told in one line."""
    (tmp_path / "file").write_text("")
    status, _, said = run("token", "list", "--data", "file/data")

    assert status == 1
    assert "cannot use the data folder" in said
