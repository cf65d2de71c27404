"""Who is let in, as an operator meets it: a real server, tokens made and revoked beside it, secrets that stay so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.test_serve import refused
from tests.support.server import Server, until
from tests.support.signing import NOW, SENDERS

SECRET = "hunter2-of-the-repository"  # noqa: S105 - of this test
ALERT = {"title": "Disk full"}


def token(folder: Path, *arguments: str) -> str:
    """Run `alertline token …`; gives what it printed on standard output."""
    command = (sys.executable, "-m", "alertline", "token", *arguments, "--data", str(folder))
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_day_with_sign_in(tmp_path: Path) -> None:
    """Tokens made before the start and beside it, the link, a revocation that holds within seconds, a last use."""
    data = tmp_path / "data"
    early = token(data, "create", "early", "--scope", "ingest:generic")
    with Server(data, "--auth", "required") as server:
        server.start().ready()

        def post(text: str) -> int:
            return server.post("/v1/webhooks/generic", ALERT, Authorization=f"Bearer {text}")[0]

        def read(text: str) -> int:
            return server.request("GET", "/v1/incidents", headers={"Authorization": f"Bearer {text}"})[0]

        late = token(data, "create", "ana", "--scope", "write,ingest:*", "--expires", "never")
        assert (post(early), post(late), read(early), read(late), server.get("/")[0]) == (202, 202, 403, 200, 401)

        link = re.search(r"/sign-in\?token=\S+", server.printed())
        assert link is not None
        assert [server.get(link[0])[0] for _ in range(2)] == [303, 401]

        assert token(data, "revoke", "early").startswith("revoked ")
        until(lambda: post(early) == 401, "the server's knowing", 5)
        assert server.stop() == 0
    listed = token(data, "list", "--all")

    assert re.search(r"early .*ingest:generic .*last used .*revoked", listed)
    assert re.search(r"ana .*write, ingest:\* .*without an end .*last used", listed)
    assert re.search(r"operator .*admin .*session", listed)
    for text in (early, late, link[0].partition("=")[2]):
        assert text.encode() not in b"".join(file.read_bytes() for file in data.iterdir())


def test_secrets_stay_secret(tmp_path: Path) -> None:
    """On loopback too an integration asks for its secret; it is in no file but the settings, and in no line printed."""
    (tmp_path / "alertline.toml").write_text(f'[integrations.repo]\nsource = "github"\nsecret = "{SECRET}"\n')
    recording, body = tmp_path / "day.ndjson", b'{"zen": "it\\u0027s"}'
    signed = {**SENDERS["github"](SECRET, body, NOW).headers, "X-GitHub-Event": "ping"}
    with Server(tmp_path / "data", "--record", str(recording)) as server:
        server.start().ready()
        statuses = [
            server.request("POST", "/v1/webhooks/repo", body, headers)[0]
            for headers in (signed, {"Authorization": f"Bearer {SECRET}"}, {"Authorization": "Bearer x"}, {})
        ]
        in_path = server.request("POST", f"/v1/webhooks/repo/{SECRET}", body)[0]
        altered = server.request("POST", "/v1/webhooks/repo", body + b" ", signed)[0]
        evil = server.request("GET", "/v1/incidents", headers={"Host": "evil.example"})[0]
        assert server.stop() == 0
        said = server.printed()

    assert (statuses, in_path, altered, evil) == ([202, 202, 401, 401], 202, 401, 421)
    signature = signed["x-hub-signature-256"]
    for file in (*server.folder.iterdir(), recording):
        assert SECRET.encode() not in file.read_bytes(), file
        assert signature.encode() not in file.read_bytes(), file
    assert SECRET not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "0.0.0.0"), "host '0.0.0.0' is no loopback address"),  # noqa: S104 - it is refused
        (("--host", "::"), "host '::' is no loopback address"),
        (("--host", "0.0.0.0", "--auth", "required", "--recorded-time"), "--recorded-time believes every sender"),  # noqa: S104
        (("--config", "secret.toml"), "integrations.it.secret: the environment variable NO_SUCH_VARIABLE is empty"),
    ],
)
def test_refused_before_anything_starts(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """One clear line, exit status 2, and nothing was made."""
    (tmp_path / "secret.toml").write_text('[integrations.it]\nsource = "github"\nsecret = "env:NO_SUCH_VARIABLE"\n')
    status, said = refused(*arguments, folder=tmp_path)

    assert status == 2
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "alertline-data").exists()
