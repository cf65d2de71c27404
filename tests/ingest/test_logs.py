"""Logs: one event, one line, with keys."""

import json
import logging

import pytest
import structlog

from alertline.logs import LogFormat, Repeats, configure_logging

pytestmark = pytest.mark.usefixtures("logging_as_before")


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


def test_a_library_that_repeats_itself_is_heard_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """By its words, whatever stands in them; how often it said so is told with the next. Others are left alone."""
    now_s = 0.0
    caplog.handler.addFilter(heard := Repeats("aiokafka", lambda: now_s))
    try:
        for second in range(25):
            now_s = float(second)
            for node in (1, 2):
                logging.getLogger("aiokafka.conn").error("node %s is away", node)
            logging.getLogger("aiokafka").warning(f"once at {second}" if second == 3 else "no coordinator")
            logging.getLogger("aiokafkaesque").error("as it is %s", second)
    finally:
        caplog.handler.removeFilter(heard)

    told = [record.getMessage() for record in caplog.records]
    assert [line for line in told if not line.startswith("as it is")] == [
        "node 1 is away",
        "no coordinator",
        "once at 3",
        "node 1 is away (and 19 like it since)",
        "no coordinator (and 8 like it since)",
        "node 1 is away (and 19 like it since)",
        "no coordinator (and 9 like it since)",
    ]
    assert sum(line.startswith("as it is") for line in told) == 25
