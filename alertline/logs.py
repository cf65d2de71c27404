"""Logs: events with keys, one line each, ours (structlog) and the libraries'.

What is secret (tokens, query strings, bodies) is never a key.
"""

import logging
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import structlog

from alertline.clock import monotonic

__all__ = ["LogFormat", "Repeats", "configure_logging"]

_AGAIN_S: Final = 10.0
_MOST: Final = 500  # kinds of lines that are told apart


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    CONSOLE = "console"


class Repeats(logging.Filter):
    """Lets what one library says the same way again and again through once in a while.

    The next one that is let through, whenever that is, says how many were not.
    While a broker is away, aiokafka says so at each try, hundreds of times a second: nothing else could be read there.
    The same way: by the same logger, at the same level, in the same words but for what stands in them.
    """

    def __init__(self, name: str, elapsed: Callable[[], float] = monotonic) -> None:
        super().__init__(name)
        self._elapsed = elapsed
        self._told: dict[tuple[str, int, object], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is let through."""
        if not super().filter(record):
            return True  # somebody else's
        said, now_s = (record.name, record.levelno, record.msg), self._elapsed()
        at_s, withheld = self._told.get(said, (now_s - _AGAIN_S, 0))
        if now_s - at_s < _AGAIN_S:
            self._told[said] = at_s, withheld + 1
            return False
        if len(self._told) >= _MOST:
            del self._told[next(iter(self._told))]
        self._told[said] = now_s, 0
        if withheld:
            record.msg, record.args = f"{record.getMessage()} (and {withheld} like it since)", ()
        return True


def configure_logging(log_format: LogFormat, level: str = "INFO") -> None:
    """Send every log event, ours and the libraries', to standard error, one line each.

    Raises:
        ValueError: no such level.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.addFilter(Repeats("aiokafka"))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(log_format)],
        )
    )
    logging.getLogger("aiokafka").setLevel(logging.WARNING)  # it tells of every step of its own
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


def _renderer(log_format: LogFormat) -> list[structlog.types.Processor]:
    """What makes a line of an event; tracebacks show no values of variables: those are deliveries, pages of them."""
    if log_format is LogFormat.JSON:
        told = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [structlog.processors.ExceptionRenderer(told), structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
