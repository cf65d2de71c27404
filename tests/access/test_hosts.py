"""By which names a server answers, and from whose pages it takes orders."""

from pathlib import Path

import pytest

from alertline.config import check_address, load_settings
from alertline.errors import SettingError
from alertline.eventlog.memory import MemoryLog
from alertline.web.hosts import Hosts
from alertline.web.problems import Problem
from alertline.wiring.access import hosts_of
from tests.access.test_routes import house
from tests.ingest.test_lane import BODY, connected, post

ON_LOOPBACK = Hosts(("Alert.Example",), only=True)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "LOCALHOST:1",
        "127.0.0.1:8080",
        "[::1]:8080",
        "[::1]",
        "alert.example:443",
        "localhost.",
    ],
)
def test_our_names(host: str) -> None:
    """With any port, in any case, in brackets or with a dot at the end."""
    assert ON_LOOPBACK.serves(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil",
        "",
        "[::1",
        "::1",
        "[::2]",
        "é",
        "a b",
    ],
)
def test_names_of_others(host: str) -> None:
    """A name that leads here and is not ours is a stranger's, rebound; without any name it is no browser."""
    assert not ON_LOOPBACK.serves(host)
    with pytest.raises(Problem) as refused:
        ON_LOOPBACK.check(host)
    assert refused.value.status == 421
    assert ON_LOOPBACK.serves(None)


@pytest.mark.parametrize(
    ("origin", "host", "local", "taken"),
    [
        (None, "localhost:8080", True, True),
        ("http://localhost:8080", "localhost:8080", True, True),
        ("http://localhost:3000", "localhost:8080", True, True),
        ("http://localhost:3000", "localhost:8080", False, False),
        ("http://localhost:8080", "localhost:8080", False, True),
        ("https://alert.example", "10.0.0.1", False, True),
        ("https://192.0.2.7:8443", "192.0.2.7:8443", False, True),
        ("https://evil.example", "alert.example", False, False),
        ("null", "localhost:8080", True, False),
        ("", "", False, False),
        ("http://[", "localhost", True, False),
    ],
)
def test_origins(origin: str | None, host: str, local: bool, taken: bool) -> None:
    """Our own pages may post. With a session at stake another port of this machine is another site."""
    hosts = Hosts(("alert.example",), local=local)
    if taken:
        hosts.check_origin(origin, host)
        return
    with pytest.raises(Problem) as refused:
        hosts.check_origin(origin, host)
    assert refused.value.status == 403


async def test_a_lane_answers_by_our_names_only() -> None:
    """Under another name the connection goes the long way, where it is refused."""
    async with connected(MemoryLog()) as wire:
        wire.lanes._serves = ON_LOOPBACK.serves
        await wire.say(post(BODY).replace(b"Host: here", b"Host: localhost"))
        by_lane = wire.handed_over
        await wire.say(post(BODY))

    assert (by_lane, wire.handed_over) == (0, 1)


async def test_orders_from_a_page_of_another_site(tmp_path: Path) -> None:
    """A browser that is signed in, led by a stranger's page: refused; from our own: heard."""
    async with house(tmp_path) as made:
        cookie = {"Cookie": f"alertline_session={await made.session('the-secret-of-the-link')}"}
        ours = f"http://{made.client.host}:{made.client.port}"
        statuses = []
        for origin in ("https://evil.example", "http://127.0.0.1:1", "null", ours):
            headers = {**cookie, "Origin": origin}
            answer = await made.client.post("/v1/quarantine/x/discard", json={"reason": "r"}, headers=headers)
            statuses.append(answer.status)
        signed_in = await made.client.get("/sign-in", params={"token": "the-secret-of-the-link"})

    assert statuses == [403, 403, 403, 404]
    assert signed_in.status == 401  # it was good once


async def test_the_cookie(tmp_path: Path) -> None:
    """No script reads it, no form of another site sends it; behind TLS it stays there; signing out ends it."""
    async with house(tmp_path) as made:
        query, proxied = {"token": "the-secret-of-the-link"}, {"X-Forwarded-Proto": "https"}
        answer = await made.client.get("/sign-in", params=query, headers=proxied, allow_redirects=False)
        said = answer.headers["Set-Cookie"]
        cookie = {"Cookie": said.partition(";")[0]}
        before = (await made.client.get("/v1/incidents", headers=cookie)).status
        left = await made.client.post("/sign-out", headers=cookie, allow_redirects=False)
        after = (await made.client.get("/v1/incidents", headers=cookie)).status

    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/"} <= set(said.split("; "))
    assert answer.headers["Location"] == "/"
    assert (before, left.status, after) == (200, 303, 401)
    assert "Max-Age=0" in left.headers["Set-Cookie"]


def test_addresses(tmp_path: Path) -> None:
    """Loopback as ever; another address only where everybody is asked; names are checked where nobody is."""
    file = tmp_path / "alertline.toml"
    file.write_text('auth = "required"\nhosts = ["alert.example"]\n')
    open_to_all = load_settings(file, {"ALERTLINE_HOST": "0.0.0.0"})  # noqa: S104 - that is the point
    check_address(open_to_all)
    assert hosts_of(open_to_all).serves("alert.example")
    assert not hosts_of(open_to_all).serves("evil.example")
    assert not hosts_of(load_settings(None, {})).serves("evil.example")
    anywhere = load_settings(None, {"ALERTLINE_HOST": "::", "ALERTLINE_AUTH": "required"})
    assert hosts_of(anywhere).serves("whatever.example")
    with pytest.raises(SettingError, match="everybody needs a token or the sign-in link"):
        check_address(load_settings(None, {"ALERTLINE_HOST": "192.0.2.1"}))
    with pytest.raises(SettingError, match="auth must be 'local' or 'required', not 'off'"):
        load_settings(None, {"ALERTLINE_AUTH": "off"})
