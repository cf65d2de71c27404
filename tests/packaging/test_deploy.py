"""What lies in deploy/ fits this Alertline."""

import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import pytest

from alertline.cli.serving import serve
from alertline.config import Settings
from alertline.wiring.integrations import integrations_of

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SENDERS = sorted((DEPLOY / "senders").iterdir())


@pytest.mark.parametrize("file", SENDERS, ids=[file.name for file in SENDERS])
def test_senders_post_to_receivers_that_there_are(file: Path) -> None:
    """The address in each names a source that this version reads, on the default port."""
    port, names = Settings().port, re.findall(r"http://127\.0\.0\.1:(\d+)/v1/webhooks/(\S+)", file.read_text())

    assert names
    for told, name in names:
        assert int(told) == port
        assert integrations_of(Settings()).find(name) is not None


def test_the_service_starts_a_command_that_there_is() -> None:
    """The unit reads as one, and `serve` knows its flags."""
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep upper case
    unit.read(DEPLOY / "systemd" / "alertline.service")
    program, command, *flags = shlex.split(unit["Service"]["ExecStart"])
    context = serve.make_context("serve", flags)

    assert (Path(program).name, command) == ("alertline", "serve")
    assert context.params["data"] == "/var/lib/alertline"


def test_the_readme_names_every_file() -> None:
    """deploy/README.md lists what is here."""
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    here = [path for path in DEPLOY.rglob("*") if path.is_file() and "__pycache__" not in path.parts]

    assert [
        str(path)
        for path in here
        if path.name != "README.md" and f"`{path.relative_to(DEPLOY).as_posix()}`" not in readme
    ] == []
