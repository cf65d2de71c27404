"""Take the pictures of docs/img anew: `python -m docs.screenshots`. Needs Chromium and a checkout with its tests.

The demo's outage is played through a real server, so the pictures show what `make demo` shows.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

from tests.support.browser import MISSING, browser, served_demo
from tests.support.server import Server

__all__ = ["main"]

FOLDER: Final = Path(__file__).resolve().parent / "img"
_WIDE: Final = {"width": 1280, "height": 800}
_PHONE: Final = {"width": 390, "height": 844}


def main() -> None:
    """Both pages in light and dark and on a phone, and the form of an override."""
    if MISSING is not None:
        raise SystemExit(MISSING)
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served_demo(Path(folder)) as server, browser() as chromium:
        (incident,) = server.incidents()
        _fire(server)
        path = f"/incidents/{incident['id']}"
        effect = f"{path}/milestones/detected?at=2024-08-20T14:03:00"
        for scheme in ("light", "dark"):
            _take(chromium, server, path, f"incident-{scheme}", scheme, _WIDE, 1100)
            _take(chromium, server, "/", f"list-{scheme}", scheme, _WIDE, 620)
        _take(chromium, server, path, "incident-phone", "light", _PHONE, 1500)
        _take(chromium, server, "/", "list-phone", "dark", _PHONE, 900)
        _take(chromium, server, effect, "override-light", "light", _WIDE, 820)


def _fire(server: Server) -> None:
    """Something that is still open, for the list."""
    body = {"dedup_key": "lag", "title": "Replica lag of orders-db above 60 s", "service": "orders-db"}
    body |= {"severity": "warning", "status": "firing", "starts_at": "2024-08-21T07:56:00Z"}
    _, answer = server.post("/v1/webhooks/generic", body, Alertline_Received_At="2024-08-21T07:56:40Z")
    server.applied(answer["delivery"])


def _take(chromium: Any, server: Server, path: str, name: str, scheme: str, size: dict[str, int], height: int) -> None:
    context = chromium.new_context(color_scheme=scheme, viewport=size)
    page = context.new_page()
    page.goto(server.address + path)
    clip = {"x": 0, "y": 0, "width": size["width"], "height": height}
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True, clip=clip)
    context.close()


if __name__ == "__main__":
    main()
