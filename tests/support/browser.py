"""A real browser on a real server: Debian's Chromium, driven by Playwright, on loopback only."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from tests.server.test_export import alertline
from tests.support.server import Server

__all__ = ["MISSING", "browser", "served_demo"]

_CHROMIUM = os.environ.get("ALERTLINE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = (
    "Chromium is missing: apt-get install chromium"
    if _CHROMIUM is None
    else "the Python package playwright is missing"
    if importlib.util.find_spec("playwright") is None
    else None
)
"""What is missing for these tests; None: nothing."""

_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def browser() -> Iterator[Any]:
    """A browser of its own; closed at the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        try:
            yield started
        finally:
            started.close()


@contextmanager
def served_demo(folder: Path) -> Iterator[Server]:
    """A server on recorded time that has received the demo's outage."""
    with Server(folder / "data", "--recorded-time") as server:
        server.start().ready()
        with as_file(files("alertline.demo").joinpath("load-balancer.ndjson")) as recording:
            alertline("send", recording, "--url", server.address, "--speed", "max", "--wait")
        yield server
