"""How senders are known by the settings: where secrets come from, where they must not go, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from alertline.config import Settings, load_settings
from alertline.configuring import configuration_of
from alertline.errors import SettingError
from alertline.wiring.integrations import integrations_of
from alertline.wiring.keys import keys_of
from ingest.proof.admission import Keys
from schemas.configuration import digest_of
from tests.support.signing import NOW, SENDERS, shows

SECRET = "hunter2-hunter2"  # noqa: S105 - of this test


def keys(folder: Path, toml: str, environment: Mapping[str, str] | None = None) -> Keys:
    """The keys of the integration `it`."""
    return keys_of(settings(folder, toml), environment or {})["it"]


def settings(folder: Path, toml: str) -> Settings:
    """The settings of a file with the integration `it`."""
    file = folder / "alertline.toml"
    file.write_text(f"[integrations.it]\n{toml}\n")
    return load_settings(file, {})


@pytest.mark.parametrize(
    "secret", [f'"{SECRET}"', '"env:MINE"', '"file:mine.txt"', f'["old", "{SECRET}"]', '["old", "env:MINE"]']
)
async def test_where_secrets_come_from(tmp_path: Path, secret: str) -> None:
    """The file itself, the environment, a file beside it; several while one is replaced."""
    (tmp_path / "mine.txt").write_text(SECRET + "\n")
    found = keys(tmp_path, f'source = "github"\nsecret = {secret}', {"MINE": SECRET})

    assert await found.fit(SENDERS["github"](SECRET, b"{}", NOW), NOW)
    assert found.ways == ("github", "bearer", "basic", "path")


async def test_one_way_only(tmp_path: Path) -> None:
    """`auth` narrows what is accepted; a header of the sender's choice is never recorded."""
    found = keys(tmp_path, f'source = "datadog"\nsecret = "{SECRET}"\nauth = "header"\nheader = "X-My-Auth"')

    assert await found.fit(shows({"X-My-Auth": SECRET}, b""), NOW)
    assert not await found.fit(shows({"Authorization": f"Bearer {SECRET}"}, b""), NOW)
    assert found.hidden == {"x-my-auth"}


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('secret = "env:NONE"', "integrations.it.secret: the environment variable NONE is empty"),
        ('secret = "file:none.txt"', "none.txt cannot be read"),
        ('secret = ""', "integrations.it.secret is empty"),
        ('secret = "s"\nauth = "hmac"', "integrations.it: the name of the header is needed"),
        ('secret = "s"\nauth = "jwt"', "integrations.it: unknown auth 'jwt'"),
        ('secret = "s"\ntolerance = "soon"', "integrations.it.tolerance must be a duration"),
        ('auth = "bearer"', "auth goes with a secret"),
        ('topics = ["arn:aws:sns:eu-west-1:1:t"]', "is no ARN of an SNS topic"),
        ("secret = 7", "integrations.NAME.secret"),
    ],
)
def test_what_is_refused(tmp_path: Path, toml: str, words: str) -> None:
    """In one line that names the integration and never the secret."""
    with pytest.raises(SettingError, match=words) as refused:
        keys(tmp_path, f'source = "generic"\n{toml}')
    assert "\n" not in str(refused.value)


def test_secrets_do_not_leave_the_settings(tmp_path: Path) -> None:
    """They are not in the configuration that goes into the log, and in nothing that is printed."""
    read = settings(tmp_path, f'source = "github"\nsecret = ["{SECRET}", "env:MINE"]')
    made = integrations_of(read, keys_of(read, {"MINE": SECRET}))
    without = settings(tmp_path, 'source = "github"')

    assert SECRET not in repr(read) + repr(made.all())
    assert digest_of(configuration_of(read)) == digest_of(configuration_of(without))
