"""`config check`: mistake by mistake, what a person is told."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertline.config import load_settings
from alertline.configuring import configuration_of, notes
from alertline.errors import SettingError
from alertline.wiring.integrations import integrations_of
from ingest.catalogue import adapters
from ingest.intake import receive
from ingest.integrations import Integration
from ingest.recording import read_recordings
from schemas.records import Configured
from tests.docs.documents import ROOT, blocks

NOW = datetime(2025, 3, 10, tzinfo=UTC)
TOPOLOGY = '[topology.depends_on]\nweb = ["api"]\napi = ["db"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[window]\n", "alertline.toml: unknown setting 'window'; did you mean 'windows'?"),
        ("[windows]\nquite = '5m'\n", "unknown setting 'quite' in [windows]; did you mean 'quiet'?"),
        ("[windows]\nattach = 5\n", "unknown setting 'attach' in [windows]; known are quiet, point_quiet, reopen"),
        (
            "[[rules.scope]]\nset = 'a'\n[[rules.scope]]\nsett = 'b'\n",
            "'sett' in [[rules.scope]] no. 2; did you mean 'set'?",
        ),
        ("[rules]\ncorrelate = []\n", "unknown setting 'correlate' in [rules]; did you mean 'correlate_by'?"),
        (
            "[integrations.x]\nsorce = 'grafana'\n",
            "unknown setting 'sorce' in [integrations.NAME]; did you mean 'source'?",
        ),
        ("[[maintenance]]\nto = '2025-03-04T22:00:00Z'\n", "'from' is needed in [[maintenance]] no. 1"),
        ("[thresholds]\nattach = 'twelve'\n", "expected int, got str in [thresholds.attach]"),
        ("[windows]\nspan = '6 hours'\n", "windows.span must be a duration such as 90s, 5m or 1h30m, not '6 hours'"),
        ("[windows]\nspan = '400d'\n", "windows.span must be more than nothing and at most 366 days"),
        ("[windows]\nlease_least = '2d'\n", "windows.lease_least must not be longer than windows.lease_most"),
        ("[[pending]]\nfor = 'ever'\n", "pending no. 1: for must be a duration such as 90s, 5m or 1h30m, not 'ever'"),
        ("[thresholds]\nattach = 20\n", "thresholds must be 0 < suggest <= attach <= merge, not 6, 20, 16"),
        ("[thresholds]\nflaps = 1\n", "thresholds.flaps must be at least 2, not 1"),
        (
            "[[rules.scope]]\nfrom = 'x'\nregex = '(a'\n",
            "rules.scope no. 1: regex '(a' is no regular expression: missing )",
        ),
        ("[[rules.scope]]\nfrom = 'x'\nregex = 'a+'\n", "rules.scope no. 1: regex 'a+' must have one group"),
        ("[[rules.service]]\nset = 'x'\nregex = '(a)'\n", "rules.service no. 1: regex needs from"),
        ("[[rules.service]]\nset = 'x'\nfrom = 'y'\n", "rules.service no. 1: one of set (a name) and from"),
        ("[[rules.service]]\n", "rules.service no. 1: one of set (a name) and from"),
        ("[[rules.service]]\nset = ''\n", "rules.service no. 1: set and from must not be empty"),
        (
            "[[maintenance]]\nfrom = 2025-03-04\nto = 2025-03-05\n",
            "maintenance no. 1: from must be a time with its zone such as 2025-03-04T22:00:00Z, not '2025-03-04'",
        ),
        (
            "[[maintenance]]\nfrom = 2025-03-04T22:00:00Z\nto = '2025-03-04T22:00:00+01:00'\n",
            "maintenance no. 1: it ends (2025-03-04T21:00:00+00:00) before it begins",
        ),
        ("[topology]\ncsv = ['none.csv']\n", "topology.csv: cannot read {folder}/none.csv: No such file or directory"),
        ("[topology]\nbackstage = ['none.yaml']\n", "topology.backstage: cannot read {folder}/none.yaml"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, words: str) -> None:
    """One line that names the setting and says what would be right."""
    file = tmp_path / "alertline.toml"
    file.write_text(text)

    with pytest.raises(SettingError) as refusal:
        configuration_of(load_settings(file, {}))

    assert words.replace("{folder}", str(tmp_path)) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TOPOLOGY, []),
        (TOPOLOGY + "[[rules.service]]\nset = 'api'\n", []),
        (TOPOLOGY + "[[pending]]\nfor = '1m'\nmatch = {service = 'a*'}\n", []),
        ("[[rules.service]]\nset = 'anything'\n", []),
        (
            TOPOLOGY + "[[rules.service]]\nset = 'appi'\n",
            ["rules.service no. 1: the topology does not know the service 'appi'; did you mean 'api'?"],
        ),
        (
            TOPOLOGY + "[[pending]]\nfor = '1m'\nmatch = {service = 'zzz'}\n",
            ["pending no. 1: the topology does not know the service 'zzz'"],
        ),
        (
            "[[pending]]\nfor = '1m'\nmatch = {servce = 'api'}\n",
            ["pending no. 1: 'servce' is taken as a label; did you mean the field 'service'?"],
        ),
        (
            "[[rules.scope]]\nset = 'a'\n[[rules.scope]]\nset = 'b'\n",
            ["rules.scope: no. 1 applies to every alert, so those after it never do"],
        ),
        (
            "[topology.depends_on]\na = ['b']\nb = ['a']\n",
            ["topology: a calls b calls a: a circle, so each counts as a dependency of the other"],
        ),
        (
            "[[maintenance]]\nfrom = 2025-03-04T22:00:00Z\nto = 2025-03-05T01:00:00Z\n",
            ["maintenance no. 1 is over since 2025-03-05 01:00 UTC"],
        ),
        (
            "[[maintenance]]\nfrom = 2025-04-04T22:00:00Z\nto = 2025-04-05T01:00:00Z\nmatch = {service = 'db'}\n"
            "[[maintenance]]\nfrom = 2025-04-05T00:00:00Z\nto = 2025-04-05T02:00:00Z\n"
            "[[maintenance]]\nfrom = 2025-04-05T01:00:00Z\nto = 2025-04-05T02:00:00Z\nmatch = {service = 'db'}\n",
            [
                "maintenance no. 1 and no. 2 overlap, and match the same alerts",
                "maintenance no. 2 and no. 3 overlap, and match the same alerts",
            ],
        ),
    ],
)
def test_notes(tmp_path: Path, text: str, expected: list[str]) -> None:
    """What is allowed and probably not meant is told, and nothing else."""
    file = tmp_path / "alertline.toml"
    file.write_text(text)

    assert list(notes(configuration_of(load_settings(file, {})), NOW)) == expected


def test_files_lie_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to the file that names them, wherever the command is started; the record holds what they said."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "calls.csv").write_text("web,api\n")
    file = folder / "alertline.toml"
    file.write_text('[topology]\ncsv = ["calls.csv"]\n[topology.depends_on]\nweb = ["db"]\n')
    monkeypatch.chdir(tmp_path)

    assert configuration_of(load_settings(Path("etc/alertline.toml"), {})).depends_on == {"web": ("api", "db")}


def test_the_page_about_it_is_right(tmp_path: Path) -> None:
    """The example holds as it stands beside its files, without a note; the line of a recording is one."""
    page = ROOT / "docs" / "configuration.md"
    (example, mapping), (line,) = blocks(page, "toml"), blocks(page, "json")
    (tmp_path / "alertline.toml").write_text(example, encoding="utf-8")
    (tmp_path / "catalog-info.yaml").write_text("kind: Component\nmetadata: {name: cache}\n")
    (tmp_path / "calls.csv").write_text("payments,bank\n")
    (tmp_path / "day.ndjson").write_text(line, encoding="utf-8")
    found = configuration_of(load_settings(tmp_path / "alertline.toml", {}))
    (read,) = read_recordings([tmp_path / "day.ndjson"])
    ours = Integration(name="alertline", source="alertline")

    assert list(notes(found, NOW)) == []
    assert found.depends_on == {"api": ("db", "payments"), "payments": ("bank",), "web": ("api",)}
    assert isinstance(receive(read.posted, ours, adapters()["alertline"], ticks=True), Configured)
    (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
    mapped = integrations_of(load_settings(tmp_path / "mapping.toml", {})).find("acme")
    assert mapped is not None
    assert mapped[0].mapping is not None
