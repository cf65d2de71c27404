"""The command line: help that teaches, one-line errors with their exit status, and what each command prints."""

import gzip
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import orjson
import pytest

from alertline.cli import main as entry
from alertline.cli.main import main
from alertline.demo import recording
from tests.support.server import Server

Run = Callable[..., tuple[int, str, str]]

ALERT = '{"received_at":"2024-01-01T00:00:0%dZ","source":"generic","body":{"title":"%s"}}\n'
COMMANDS = ["demo", "serve", "send", "replay", "export", "show", "explain", "postmortem", "report", "quarantine"]
COMMANDS += ["sources", "token", "config", "db", "ingest", "correlate", "review"]
SUBCOMMANDS = [
    *(("config", name) for name in ("check", "apply")),
    ("sources", "try"),
    *(("token", name) for name in ("create", "list", "revoke")),
    *(("db", name) for name in ("upgrade", "check")),
    *(("quarantine", name) for name in ("list", "show", "replay", "discard")),
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs the command in a folder of its own: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["alertline", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """The demo's recording."""
    path = tmp_path / "day.ndjson"
    path.write_bytes(recording("load-balancer"))
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A running server and the id of its one incident."""
    with Server(tmp_path_factory.mktemp("served") / "data") as server:
        body = {"title": "Disk full", "dedup_key": "disk", "service": "db", "starts_at": "2024-08-20T14:00:00Z"}
        delivery = server.start().ready().post("/v1/webhooks/generic", body)[1]["delivery"]
        yield server, server.applied(delivery)["incidents"][0]


def test_help_of_all(run: Run) -> None:
    """The first help lists every command in the order of a newcomer's day, with the first steps."""
    status, out, _ = run("--help")

    assert status == 0
    assert re.findall(r"^  ([a-z]+)  ", out.partition("Commands:")[2], re.MULTILINE) == COMMANDS
    assert "alertline demo" in out
    assert run("-h") == (0, out, "")
    assert run() == (2, "", out)


@pytest.mark.parametrize("command", [*((name,) for name in COMMANDS), *SUBCOMMANDS])
def test_help(run: Run, command: tuple[str, ...]) -> None:
    """The help of a command says what it does, and has a sentence or a metavar's meaning for every option."""
    status, out, err = run(*command, "--help")
    found: click.Command | None = None
    context = click.Context(entry._alertline)
    for name in command:
        group = found or entry._alertline
        assert isinstance(group, click.Group)
        found = group.get_command(context, name)

    assert (status, err) == (0, "")
    assert len(out.splitlines()) > 5
    assert found is not None
    options = [each for each in found.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("nonsense",), 2, "No such command 'nonsense'"),
        (("replay",), 2, "Missing argument 'RECORDING…'"),
        (("replay", "none.ndjson"), 2, "'none.ndjson' does not exist"),
        (("replay", "bad.ndjson"), 1, "bad.ndjson:2: not JSON"),
        (("replay", "untimed.ndjson"), 1, "untimed.ndjson:1: /received_at"),
        (("replay", "cut.ndjson.gz"), 1, "cut.ndjson.gz: not a whole gzip file"),
        (("replay", "good.ndjson", "--format", "pdf"), 2, "'pdf' is not one of"),
        (("replay", "good.ndjson", "--config", "typo.toml"), 2, "unknown setting 'windos'; did you mean 'windows'?"),
        (("config", "check", "typo.toml"), 2, "unknown setting 'windos'; did you mean 'windows'?"),
        (
            ("config", "check", "duration.toml"),
            2,
            "windows.quiet must be a duration such as 90s, 5m or 1h30m, not '5x'",
        ),
        (("config", "check", "torn.toml"), 2, "torn.toml is not valid TOML"),
        (("config", "check", "none.toml"), 2, "no such configuration file: none.toml"),
        (("export",), 1, "there is no Alertline data in alertline-data: name the server's folder with --data"),
        (("export", "--from", "yesterday"), 2, "a day or a time such as 2024-08-20"),
        (("config", "apply"), 1, "there is no Alertline data in alertline-data: name the server's folder with --data"),
        (("quarantine", "list"), 1, "there is no Alertline data in alertline-data"),
        (("quarantine", "discard", "d_1"), 2, "Missing option '--reason'"),
        (("show", "inc_1"), 1, "there is no Alertline data in alertline-data"),
        (("explain", "inc_1"), 1, "there is no Alertline data in alertline-data"),
        (("explain", "inc_1", "--recording", "good.ndjson"), 1, "no incident of the recording has the id inc_1"),
        (("replay", "good.ndjson", "--diff", "torn.toml", "typo.toml"), 2, "torn.toml is not valid TOML"),
        (("db", "check"), 1, "there is no Alertline data in alertline-data"),
        (("send", "good.ndjson"), 2, "Missing option '--url'"),
        (("send", "good.ndjson", "--url", "nonsense"), 1, "'nonsense' is no address such as http://127.0.0.1:8080"),
        (("send", "good.ndjson", "--url", "http://127.0.0.1:9", "--speed", "0"), 2, "must be more than 0"),
    ],
)
def test_errors(run: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, words: str) -> None:
    """What is wrong is one line on standard error, and nothing on standard output."""
    files = {
        "good.ndjson": ALERT % (1, "a"),
        "bad.ndjson": ALERT % (1, "a") + "{not json\n",
        "untimed.ndjson": '{"source":"generic","body":{}}\n',
        "typo.toml": "windos = 1\n",
        "duration.toml": '[windows]\nquiet = "5x"\n',
        "torn.toml": "[windows\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "cut.ndjson.gz").write_bytes(gzip.compress((ALERT % (1, "a")).encode())[:-9])
    got, out, err = run(*arguments)

    assert (got, out, err.count("\n")) == (status, "", 1)
    assert err.startswith("alertline: ")
    assert words in err


def test_replay(run: Run, day: Path) -> None:
    """`replay` prints one JSON document, the same bytes each time; also as text and Markdown."""
    status, out, err = run("replay", day)
    document = orjson.loads(out)

    assert (status, err) == (0, "")
    assert list(document) == ["incidents", "unattached"]
    assert [each["milestones"]["detected"]["at"] for each in document["incidents"]] == ["2024-08-20T14:05:00Z"]
    assert run("replay", day)[1] == out
    text = run("replay", day, "--format", "text")[1]
    assert re.search(r"14:05.*Detected", text)
    assert "# Incident Report" in run("replay", day, "--format", "md")[1]


def test_explain(run: Run, day: Path) -> None:
    """Why each alert is in the incident, and what its times rest on."""
    (incident,) = orjson.loads(run("replay", day)[1])["incidents"]
    status, out, err = run("explain", incident["id"], "--recording", day)

    assert (status, err) == (0, "")
    for alert in incident["alerts"]:
        assert alert["title"] in out
        for reason in alert["why"]:
            assert reason["text"] in out
    assert re.search(r"Impact started .* derived .* pending window", out)


def test_replay_under_two_configurations(run: Run, tmp_path: Path) -> None:
    """Strangers on the map are two incidents, without it one; under the same configuration nothing is different."""
    day = [
        {"received_at": f"2024-01-01T00:0{n}:10Z", "source": "generic", "body": {"title": service, "service": service}}
        for n, service in enumerate(("web", "mail"))
    ]
    (tmp_path / "day.ndjson").write_bytes(b"\n".join(map(orjson.dumps, day)))
    (tmp_path / "a.toml").write_text("")
    (tmp_path / "b.toml").write_text('[topology.depends_on]\nweb = ["cart"]\nmail = ["queue"]\n')
    found = orjson.loads(run("replay", "day.ndjson", "--diff", "a.toml", "b.toml")[1])
    status, text, _ = run("replay", "day.ndjson", "--diff", "a.toml", "b.toml", "--format", "text")

    assert (found["incidents"], found["same"]) == ({"first": 1, "second": 2}, 0)
    assert [len(group["second"]) for group in found["regrouped"]] == [2]
    assert status == 0
    assert "regrouped: 1 became 2" in text
    assert orjson.loads(run("replay", "day.ndjson", "--diff", "a.toml", "a.toml")[1])["same"] == 1
    assert run("replay", "day.ndjson", "--diff", "a.toml", "b.toml", "--events")[0] == 2


def test_replay_of_nothing(run: Run, tmp_path: Path) -> None:
    """An empty recording comes to nothing, which is no error."""
    (tmp_path / "empty.ndjson").write_text("\n")

    assert run("replay", "empty.ndjson") == (0, '{"incidents":[],"unattached":[]}\n', "")


def test_replay_events(run: Run, tmp_path: Path) -> None:
    """`--events` also tells what each line was read as, in the shape of the contract."""
    (tmp_path / "some.ndjson").write_text(
        '{"received_at":"2024-01-01T00:00:00Z","source":"generic","body":[{"title":"t","dedup_key":"k",'
        '"starts_at":"2024-01-01T01:00:00+01:00","labels":{"a":"b"}},{"status":"firing"}]}\n'
        '{"received_at":"2024-01-01T00:00:01Z","source":"alertmanager","body_text":"not json"}\n'
        '{"received_at":"2024-01-01T00:00:02Z","source":"alertline","body":{"type":"tick","at":"2024-01-01T00:00:02Z"}}\n'
        '{"received_at":"2024-01-01T00:00:03Z","source":"alertline","body":{"type":"entry","kind":"note","text":"hi"}}\n'
        '{"received_at":"2024-01-01T00:00:04Z","source":"not_installed","body":{}}\n'
    )
    deliveries = orjson.loads(run("replay", "some.ndjson", "--events")[1])["deliveries"]

    assert [(each["line"], each["source"], each["outcome"]) for each in deliveries] == [
        (1, "generic", "partial"),
        (2, "alertmanager", "quarantined"),
        (3, "alertline", "control"),
        (4, "alertline", "accepted"),
        (5, "not_installed", "quarantined"),
    ]
    assert all(set(each) >= {"line", "source", "outcome", "reason", "events", "rejected"} for each in deliveries)
    (alert,) = deliveries[0]["events"]
    assert [alert[name] for name in ("kind", "status", "dedup_key", "title", "starts_at", "ends_at", "labels")] == [
        *("alert", "firing", "k", "t", "2024-01-01T00:00:00Z", None, {"a": "b"})
    ]
    assert {"severity", "service", "host", "environment"} <= set(alert)
    assert [(each["index"], set(each)) for each in deliveries[0]["rejected"]] == [(1, {"index", "pointer", "reason"})]
    assert deliveries[3]["events"][0]["kind"] == "entry"
    assert deliveries[3]["events"][0]["starts_at"] is None


def test_replay_of_two(run: Run, tmp_path: Path) -> None:
    """Several recordings, packed or not, are merged by the time at which they were received."""
    (tmp_path / "odd.ndjson.gz").write_bytes(gzip.compress((ALERT % (1, "a") + ALERT % (3, "c")).encode()))
    (tmp_path / "even.ndjson").write_text(ALERT % (2, "b") + ALERT % (4, "d"))
    _, out, _ = run("replay", "odd.ndjson.gz", "even.ndjson", "--events")

    assert [each["events"][0]["title"] for each in orjson.loads(out)["deliveries"]] == ["a", "b", "c", "d"]


def test_config_check(run: Run, tmp_path: Path) -> None:
    """`config check` tells what holds by file and environment; as JSON it is what the log would hold."""
    (tmp_path / "alertline.toml").write_text('[windows]\nquiet = "90s"\n')
    status, out, _ = run("config", "check")
    _, document, _ = run("config", "check", "--format", "json")

    assert status == 0
    assert "quiet             1m30s  (default 5m)" in out
    assert orjson.loads(document)["windows"]["quiet"] == "PT90S"


def test_db(run: Run, tmp_path: Path) -> None:
    """`db upgrade` makes the tables, and `db check` agrees then."""
    (tmp_path / "alertline-data").mkdir()
    (tmp_path / "alertline-data" / "log.db").touch()
    before = run("db", "check")
    upgraded = run("db", "upgrade")

    assert before[0] == 1
    assert "run `alertline db upgrade`" in before[2]
    assert upgraded[0] == 0
    assert re.fullmatch(r"tables are at revision \w+\n", upgraded[1])
    assert run("db", "check") == (0, "the tables are as this version expects them\n", "")


def test_show(run: Run, served: tuple[Server, str]) -> None:
    """`show` tells an incident beside the running server, in four forms; an unknown id is one line."""
    server, incident = served
    data = ("--data", server.folder)

    assert "Disk full" in run("show", incident, *data)[1]
    assert orjson.loads(run("show", incident, *data, "--format", "json")[1]) == server.incidents()[0]
    assert run("show", incident, *data, "--format", "csv")[1].count("\n") >= 3
    assert run("show", incident, *data, "--format", "md")[1].startswith("# Timeline: Disk full")
    assert run("show", "inc_0", *data) == (1, "", "alertline: no incident has the id inc_0\n")


def test_postmortem_into(run: Run, served: tuple[Server, str], tmp_path: Path) -> None:
    """`postmortem --into` writes the draft, and later renews its automatic blocks without touching human text."""
    server, incident = served
    file = tmp_path / "outage.md"
    call = ("postmortem", incident, "--data", server.folder, "--into", file)

    assert run(*call) == (0, "", f"written: {file}\n")
    draft = file.read_text()
    assert run("postmortem", incident, "--data", server.folder)[1] == draft
    file.write_text(f"{draft}\nA person wrote this.\n")
    note = {"type": "entry", "kind": "note", "text": "Somebody found it out", "incident": incident}
    server.applied(server.post("/v1/webhooks/alertline", note)[1]["delivery"])
    assert run(*call)[0] == 0
    assert "A person wrote this." in file.read_text()
    assert "Somebody found it out" in file.read_text()


def test_quarantine(run: Run, served: tuple[Server, str]) -> None:
    """Listed, shown, in vain read again, discarded with a name, beside the running server."""
    server, _ = served
    lost = server.post("/v1/webhooks/grafana", b"nothing we know")[1]["delivery"]
    server.applied(lost)
    data = ("--data", server.folder)
    listed, shown = run("quarantine", "list", *data), run("quarantine", "show", lost, *data)
    replayed = run("quarantine", "replay", lost, *data)
    discarded = run("quarantine", "discard", lost, "--reason", "noise", "--actor", "ana", *data)

    assert (listed[0], lost in listed[1], "open" in listed[1]) == (0, True, True)
    assert shown[1].endswith("nothing we know\n")
    assert run("quarantine", "show", lost, "--raw", *data)[1] == "nothing we know"
    assert (replayed[0], "still unreadable" in replayed[2]) == (1, True)
    assert (discarded[0], "discarded by ana" in discarded[1], "noise" in discarded[1]) == (0, True, True)
    assert run("quarantine", "list", *data) == (0, "", "")
    (row,) = map(orjson.loads, run("quarantine", "list", "--state", "all", "--format", "json", *data)[1].splitlines())
    assert server.get(f"/v1/quarantine/{lost}")[1].items() >= row.items()
    again = run("quarantine", "discard", lost, "--reason", "noise", *data)
    assert again == (1, "", "alertline: it was disposed of before: it was discarded by ana\n")
    assert run("quarantine", "show", "d_0", *data) == (1, "", "alertline: no delivery d_0 is in quarantine\n")


def test_demo(run: Run) -> None:
    """`demo --exit` plays the outage through a real server and prints the expected times; status 0."""
    status, out, _ = run("demo", "--exit")

    assert status == 0
    assert re.search(r"14:05.*Detected", out)
    assert re.search(r"14:00.*Impact started.*derived", out, re.IGNORECASE)
    assert re.search(r"15:45.*Resolved", out)
