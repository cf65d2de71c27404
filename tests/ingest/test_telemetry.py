"""Logs: one event, one line, with keys."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from alertline.telemetry import LogFormat, configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Our events and the libraries' are JSON lines with level, logger and time."""
    configure_logging(LogFormat.JSON)
    structlog.get_logger("ours").info("delivery.taken", source="generic")
    logging.getLogger("theirs").warning("a sentence")
    structlog.get_logger("ours").debug("not shown")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    assert [(line["event"], line["level"], line["logger"]) for line in lines] == [
        ("delivery.taken", "info", "ours"),
        ("a sentence", "warning", "theirs"),
    ]
    assert lines[0]["source"] == "generic"
    assert lines[0]["timestamp"].endswith("Z")


def test_console(capsys: pytest.CaptureFixture[str]) -> None:
    """On a console an event is readable, without colours where nobody sees them."""
    configure_logging(LogFormat.CONSOLE, "debug")
    structlog.get_logger("ours").debug("delivery.taken", source="generic")

    shown = capsys.readouterr().err

    assert "delivery.taken" in shown
    assert "\x1b" not in shown
